import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { encodePemChain, parsePemChain } from '../../src/core/tdx/pem.js'
import { encodeQuote, parseQuote } from '../../src/core/tdx/quote.js'
import { AUTHORITY, collateralOf } from '../core/dcap/samples.js'
import { cli, cliJson } from '../support/cli.js'
import { type Mishap, type Pcs, startPcs } from '../support/pcs.js'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly code?: string
  readonly detail: string
}

let folder: string
const at = (name: string) => join(folder, name)
const simulated = (state: string) => ['--provider', 'simulated', '--state-dir', at(state)]
const checksOf = ({ json }: { json: { checks: Check[] } }) =>
  json.checks.map(({ name, ok, code }) => `${ok ? 'ok' : 'NO'} ${name}${code ? ` ${code}` : ''}`)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-doctor-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('doctor', () => {
  it('finds nothing wrong with a simulated machine, and makes no key', async () => {
    const run = await cliJson(['doctor', ...simulated('fresh')])
    expect(run.exitCode).toBe(0)
    expect(run.json).toMatchObject({ healthy: true, simulated: true })
    const names = checksOf(run)
    expect(names.slice(0, 4)).toEqual(['ok device', 'ok quote', 'ok collateral', 'ok quote.format'])
    expect(names.at(-1)).toBe('ok signer')
    expect(run.json.checks.at(-1).detail).toContain('there is none yet')
    expect(await readdir(at('fresh'))).toEqual(['simulated'])
  })

  it('says that there is no TDX device, and goes on', async () => {
    const run = await cliJson(['doctor', '--state-dir', at('none'), '--insecure-key-on-disk'])
    expect(run.exitCode).toBe(6)
    expect(run.json.healthy).toBe(false)
    expect(checksOf(run)).toEqual(['NO device TDX_DEVICE_MISSING', 'ok signer'])
    const human = await cli(['doctor', '--state-dir', at('none'), '--insecure-key-on-disk'])
    expect(human.stdout).toMatch(/^NO {2}device +No quote can be had here: /)
  })

  it('says that the key would reach a disk', async () => {
    const run = await cliJson(['doctor', '--state-dir', at('disk')])
    // A folder of temporary files may itself be in memory.
    const signer = checksOf(run).at(-1)
    expect(['NO signer KEY_ON_DISK', 'ok signer']).toContain(signer)
  })

  it('says what a quote service answers', async () => {
    const provider = ['--provider', 'http', '--provider-url', 'http://127.0.0.1:1']
    const run = await cliJson(['doctor', ...provider, '--state-dir', at('http')])
    expect(run.exitCode).toBe(6)
    expect(checksOf(run).slice(0, 2)).toEqual(['ok device', 'NO quote QUOTE_SERVICE_UNREACHABLE'])
  })
})

describe('doctor says why a platform is refused', () => {
  it.each([
    ['debug', 'NO quote.policy.debug TD_DEBUG', /can be debugged/],
    ['old-tcb', 'NO quote.policy.status TCB_OUT_OF_DATE', /TDX module SVN is 4 and needs 6/],
    ['old-tcb', 'NO quote.policy.advisories ADVISORY_OPEN', /SIMULATED-SA-00001/],
    ['revoked-pck', 'NO quote.pckCrl CERTIFICATE_REVOKED', /revoked/],
    ['expired-collateral', 'NO quote.tcbInfo COLLATERAL_EXPIRED', /valid from .* to /],
    ['wrong-qe', 'NO quote.qe QE_MISMATCH', /mrSigner/],
  ])('%s: %s', async (name, expected, reason) => {
    const run = await cliJson(['doctor', ...simulated('switched'), '--simulate', name])
    expect(run.exitCode).toBe(5)
    expect(checksOf(run)).toContain(expected)
    const check = run.json.checks.find(({ code }: Check) => code === expected.split(' ')[2])
    expect(check.detail).toMatch(reason)
  })

  it('takes the switches of a simulated platform only', async () => {
    const flags = ['--provider', 'http', '--provider-url', 'http://127.0.0.1:1']
    const run = await cliJson(['doctor', ...flags, '--simulate', 'debug', '--state-dir', at('x')])
    expect([run.exitCode, checksOf(run)[0]]).toEqual([2, 'NO device FLAG_INVALID'])
  })
})

