import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import type { CollateralDocuments } from '../../../src/core/dcap/collateral.js'
import { loadCollateral } from '../../../src/core/dcap/collateral-cache.js'
import {
  type CollateralFetchOptions,
  fetchCollateral,
} from '../../../src/core/dcap/collateral-fetch.js'
import { collateralKeyOf } from '../../../src/core/dcap/collateral-key.js'
import { Sp1TeeError } from '../../../src/core/errors.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { type Mishap, type Pcs, startPcs } from '../../support/pcs.js'
import { QUOTE_V3, QUOTE_V4 } from '../tdx/samples.js'
import { resignedCrl } from './resigned.js'
import { AUTHORITY, collateralOf, NOW } from './samples.js'

const DOCUMENTS = collateralOf()
const KEY = collateralKeyOf(parseQuote(QUOTE_V4))

let pcs: Pcs
/** What it serves; tests change it. */
let served: CollateralDocuments
let delaysMs: number[]
beforeEach(async () => {
  served = { ...DOCUMENTS }
  pcs = await startPcs(served)
  delaysMs = []
})
afterEach(() => pcs.close())

function options(more: Partial<CollateralFetchOptions> = {}): CollateralFetchOptions {
  const sleep = async (delayMs: number) => {
    delaysMs.push(delayMs)
  }
  return { fetch: globalThis.fetch, sleep, pccsUrl: pcs.url, ...more }
}

async function refusalOf(task: Promise<unknown>): Promise<{ code: string; reason: unknown }> {
  const error = await task.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Sp1TeeError)) throw error ?? new Error('it was accepted')
  return { code: error.code, reason: error.details.reason }
}

describe('a key', () => {
  it('names TEE, platform and CA of a quote', () => {
    expect(KEY).toEqual({ tee: 'tdx', fmspc: '53494d000000', ca: 'platform' })
    expect(collateralKeyOf(parseQuote(QUOTE_V3)).tee).toBe('sgx')
  })
})

describe('collateral is fetched', () => {
  it('from a PCS, exactly as it is signed', async () => {
    const { documents } = await fetchCollateral(KEY, options())
    expect(documents).toEqual(DOCUMENTS)
    expect(pcs.requests.toSorted()).toEqual([
      '/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
      '/sgx/certification/v4/rootcacrl',
      '/tdx/certification/v4/qe/identity',
      '/tdx/certification/v4/tcb?fmspc=53494d000000',
    ])
  })

  it('from a PCCS, which writes a CRL as hex and a header with another name', async () => {
    const pccs = await startPcs(DOCUMENTS, { style: 'pccs' })
    try {
      const pccsUrl = `${pccs.url}/sgx/certification/v4/`
      const { documents } = await fetchCollateral(KEY, options({ pccsUrl }))
      expect(documents).toEqual(DOCUMENTS)
    } finally {
      await pccs.close()
    }
  })

  it('from Intel where nothing else is said, and the root CRL from where the root says', async () => {
    const urls: string[] = []
    const fetch = (async (url: string) => {
      urls.push(url)
      return new Response(null, { status: 404 })
    }) as typeof globalThis.fetch
    const { pccsUrl: _, ...rest } = options({ fetch })
    expect((await refusalOf(fetchCollateral(KEY, rest))).code).toBe('PCS_PLATFORM_UNKNOWN')
    expect(urls).toEqual([
      'https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=53494d000000',
      'https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity',
      'https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
      'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
    ])
  })

  it.each(['busy at first', 'broken at first'] as const)('from one that is %s', async (mishap) => {
    pcs.mishap = mishap
    const { documents } = await fetchCollateral(KEY, options())
    expect(documents).toEqual(DOCUMENTS)
    // Two more times for each of four documents, with growing patience.
    expect(delaysMs.toSorted((a, b) => a - b)).toEqual([
      ...Array(4).fill(1_000),
      ...Array(4).fill(2_000),
    ])
  })

  it('with the patience that a server asks for', async () => {
    const patient = await startPcs(DOCUMENTS, { retryAfterSeconds: 7 })
    patient.mishap = 'busy at first'
    try {
      await fetchCollateral(KEY, options({ pccsUrl: patient.url }))
      expect(new Set(delaysMs)).toEqual(new Set([7_000]))
    } finally {
      await patient.close()
    }
  })
})

