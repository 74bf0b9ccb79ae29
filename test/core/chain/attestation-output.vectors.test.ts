/**
 * What the contracts read from an attestation contract's output, for real quotes: the outputs are put
 * together as Automata's contracts do, and each field is compared with what our own quote codec reads.
 * The quotes are other projects' data: read from SP1_TEE_SHARED, never copied.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Abi } from 'viem'
import { encodeAbiParameters, keccak256 } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forge } from '../../../scripts/forge.mjs'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import { concatBytes, fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { deployContract } from '../../../src/core/chain/write.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { isTdQuote, parseQuote, parseTdQuote } from '../../../src/core/tdx/quote.js'

const SHARED = process.env.SP1_TEE_SHARED
const PACKS = join(String(SHARED), 'data/tdx/packs')
/** TD 1.0 of version 4 and 5, TD 1.5; automata_tdx_v5 has a service TD. */
const TD_QUOTES = [
  'automata_tdx_v4_gcp_1025',
  'dcapqvl_tdx_v4',
  'tdxsdk_tdx_v4_gcp_1025',
  'automata_tdx_v5',
  'gotdx_v5',
  'dcapqvl_tdx_v5_td15_low_tcb',
]
const FMSPC: Hex = '0x00806f050000'
const STATUS = 4
const ADVISORIES = ['INTEL-SA-01036', 'INTEL-SA-01099', 'INTEL-SA-01103']

let anvil: Anvil
let chain: Chain
let reader: { address: Hex; abi: Abi }

beforeAll(async () => {
  expect(forge(['build']).status).toBe(0)
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  const path = '../../../contracts/out/OutputReader.sol/OutputReader.json'
  const { abi, bytecode } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const code = { what: 'OutputReader', abi, bytecode: bytecode.object, args: [] }
  reader = { abi, address: await deployContract(chain, await anvilGasPayer(), code) }
})
afterAll(() => anvil.stop())

function read(output: Uint8Array, layout: number): Promise<unknown> {
  return chain.client.readContract({
    ...reader,
    functionName: 'parse',
    args: [toHex(output), layout],
  })
}

function readPack(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(PACKS, `${name}.quote.bin`)))
}

/** The body as it is signed: after the header, and in version 5 after its descriptor. */
function bodyOf(bytes: Uint8Array): { body: Uint8Array; version: number; bodyType: number } {
  const { header, body } = parseQuote(bytes)
  const start = header.version === 5 ? 54 : 48
  const size = { 1: 384, 2: 584, 3: 648, 4: 744 }[body.bodyType]
  const { version } = header
  return { body: bytes.subarray(start, start + size), version, bodyType: body.bodyType }
}

function advisoriesOf(ids: readonly string[] | undefined): Uint8Array {
  if (ids === undefined) return new Uint8Array()
  return fromHex(encodeAbiParameters([{ type: 'string[]' }], [ids]))
}

function outputV1_1(bytes: Uint8Array, ids?: readonly string[]): Uint8Array {
  const { body, version, bodyType } = bodyOf(bytes)
  const head = Uint8Array.of(0, version, 0, bodyType, STATUS)
  return concatBytes(head, fromHex(FMSPC), body, advisoriesOf(ids))
}

function outputV1_0(bytes: Uint8Array, tee: Hex, ids?: readonly string[]): Uint8Array {
  const { body, version } = bodyOf(bytes)
  const head = concatBytes(Uint8Array.of(0, version), fromHex(tee), Uint8Array.of(STATUS))
  return concatBytes(head, fromHex(FMSPC), body, advisoriesOf(ids))
}

function expected(bytes: Uint8Array) {
  const { body } = parseTdQuote(bytes)
  return {
    tcbStatus: STATUS,
    fmspc: FMSPC,
    bodyHash: keccak256(bodyOf(bytes).body),
    workloadId: computeWorkloadId(body),
    tdAttributes: toHex(body.tdAttributes),
    isIntelModule: true,
    hasServiceTd: 'mrServiceTd' in body && body.mrServiceTd.some((byte) => byte !== 0),
    reportDataHead: toHex(body.reportData.subarray(0, 32)),
    reportDataTail: toHex(body.reportData.subarray(32)),
  }
}

describe.skipIf(SHARED === undefined)('layout v1.1', () => {
  it.each(TD_QUOTES)('%s, with and without advisories', async (name) => {
    const quote = readPack(name)
    expect(await read(outputV1_1(quote), 1)).toEqual(expected(quote))
    expect(await read(outputV1_1(quote, ADVISORIES), 1)).toEqual(expected(quote))
    expect(await read(outputV1_1(quote, []), 1)).toEqual(expected(quote))
  })

  it.each(TD_QUOTES)('%s, cut or continued, is refused', async (name) => {
    const quote = readPack(name)
    const [plain, whole] = [outputV1_1(quote), outputV1_1(quote, ADVISORIES)]
    for (const output of [
      plain.subarray(0, -1),
      whole.subarray(0, -32),
      concatBytes(plain, Uint8Array.of(0)),
    ]) {
      await expect(read(output, 1)).rejects.toThrow()
    }
    await expect(read(concatBytes(whole, new Uint8Array(32)), 1)).rejects.toThrow('OutputMalformed')
  })
})

describe.skipIf(SHARED === undefined)('layout v1.0', () => {
  const version4 = TD_QUOTES.filter((name) => name.includes('v4'))

  it.each(version4)('%s, as 1.0.x and as 1.0.0-alpha write it', async (name) => {
    const quote = readPack(name)
    expect(await read(outputV1_0(quote, '0x81000000'), 0)).toEqual(expected(quote))
    expect(await read(outputV1_0(quote, '0x81000000', ADVISORIES), 0)).toEqual(expected(quote))
    expect(await read(outputV1_0(quote, '0x00000081', []), 0)).toEqual(expected(quote))
    expect(await read(outputV1_0(quote, '0x00000081', ADVISORIES), 0)).toEqual(expected(quote))
  })
})

describe.skipIf(SHARED === undefined)('what is not for this layout', () => {
  it.each(TD_QUOTES)('%s in the other layout is refused', async (name) => {
    const quote = readPack(name)
    await expect(read(outputV1_1(quote), 0)).rejects.toThrow(/NotTdx|OutputMalformed/)
    await expect(read(outputV1_0(quote, '0x81000000'), 1)).rejects.toThrow(/NotTdx/)
  })

  it.each(['automata_sgx_v3', 'dcapqvl_sgx_v3'])('%s is of SGX, and refused', async (name) => {
    const quote = readPack(name)
    expect(isTdQuote(parseQuote(quote))).toBe(false)
    await expect(read(outputV1_1(quote), 1)).rejects.toThrow('NotTdx')
    await expect(read(outputV1_0(quote, '0x00000000'), 0)).rejects.toThrow('NotTdx')
  })

  it('a TD 1.5 body with more than it should have is refused', async () => {
    await expect(read(outputV1_1(readPack('dcapqvl_tdx_v5_td15ex')), 1)).rejects.toThrow('NotTdx')
  })
})
