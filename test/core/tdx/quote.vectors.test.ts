/**
 * Quotes of real machines, and of another simulation, kept outside of this repository: named by
 * SP1_TEE_SHARED, a folder with data/tdx/manifest.json.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { InputError } from '../../../src/core/errors.js'
import { encodeQuote, parseQuote } from '../../../src/core/tdx/quote.js'
import { isSimulatedQuote } from '../../../src/core/tdx/simulated-mark.js'

const SHARED = process.env.SP1_TEE_SHARED
const FOLDER = SHARED === undefined ? undefined : join(SHARED, 'data', 'tdx')

/** What is there and not parsed, with the reason. */
const UNSUPPORTED: Readonly<Record<string, { code: string; field: string; why: string }>> = {
  intel_synth_tdx_v4: {
    code: 'QUOTE_MALFORMED',
    field: 'certificateChain',
    why: 'a chain of DER where PEM is specified',
  },
}

/** Tampered quotes that are no quotes any more; all others differ only in what is signed or believed. */
const TAMPERED: Readonly<Record<string, { code: string; field: string }>> = {
  v4_version_xor1: { code: 'QUOTE_UNSUPPORTED', field: 'bodyType' },
  v4_tee_type: { code: 'QUOTE_UNSUPPORTED', field: 'teeType' },
  v4_att_key_type_3: { code: 'QUOTE_UNSUPPORTED', field: 'attestationKeyType' },
  v4_truncated_report: { code: 'QUOTE_TRUNCATED', field: 'body' },
  v4_truncated_1: { code: 'QUOTE_TRUNCATED', field: 'signatureSection' },
  v4_outer_cert_type_7: { code: 'QUOTE_UNSUPPORTED', field: 'certificationDataType' },
  v4_trailing_bytes: { code: 'QUOTE_TRAILING', field: 'padding' },
}

if (FOLDER === undefined) {
  describe('quotes of real machines', () => {
    it('are parsed', (context) => context.skip('SP1_TEE_SHARED is not set'))
  })
} else {
  const manifestPath = join(FOLDER, 'manifest.json')
  if (!existsSync(manifestPath)) throw new Error(`${manifestPath} is missing`)
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
    files: { file: string; bytes: number; sha256: string }[]
    packs: { name: string; quote: string; sha256: { quote: string } }[]
  }
  const load = (path: string, sha256?: string): Uint8Array => {
    const bytes = readFileSync(join(FOLDER, path))
    if (sha256 !== undefined) {
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    }
    return new Uint8Array(bytes)
  }
  const named = (folder: string, suffix: RegExp) =>
    readdirSync(join(FOLDER, folder))
      .filter((name) => suffix.test(name))
      .map((name) => [name.replace(suffix, ''), `${folder}/${name}`] as const)

  describe('quotes of real machines', () => {
    const raw = manifest.files
      .filter(({ file }) => file.endsWith('quote.dat'))
      .map(({ file, sha256 }) => [file, file, sha256] as const)
    const packs = manifest.packs.map(
      ({ name, quote, sha256 }) => [name, quote, sha256.quote] as const,
    )
    it('are there', () => expect([raw.length > 0, packs.length > 0]).toEqual([true, true]))

    it.each([...raw, ...packs])('%s', (name, path, sha256) => {
      const bytes = load(path, sha256)
      const unsupported = UNSUPPORTED[name]
      if (unsupported === undefined) {
        const quote = parseQuote(bytes)
        expect(toHex(encodeQuote(quote))).toBe(toHex(bytes))
        expect(isSimulatedQuote(quote)).toBe(false)
      } else expectRefusal(bytes, unsupported)
    })
  })

  describe('quotes of another simulation', () => {
    const quotes = named('simulated', /\.bin$/)
    it('are there', () => expect(quotes.length).toBeGreaterThan(0))

    it.each(quotes)('%s', (_, path) => {
      const bytes = load(path)
      const quote = parseQuote(bytes)
      expect(toHex(encodeQuote(quote))).toBe(toHex(bytes))
      expect(isSimulatedQuote(quote)).toBe(true)
    })
  })

  describe('tampered quotes', () => {
    const quotes = named('tampered', /\.quote\.bin$/)
    it('are there', () => expect(quotes.length).toBeGreaterThan(0))

    it.each(quotes)('%s', (name, path) => {
      const bytes = load(path)
      const refusal = TAMPERED[name]
      if (refusal === undefined) expect(toHex(encodeQuote(parseQuote(bytes)))).toBe(toHex(bytes))
      else expectRefusal(bytes, refusal)
    })
  })
}

function expectRefusal(bytes: Uint8Array, { code, field }: { code: string; field: string }): void {
  let thrown: unknown
  try {
    parseQuote(bytes)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(InputError)
  expect(thrown).toMatchObject({ code, details: { field } })
}
