/** Whole verifying keys, compared with what SP1 itself computed. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { computeVkey } from '../../../src/core/vkey/vkey.js'
import { type SyntheticElf, syntheticElf } from '../../vectors/vkey/synthetic-elf.js'

interface Answer {
  readonly elfSha256: string
  readonly vkey: {
    readonly bytes32: string
    readonly hashBytes: string
    readonly commit: readonly number[]
    readonly pcStart: number
    readonly chips: readonly { readonly name: string; readonly logHeight: number }[]
  }
}

const ROOT = new URL('../../../', import.meta.url)
const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))
const TIMEOUT_MS = 120_000

async function expectKey(elf: Uint8Array, { elfSha256, vkey }: Answer): Promise<void> {
  expect(createHash('sha256').update(elf).digest('hex')).toBe(elfSha256)
  expect(await computeVkey(parseElf(elf), { threads: 2 })).toMatchObject({
    bytes32: vkey.bytes32,
    hashBytes: `0x${vkey.hashBytes}`,
    commit: vkey.commit,
    pcStart: vkey.pcStart,
    chips: vkey.chips.map(({ name, logHeight }) => ({ name, logHeight })),
  })
}

describe('verifying key of', () => {
  const guests: Record<string, Answer> = readJson('test/vectors/guests/sp1-3.4.0.json').guests
  for (const [name, answer] of Object.entries(guests)) {
    const elf = () => readFileSync(new URL(`guests/elf/${name}.elf`, ROOT))
    it(name, () => expectKey(elf(), answer), TIMEOUT_MS)
  }

  const synthetic: (Answer & SyntheticElf)[] = readJson('test/vectors/vkey/sp1-3.4.0.json').elfs
  for (const answer of synthetic) {
    const { instructions, zeroWords } = answer
    const name = `${instructions} instructions and ${zeroWords} zero words`
    it(name, () => expectKey(syntheticElf(answer), answer), TIMEOUT_MS)
  }
})
