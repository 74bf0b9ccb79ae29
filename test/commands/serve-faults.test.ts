/** The real command with a quote service that fails, lies and comes back, on a real chain. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, anvilGasPayer, startAnvil } from '../../src/anvil.js'
import { teeProverRegistryAbi } from '../../src/core/chain/abi.js'
import { connectChain } from '../../src/core/chain/client.js'
import { deployContracts } from '../../src/core/chain/deploy.js'
import { allowWorkload } from '../../src/core/chain/measurement-policy.js'
import { writeContract } from '../../src/core/chain/write.js'
import { computeWorkloadId } from '../../src/core/policy/workload.js'
import { parseTdQuote } from '../../src/core/tdx/quote.js'
import { collateralOf } from '../core/dcap/samples.js'
import { cliJson } from '../support/cli.js'
import type { Json } from '../support/http.js'
import { type Pcs, startPcs } from '../support/pcs.js'
import {
  type QuoteMishap,
  type QuoteService,
  startQuoteService,
  unmarkedQuote,
} from '../support/quote-service.js'
import { type Server, startServe } from '../support/serve.js'

/** Less than what makes an alarm of a rotation that fails. */
const VALIDITY_SECONDS = 300n

let folder: string
let anvil: Anvil
let quotes: QuoteService
let pcs: Pcs
let args: string[]
const workloadId = computeWorkloadId(parseTdQuote(unmarkedQuote(new Uint8Array(64))).body)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-serve-faults-'))
  anvil = await startAnvil()
  const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  quotes = await startQuoteService(chain)
  pcs = await startPcs(collateralOf())
  const gasPayer = await anvilGasPayer()
  const attestation = { contract: quotes.attestationContract }
  const { registry } = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
  const contract = { what: 'the registry', address: registry, abi: teeProverRegistryAbi }
  const validity = [VALIDITY_SECONDS]
  await writeContract(chain, gasPayer, contract, 'setAttestValiditySeconds', validity)
  const metadata = { commit: '', sourceUrl: '', next: false }
  await allowWorkload({ chain, registry, gasPayer, workloadId, ...metadata })
  args = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY, '--registry', registry]
  args.push('--provider', 'http', '--provider-url', quotes.url, '--pccs-url', pcs.url)
  args.push('--listen', '127.0.0.1:0')
}, 120_000)
afterAll(async () => {
  await quotes.stop()
  await pcs.close()
  await anvil.stop()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  quotes.mishap = 'none'
})

const FAULTS: readonly [QuoteMishap, number, string, string][] = [
  ['down', 6, 'QUOTE_SERVICE_ANSWER', 'status 503'],
  ['garbage', 6, 'QUOTE_UNUSABLE', 'no usable quote'],
  ['old quote', 6, 'QUOTE_FOREIGN', 'other report data'],
  // Nobody on this side can tell; the registry's policy does.
  ['other TD', 7, 'CHAIN_REVERTED', 'workload'],
]

describe('a quote service that fails at the start', () => {
  it.each(FAULTS)('%s: exit code %i, %s', async (mishap, exitCode, code, words) => {
    quotes.mishap = mishap
    const run = await cliJson(['serve', ...args, '--state-dir', join(folder, 'state')])
    expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
    expect(run.json.error.message.toLowerCase()).toContain(words)
  })
})

describe('an address that cannot be listened on', () => {
  const blocks = async () => (await connectChain({ rpcUrl: anvil.rpcUrl })).client.getBlockNumber()

  it.each(['a port that is taken', 'an address of another machine'])(
    '%s costs no transaction',
    async (what) => {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const { port } = taken.address() as AddressInfo
      const address = what.startsWith('a port') ? `127.0.0.1:${port}` : '192.0.2.1:0'
      const before = await blocks()
      const listen = ['--listen', address, '--insecure', '--state-dir', join(folder, 'state')]
      const run = await cliJson(['serve', ...args.slice(0, -2), ...listen])
      expect([run.exitCode, run.json.error.code]).toEqual([8, 'LISTEN_FAILED'])
      expect(await blocks()).toBe(before)
      taken.close()
    },
  )
})

describe('a quote service that fails later', () => {
  let server: Server
  beforeAll(async () => {
    quotes.mishap = 'none'
    server = await startServe([...args, '--rotate-every', '3'], join(folder, 'state'))
  })
  afterAll(() => server.stop())

  const ask = async (path: string): Promise<Json> =>
    (await fetch(`${server.ready.url}${path}`)).json()
  const signer = async (): Promise<string> => (await ask('/v1/signer')).address
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${server.ready.url}/metrics`)).text()
    const line = text.split('\n').find((row) => row.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? 0)
  }
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const confirmed = () => metric('sp1_tee_registration_tx_total{outcome="confirmed"}')

  it.each(FAULTS)(
    '%s: the old signer goes on, until it works again',
    async (mishap, exit, code) => {
      const failures =
        exit === 6
          ? `sp1_tee_quote_failures_total{cause="${code}"}`
          : 'sp1_tee_registration_tx_total{outcome="failed"}'
      const before = await metric(failures)
      quotes.mishap = mishap
      await until(async () => (await metric(failures)) >= before + 2)
      const old = await signer()
      expect((await fetch(`${server.ready.url}/readyz`)).status).toBe(200)
      expect(server.stderr()).toContain('rotation failed, next try in 1 s: ')
      expect(server.stderr()).toContain('rotation failed, next try in 2 s: ')
      expect(server.stderr()).toMatch(/ALARM: in 2\d\d s nothing can be signed any more/)
      expect(await signer()).toBe(old)
      const rotations = await confirmed()
      quotes.mishap = 'none'
      await until(async () => (await confirmed()) > rotations)
      expect(await signer()).not.toBe(old)
      expect((await ask(`/v1/attestation?signer=${old}`)).address).toBe(old)
    },
  )

  it('gives no collateral that the quote does not verify with, and tells its operator', async () => {
    // Its certificates are signed by nobody.
    await until(async () => server.stderr().includes('clients get no collateral from here'))
    expect(pcs.requests.length).toBeGreaterThanOrEqual(4)
    const { provider, workloadId: attested, collateral } = await ask('/v1/attestation')
    expect([provider, attested, collateral]).toEqual(['http', workloadId, undefined])
    expect(
      await metric('sp1_tee_collateral_failures_total{cause="ROOT_UNTRUSTED"}'),
    ).toBeGreaterThan(0)
  })
})
