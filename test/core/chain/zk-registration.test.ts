/** Registration by a proof, and what is refused before it is sent; the attestation contract is scripted. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Abi } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forge } from '../../../scripts/forge.mjs'
import { ANVIL_KEY, type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import { concatBytes, fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { type Deployment, deployContracts } from '../../../src/core/chain/deploy.js'
import type { GasPayer } from '../../../src/core/chain/gas-payer.js'
import { allowWorkload } from '../../../src/core/chain/measurement-policy.js'
import {
  latestReference,
  previewRegistration,
  registerSigner,
} from '../../../src/core/chain/registration.js'
import { deployContract, writeContract } from '../../../src/core/chain/write.js'
import { parseZkCalldata } from '../../../src/core/chain/zk-calldata.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { createProvider } from '../../../src/core/tdx/provider.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { computeReportData } from '../../../src/core/tdx/report-data.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { cliJson } from '../../support/cli.js'
import { newTestSigner } from '../../support/service.js'

const authority = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
const provider = createProvider({
  name: 'simulated',
  simulated: true,
  request: async (reportData) => authority.quote(reportData),
})

let anvil: Anvil
let chain: Chain
let gasPayer: GasPayer
let scripted: { what: string; address: Hex; abi: Abi }
let contracts: Deployment

beforeAll(async () => {
  expect(forge(['build']).status).toBe(0)
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  gasPayer = await anvilGasPayer()
  const path = 'ScriptedAttestation.sol/ScriptedAttestation.json'
  const { abi, bytecode } = JSON.parse(
    readFileSync(new URL(`../../../contracts/out/${path}`, import.meta.url), 'utf8'),
  )
  const what = 'ScriptedAttestation'
  const code = { what, abi, bytecode: bytecode.object, args: [] }
  scripted = { what, abi, address: await deployContract(chain, gasPayer, code) }
  const attestation = { contract: scripted.address }
  contracts = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
  const workloadId = computeWorkloadId(parseTdQuote(authority.quote(new Uint8Array(64))).body)
  const { registry } = contracts
  const metadata = { commit: '', sourceUrl: '', next: false }
  await allowWorkload({ chain, registry, gasPayer, workloadId, ...metadata })
})
afterAll(() => anvil.stop())

/** The file for a signer whose quote a DCAP prover has verified at a time. */
async function prove(address: Hex, timestamp: bigint): Promise<Uint8Array> {
  const reference = await latestReference(chain)
  const quote = authority.quote(computeReportData(address, reference))
  const body = quote.subarray(48, 632)
  const attested = concatBytes(fromHex('0x0004000200000000000000'), body)
  await writeContract(chain, gasPayer, scripted, 'script', [true, toHex(attested), 0n])
  const time = fromHex(`0x${timestamp.toString(16).padStart(16, '0')}`)
  const length = Uint8Array.of(attested.length >> 8, attested.length & 0xff)
  const output = concatBytes(length, attested, time, new Uint8Array(192))
  return new TextEncoder().encode(
    JSON.stringify({
      referenceBlockNumber: Number(reference.blockNumber),
      referenceBlockHash: reference.blockHash,
      zkCoprocessor: 'succinct',
      output: toHex(output),
      proof: '0x01',
    }),
  )
}

function options(address: Hex, calldata: Uint8Array) {
  const zkCalldata = parseZkCalldata(calldata, 'file')
  return { chain, registry: contracts.registry, address, provider, gasPayer, zkCalldata }
}

async function now(): Promise<bigint> {
  return (await chain.client.getBlock()).timestamp
}

it('a signer registers by a proof that its quote was verified', async () => {
  const { address } = newTestSigner()
  const calldata = await prove(address, await now())
  expect(await previewRegistration(options(address, calldata))).toMatchObject({ dryRun: true })
  const { expiresAt } = await registerSigner(options(address, calldata))
  expect(expiresAt).toBeGreaterThan(Number(await now()))
})

it('so does the signer of the command line, with the proof in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-zk-'))
  try {
    const state = ['--state-dir', folder, '--provider', 'simulated']
    const { json: attested } = await cliJson(['attest', ...state])
    const address: Hex = `0x${attested.reportData.slice(26, 66)}`
    const file = join(folder, 'calldata.json')
    writeFileSync(file, await prove(address, await now()))
    const chainFlags = ['--rpc-url', anvil.rpcUrl, '--registry', contracts.registry]
    const zk = ['--via', 'zk', '--zk-calldata', file, '--private-key', ANVIL_KEY]
    const { exitCode, json } = await cliJson(['register', ...chainFlags, ...zk, ...state])
    expect([exitCode, json.address]).toEqual([0, address])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('a proof of another time is refused, and one for another signer', async () => {
  const { address } = newTestSigner()
  const old = await prove(address, (await now()) - 4000n)
  await expect(registerSigner(options(address, old))).rejects.toMatchObject({
    details: { error: expect.stringMatching(/^ZkTimeRefused\(\d+\)$/) },
  })
  const foreign = await prove(newTestSigner().address, await now())
  await expect(registerSigner(options(address, foreign))).rejects.toMatchObject({
    details: { error: 'ReportDataMismatch()' },
  })
})

describe('the calldata file', () => {
  const good = {
    referenceBlockNumber: 7,
    referenceBlockHash: `0x${'ab'.repeat(32)}`,
    zkCoprocessor: 'risczero',
    output: '0x01',
    proof: '0x02',
  }
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

  it('is read as it is', () => {
    expect(parseZkCalldata(text(good), 'file')).toEqual({
      reference: { blockNumber: 7n, blockHash: good.referenceBlockHash },
      zkCoprocessor: 1,
      output: '0x01',
      proof: '0x02',
    })
  })

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['no object', text(null)],
    ['a missing field', text({ ...good, proof: undefined })],
    ['an unknown field', text({ ...good, more: 1 })],
    ['no hex', text({ ...good, output: 'zz' })],
    ['a short hash', text({ ...good, referenceBlockHash: '0x12' })],
    ['a negative block', text({ ...good, referenceBlockNumber: -1 })],
    ['an unknown prover', text({ ...good, zkCoprocessor: 'none' })],
  ])('with %s is refused', (_name, bytes) => {
    expect(() => parseZkCalldata(bytes, 'file')).toThrow(
      expect.objectContaining({ code: 'ZK_CALLDATA_MALFORMED' }),
    )
  })
})