describe('doctor says why there is no collateral', () => {
  const documents = collateralOf()
  const { fmspc } = JSON.parse(documents.tcb_info)
  let service: Server
  let provider: string[]
  let pcs: Pcs
  beforeAll(async () => {
    // Zeros are what doctor asks for; the platform is not marked, as no real one is.
    const answer = unmarkedQuote()
    service = createServer((_, response) => response.end(answer))
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    const { port } = service.address() as AddressInfo
    provider = ['--provider', 'http', '--provider-url', `http://127.0.0.1:${port}`]
    provider.push('--insecure-key-on-disk', '--state-dir', at('real'))
    pcs = await startPcs(documents)
  })
  afterAll(async () => {
    await pcs.close()
    await new Promise((resolve) => service.close(resolve))
  })

  it.each<[Mishap, string, RegExp]>([
    ['unknown platform', 'PCS_PLATFORM_UNKNOWN', new RegExp(`FMSPC ${fmspc}`, 'i')],
    ['not signed', 'PCS_ANSWER', /no signed/],
    ['no chain', 'PCS_ANSWER', /no header/],
    ['CRL of garbage', 'PCS_ANSWER', /CRL/],
    ['redirect', 'PCS_UNREACHABLE', /does not answer/],
  ])('%s', async (mishap, code, reason) => {
    pcs.mishap = mishap
    const run = await cliJson(['doctor', ...provider, '--pccs-url', pcs.url])
    expect(run.exitCode).toBe(8)
    expect(checksOf(run)).toEqual(['ok device', 'ok quote', `NO collateral ${code}`, 'ok signer'])
    expect(run.json.checks[2].detail).toMatch(reason)
  })

  it('which is not so where there is some', async () => {
    pcs.mishap = 'none'
    const run = await cliJson(['doctor', ...provider, '--pccs-url', pcs.url])
    expect(checksOf(run)).toContain('ok collateral')
    expect(checksOf(run)).toContain('NO quote.pckChain ROOT_UNTRUSTED')
  })
})

/** Over zeros, with the organisation in its certificates written over. */
function unmarkedQuote(): Uint8Array {
  const quote = parseQuote(AUTHORITY.quote(new Uint8Array(64)))
  const chain = parsePemChain(quote.certificationData.certificateChain).map((der) => {
    const text = Buffer.from(der).toString('latin1').replaceAll('SIMULATED', 'SOMEBODY.')
    return new Uint8Array(Buffer.from(text, 'latin1'))
  })
  const certificationData = {
    ...quote.certificationData,
    certificateChain: encodePemChain(chain),
  }
  return encodeQuote({ ...quote, certificationData })
}

describe('doctor with a chain', () => {
  let anvil: Anvil
  let registry: string
  let chain: string[]
  beforeAll(async () => {
    anvil = await startAnvil()
    const payer = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY]
    const out = ['--out', at('deployment.json')]
    const deploy = await cliJson([
      ...['deploy', ...payer, '--simulated', '--state-dir', at('state'), ...out],
    ])
    registry = deploy.json.registry
    chain = ['--rpc-url', anvil.rpcUrl, '--registry', registry]
    await cliJson(['policy', 'allow', ...simulated('state'), ...payer, '--registry', registry])
  })
  afterAll(() => anvil.stop())

  it('says whether the registry lists the signer', async () => {
    await cliJson(['attest', ...simulated('state')])
    const before = await cliJson(['doctor', ...simulated('state'), ...chain])
    expect(before.json.checks.at(-1)).toMatchObject({
      name: 'registration',
      detail: expect.stringContaining('does not list'),
    })
    const payer = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY, '--registry', registry]
    await cliJson(['register', ...simulated('state'), ...payer])
    const after = await cliJson(['doctor', ...simulated('state'), ...chain])
    expect(after.exitCode).toBe(0)
    expect(checksOf(after).slice(-4)).toEqual([
      'ok signer',
      'ok chain',
      'ok block',
      'ok registration',
    ])
    expect(after.json.checks.at(-1).detail).toMatch(/^until 20/)
    const deployment = ['--rpc-url', anvil.rpcUrl, '--deployment', at('deployment.json')]
    const named = await cliJson(['doctor', ...simulated('state'), ...deployment])
    expect(named.json.checks.at(-1)).toEqual(after.json.checks.at(-1))
  })

  it.each([
    ['an RPC that does not answer', { rpc: 'http://127.0.0.1:1' }, 'NO chain RPC_UNREACHABLE'],
    ['another chain', { chain: '1' }, 'NO chain CHAIN_MISMATCH'],
    ['no contract', { registry: `0x${'11'.repeat(20)}` }, 'NO registration CONTRACT_MISSING'],
  ])('says of %s what to do', async (_, other, expected) => {
    const given = { rpc: anvil.rpcUrl, registry, chain: '31337', ...other }
    const flags = ['--rpc-url', given.rpc, '--registry', given.registry, '--chain', given.chain]
    const run = await cliJson(['doctor', ...simulated('state'), ...flags])
    expect(run.exitCode).toBe(7)
    expect(checksOf(run).at(-1)).toBe(expected)
  })
})
