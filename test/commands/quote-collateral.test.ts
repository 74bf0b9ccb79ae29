import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, startAnvil } from '../../src/anvil.js'
import { connectChain } from '../../src/core/chain/client.js'
import { cli, cliJson } from '../support/cli.js'
import { deployPccs, fillPccs } from '../support/on-chain-pccs.js'
import { type Pcs, startPcs } from '../support/pcs.js'

let folder: string
let quote: string
let pcs: Pcs
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-collateral-'))
  quote = at('q.bin')
  const flags = ['--provider', 'simulated', '--state-dir', at('state')]
  await cliJson(['attest', ...flags, '--out', quote, '--collateral-out', at('c.json')])
  pcs = await startPcs(JSON.parse(await readFile(at('c.json'), 'utf8')))
})
afterAll(async () => {
  await pcs.close()
  await rm(folder, { recursive: true })
})

describe('quote collateral', () => {
  const flags = () => ['--pccs-url', pcs.url, '--state-dir', at('state')]

  it('fetches what a quote is verified with, once', async () => {
    const out = at('fetched.json')
    const { exitCode, stdout } = await cli(['quote', 'collateral', quote, '-o', out, ...flags()])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^TCB info +valid until 20/)
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(
      JSON.parse(await readFile(at('c.json'), 'utf8')),
    )
    const root = at('state/simulated/root.pem')
    const verified = await cliJson(['quote', 'verify', quote, '--root', root, ...flags()])
    expect(verified.json.valid).toBe(true)
    expect(pcs.requests).toHaveLength(4)
  })

  it('gives it as JSON, and on standard output', async () => {
    const { json } = await cliJson(['quote', 'collateral', quote, ...flags()])
    expect(json.collateral.tcb_info).toContain('"TDX"')
    const { stdout } = await cli(['quote', 'collateral', quote, ...flags()])
    expect(JSON.parse(stdout)).toEqual(json.collateral)
  })

  it('says whose fault it is that there is none', async () => {
    const nobody = ['--pccs-url', 'http://127.0.0.1:1', '--state-dir', at('other')]
    const collateral = JSON.parse(await readFile(at('c.json'), 'utf8'))
    const unknown = await startPcs(collateral)
    unknown.mishap = 'unknown platform'
    try {
      const flags = ['--pccs-url', unknown.url, '--state-dir', at('other')]
      const run = await cliJson(['quote', 'collateral', quote, ...flags])
      expect([run.exitCode, run.json.error.code]).toEqual([8, 'PCS_PLATFORM_UNKNOWN'])
    } finally {
      await unknown.close()
    }
    const run = await cliJson(['quote', 'collateral', quote, ...nobody])
    expect([run.exitCode, run.json.error.code]).toEqual([8, 'PCS_UNREACHABLE'])
  })
})

describe('quote collateral with an on-chain PCCS', () => {
  let anvil: Anvil
  let router: string
  beforeAll(async () => {
    anvil = await startAnvil()
    const pccs = await deployPccs(await connectChain({ rpcUrl: anvil.rpcUrl }))
    const documents = JSON.parse(await readFile(at('c.json'), 'utf8'))
    const { fmspc } = JSON.parse(documents.tcb_info)
    await fillPccs(pccs, documents, { evaluation: 20, fmspc: fmspc.toLowerCase() })
    router = pccs.address
  })
  afterAll(() => anvil.stop())

  it('reads what a quote is verified with from the chain', async () => {
    const flags = ['--rpc-url', anvil.rpcUrl, '--pccs-contract', router]
    const { json } = await cliJson(['quote', 'collateral', quote, ...flags])
    expect(json.collateral).toEqual(JSON.parse(await readFile(at('c.json'), 'utf8')))
    const root = ['--root', at('state/simulated/root.pem')]
    const verified = await cliJson(['quote', 'verify', quote, ...root, ...flags])
    expect(verified.json).toMatchObject({ valid: true, simulated: true })
    const other = await cliJson(['quote', 'verify', quote, ...flags, '--tcb-evaluation', '17'])
    expect([other.exitCode, other.json.error.code]).toEqual([7, 'PCCS_COLLATERAL_MISSING'])
  })

  it.each([
    ['no RPC', ['--pccs-contract', `0x${'11'.repeat(20)}`], 'FLAG_INVALID'],
    ['no contract', ['--tcb-evaluation', '20'], 'USAGE'],
    ['both kinds of PCCS', ['--pccs-contract', '0x00', '--pccs-url', 'http://x'], 'USAGE'],
  ])('refuses %s', async (_, flags, code) => {
    const run = await cliJson(['quote', 'collateral', quote, ...flags])
    expect([run.exitCode, run.json.error.code]).toEqual([2, code])
  })
})