describe('fetching fails', () => {
  it.each<[Mishap, string, RegExp]>([
    ['unknown platform', 'PCS_PLATFORM_UNKNOWN', /undefined/],
    ['busy always', 'PCS_ANSWER', /status 429/],
    ['truncated', 'PCS_UNREACHABLE', /./],
    ['endless', 'PCS_ANSWER', /more than 16777216 bytes/],
    ['no chain', 'PCS_ANSWER', /no header/],
    ['chain not encoded', 'PCS_ANSWER', /is not URL-encoded/],
    ['not signed', 'PCS_ANSWER', /no signed/],
    ['other document', 'PCS_ANSWER', /no signed tcbInfo/],
    ['empty CRL', 'PCS_ANSWER', /an empty CRL/],
    ['CRL of garbage', 'PCS_ANSWER', /CRL is no strict DER/],
    ['redirect', 'PCS_UNREACHABLE', /redirect/],
  ])('with a server: %s', async (mishap, code, reason) => {
    pcs.mishap = mishap
    const refusal = await refusalOf(fetchCollateral(KEY, options()))
    expect(refusal.code).toBe(code)
    expect(String(refusal.reason)).toMatch(reason)
  })

  it('with one that does not answer in time', async () => {
    pcs.mishap = 'silent'
    const refusal = await refusalOf(fetchCollateral(KEY, options({ timeoutMs: 50 })))
    expect(refusal).toEqual({ code: 'PCS_UNREACHABLE', reason: 'no answer within 0.05 s' })
  })

  it('with one that asks for more patience than there is', async () => {
    const slow = await startPcs(DOCUMENTS, { retryAfterSeconds: 3600 })
    slow.mishap = 'busy always'
    try {
      const refusal = await refusalOf(fetchCollateral(KEY, options({ pccsUrl: slow.url })))
      expect(refusal.code).toBe('PCS_ANSWER')
      expect(delaysMs).toEqual([])
    } finally {
      await slow.close()
    }
  })

  it('with nobody there, and shows no credentials', async () => {
    const pccsUrl = 'http://name:secret@127.0.0.1:1'
    const fetching = fetchCollateral(KEY, options({ pccsUrl }))
    await expect(fetching).rejects.toMatchObject({ code: 'PCS_UNREACHABLE' })
    await expect(fetching).rejects.not.toThrow(/secret/)
  })

  it('unless a server that wants a user gets it', async () => {
    const seen: (string | undefined)[] = []
    const fetch = (async (url: string, init: { headers: Record<string, string> }) => {
      seen.push(`${new URL(url).username}${init.headers.Authorization}`)
      return new Response(null, { status: 401 })
    }) as typeof globalThis.fetch
    const pccsUrl = 'http://name:pass%20word@127.0.0.1:1'
    const refusal = await refusalOf(fetchCollateral(KEY, options({ fetch, pccsUrl })))
    expect(refusal).toEqual({ code: 'PCS_ANSWER', reason: 'status 401' })
    expect(seen[0]).toBe('Basic bmFtZTpwYXNzIHdvcmQ=')
  })

  it('with what is no URL', async () => {
    for (const pccsUrl of ['pccs', 'ftp://127.0.0.1']) {
      const refusal = await refusalOf(fetchCollateral(KEY, options({ pccsUrl })))
      expect(refusal.code).toBe('FLAG_INVALID')
    }
  })

  it('when it is interrupted', async () => {
    pcs.mishap = 'silent'
    const interrupt = new AbortController()
    const fetching = fetchCollateral(KEY, options({ signal: interrupt.signal }))
    interrupt.abort()
    expect((await refusalOf(fetching)).code).toBe('INTERRUPTED')
  })
})

describe('fetched collateral', () => {
  let folder: string
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'sp1-tee-collateral-')), 'collateral')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const load = (now = NOW, more = {}) => loadCollateral(KEY, { ...options(), folder, now, ...more })
  const keptFile = async () => join(folder, String((await readdir(folder))[0]))

  it('is kept, for others not to see', async () => {
    const first = await load()
    expect(await load()).toEqual(first)
    expect(pcs.requests).toHaveLength(4)
    expect((await stat(await keptFile())).mode & 0o777).toBe(0o600)
  })

  it('is fetched again when it has expired, when it is of yesterday, and when it is broken', async () => {
    await load()
    await load(new Date(NOW.getTime() + 31 * 86_400_000))
    expect(pcs.requests).toHaveLength(8)
    const yesterday = new Date(NOW.getTime() - 86_400_001)
    await utimes(await keptFile(), yesterday, yesterday)
    await load()
    expect(pcs.requests).toHaveLength(12)
    await writeFile(await keptFile(), '{')
    await load()
    expect(pcs.requests).toHaveLength(16)
    await load(NOW, { isRenewal: true })
    expect(pcs.requests).toHaveLength(20)
  })

  it('of one server is not given as that of another', async () => {
    await load()
    const other = await startPcs(DOCUMENTS)
    try {
      await loadCollateral(KEY, { ...options({ pccsUrl: other.url }), folder, now: NOW })
      expect(other.requests).toHaveLength(4)
    } finally {
      await other.close()
    }
  })

  describe('that goes back', () => {
    const numbered = (name: 'pck_crl' | 'root_ca_crl', number: number) => {
      const { root, platformCa } = AUTHORITY.issuers
      const issuer = name === 'pck_crl' ? platformCa : root
      const crl = fromHex(`0x${DOCUMENTS[name]}`)
      const edit = ['0603551d140403020101', `0603551d14040302010${number}`] as const
      return { [name]: toHex(resignedCrl(crl, issuer, edit)).slice(2) }
    }
    const rows: readonly [string, Partial<CollateralDocuments>, object][] = [
      ['PCK CRL', numbered('pck_crl', 3), { kept: '3', fetched: '1' }],
      ['root CRL', numbered('root_ca_crl', 2), { kept: '2', fetched: '1' }],
      [
        'evaluation of TCB info',
        collateralOf({ tcbInfo: { tcbEvaluationDataNumber: 20 } }),
        { kept: '20', fetched: '1' },
      ],
      [
        'evaluation of QE identity',
        collateralOf({ qeIdentity: { tcbEvaluationDataNumber: 21 } }),
        { kept: '21', fetched: '1' },
      ],
    ]
    const yesterday = new Date(NOW.getTime() - 86_400_001)

    it.each(rows)('in its %s is refused', async (what, newer, details) => {
      Object.assign(served, newer)
      await load()
      await utimes(await keptFile(), yesterday, yesterday)
      Object.assign(served, DOCUMENTS)
      await expect(load()).rejects.toMatchObject({
        code: 'PCS_ROLLED_BACK',
        exitCode: 8,
        details: { what, ...details, path: await keptFile() },
      })
      await rm(await keptFile())
      expect((await load()).documents).toEqual(DOCUMENTS)
    })

    it('is taken if what was kept was never signed by the same issuer', async () => {
      const { pck_crl } = numbered('pck_crl', 3) as { pck_crl: string }
      Object.assign(served, { pck_crl: `${pck_crl.slice(0, -2)}00` })
      await load()
      await utimes(await keptFile(), yesterday, yesterday)
      Object.assign(served, DOCUMENTS)
      expect((await load()).documents).toEqual(DOCUMENTS)
    })

    it('is no matter of a list that goes on', async () => {
      await load()
      await utimes(await keptFile(), yesterday, yesterday)
      Object.assign(served, numbered('pck_crl', 2))
      expect((await load()).pckCrl.number).toBe(2n)
    })
  })
})
