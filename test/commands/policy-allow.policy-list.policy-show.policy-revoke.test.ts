/**
 * The main path of the contracts, through the binary on a local chain: deploy, allow a workload,
 * register a quote of it, prove, verify by both calls; then revoke, and the same proofs are refused.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { askRpc } from '../support/ask-rpc.js'
import { cli, cliJson, guestElf } from '../support/cli.js'

/** Anvil's second account. */
const GUARDIAN_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const GUARDIAN = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const OTHER_WORKLOAD = `0x${'09'.repeat(32)}`

let anvil: Anvil
let folder: string
let deploymentFile: string
let chain: string[]
let state: string[]
let payer: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-policy-'))
  deploymentFile = join(folder, 'deployment.json')
  anvil = await startAnvil()
  chain = ['--rpc-url', anvil.rpcUrl, '--deployment', deploymentFile]
  state = ['--state-dir', join(folder, 'state')]
  payer = ['--private-key', ANVIL_KEY]
  const deploy = ['deploy', '--rpc-url', anvil.rpcUrl, ...payer, ...state, '--simulated']
  const options = [...deploy, '--guardian', GUARDIAN]
  const preview = await cliJson([...options, '--dry-run'])
  expect(preview.json).toMatchObject({ dryRun: true, chainId: 31337 })
  const done = preview.json.steps.map(({ isDone }: { isDone: boolean }) => isDone)
  expect(done).toEqual([false, false, false, false])
  const { json, exitCode } = await cliJson([...options, '--out', deploymentFile])
  expect(exitCode).toBe(0)
  const { dryRun: _dry, steps: _steps, ...planned } = preview.json
  expect(json).toEqual(planned)
  expect(JSON.parse(await readFile(deploymentFile, 'utf8'))).toEqual({ version: 1, ...json })
})
afterAll(async () => {
  await anvil.stop()
  await rm(folder, { recursive: true })
})

const register = (more: readonly string[] = []) =>
  cliJson(['register', ...chain, ...payer, ...state, '--provider', 'simulated', ...more])

async function prove(scheme: string): Promise<string> {
  const out = join(folder, `${scheme}.proof.json`)
  const key = [...state, '--insecure-key-on-disk', '--out', out, '--scheme', scheme]
  const bound = scheme === 'eip712' ? ['--deployment', deploymentFile] : []
  const machine = ['--provider', 'simulated', '--input', '0x0a000000']
  const run = await cliJson(['prove', guestElf('fibonacci'), ...key, ...bound, ...machine])
  expect(run.exitCode).toBe(0)
  return out
}

const verify = (file: string) => cliJson(['verify', file, ...chain])

describe('from a workload to a proof that a contract accepts, and back', () => {
  it('nothing registers before its workload is allowed', async () => {
    const list = await cliJson(['policy', 'list', ...chain])
    expect(list.json).toEqual([])
    const { exitCode, json } = await register(['--dry-run'])
    expect([exitCode, json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
    expect(json.error.details.error).toMatch(/^WorkloadNotAllowed\(0x[0-9a-f]{64}\)$/)
    expect(json.error.message).toContain('Have its owner run `policy allow`')
  })

  it('an allowed workload registers, proves, is verified by both calls, and is revoked', async () => {
    const measured = await cliJson(['quote', 'measure', '--provider', 'simulated', ...state])
    const { workloadId } = measured.json
    const metadata = ['--commit', 'c0ffee', '--source', 'https://example.org/image']
    const machine = ['--provider', 'simulated', ...state]
    const allow = ['policy', 'allow', ...chain, ...payer, ...machine, ...metadata]
    const allowed = await cliJson(allow)
    expect(allowed.json).toMatchObject({ workloadId, state: 'allowed' })
    expect((await cliJson(allow)).json.error.details.error).toBe(`WorkloadKnown(${workloadId})`)
    const list = await cliJson(['policy', 'list', ...chain])
    expect(list.json).toMatchObject([
      { workloadId, state: 'allowed', commit: 'c0ffee', sourceUrl: 'https://example.org/image' },
    ])

    const preview = await register(['--dry-run'])
    expect([preview.exitCode, preview.json.dryRun]).toEqual([0, true])
    const files = [await prove('automata'), await prove('eip712')] as const
    for (const file of files) {
      const { exitCode, json } = await verify(file)
      expect(exitCode).toBe(5)
      expect(JSON.stringify(json.checks)).toContain('Invalid_TEE_Signer(')
    }
    expect((await register()).exitCode).toBe(0)
    for (const file of files) expect((await verify(file)).json.valid).toBe(true)

    const typed = JSON.parse(await readFile(files[1], 'utf8'))
    const { multiProof } = JSON.parse(await readFile(deploymentFile, 'utf8'))
    expect(typed).toMatchObject({
      scheme: 'eip712',
      workloadId,
      simulated: true,
      domain: {
        name: 'SP1 TEE Prover',
        version: '1',
        chainId: 31337,
        verifyingContract: multiProof,
      },
    })
    const forged = join(folder, 'forged.json')
    await writeFile(forged, JSON.stringify({ ...typed, publicValues: '0x00' }))
    expect((await verify(forged)).exitCode).toBe(5)

    const guardian = ['--private-key', GUARDIAN_KEY]
    const revoked = await cliJson(['policy', 'revoke', workloadId, ...chain, ...guardian])
    expect(revoked.json).toMatchObject({ workloadId, state: 'revoked' })
    for (const file of files) {
      const { exitCode, json } = await verify(file)
      expect(exitCode).toBe(5)
      expect(JSON.stringify(json.checks)).toContain('Invalid_TEE_Signer(')
    }
    const again = await register()
    expect(again.json.error.details.error).toBe(`WorkloadIsRevoked(${workloadId})`)
    expect((await cliJson(allow)).json.error.details.error).toBe(`WorkloadIsRevoked(${workloadId})`)
    const shown = await cliJson(['policy', 'show', workloadId, ...chain])
    expect(shown.json).toMatchObject({ workloadId, state: 'revoked', commit: 'c0ffee' })
  }, 300_000)

  it('watch tells all of it', async () => {
    const head = Number(await askRpc(anvil.rpcUrl, 'eth_blockNumber'))
    const range = ['--from-block', '0', '--to-block', String(head)]
    const { stdout, exitCode } = await cli(['watch', ...chain, ...range, '--json'])
    expect(exitCode).toBe(0)
    const events = stdout.split('\n').map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining([
        'RegistryBound',
        'WorkloadAllowed',
        'ProverRegistered',
        'WorkloadRevoked',
      ]),
    )
    const people = await cli(['watch', ...chain, ...range])
    expect(people.stdout).toMatch(/^\d+ {2}ProverRegistered {2}prover=0x/m)
    const turned = await cliJson(['watch', ...chain, '--from-block', '2', '--to-block', '1'])
    expect([turned.exitCode, turned.json.error.code]).toEqual([2, 'FLAG_INVALID'])
  })
})

describe('the policy', () => {
  it('shows what the registry accepts, to people and programs', async () => {
    const { json } = await cliJson(['policy', 'show', ...chain])
    expect(json).toMatchObject({
      guardian: GUARDIAN,
      acceptedStatuses: ['UpToDate'],
      layout: 'v1.1',
      validityDelaySeconds: 0,
      attestValiditySeconds: 3600,
      maxBlockNumberDiff: 100,
    })
    const { stdout } = await cli(['policy', 'show', ...chain])
    expect(stdout).toMatch(/^acceptedStatuses +UpToDate$/m)
  })

  it('pre-registers the next image', async () => {
    const change = [...chain, ...payer]
    const next = await cliJson(['policy', 'allow', OTHER_WORKLOAD, '--next', ...change])
    expect(next.json.state).toBe('next')
    const { stdout } = await cli(['policy', 'list', ...chain])
    expect(stdout).toContain(`${OTHER_WORKLOAD}  next`)
  })

  it.each([
    ['no workload id', ['allow', '0x12'], 2, 'FLAG_INVALID'],
    ['an id and a quote', ['allow', OTHER_WORKLOAD, '--quote', 'q.bin'], 2, 'FLAG_INVALID'],
    ['nobody’s key', ['allow', `0x${'0a'.repeat(32)}`], 7, 'CHAIN_REVERTED'],
  ])('is not changed with %s', async (_name, args, exitCode, code) => {
    const stranger = ['--private-key', GUARDIAN_KEY]
    const run = await cliJson(['policy', ...args, ...chain, ...stranger])
    expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
  })

  it('is missing in a registry of the first kind', async () => {
    const { multiProof } = JSON.parse(await readFile(deploymentFile, 'utf8'))
    const other = ['--rpc-url', anvil.rpcUrl, '--registry', multiProof]
    const run = await cliJson(['policy', 'list', ...other])
    expect([run.exitCode, run.json.error.code]).toEqual([7, 'POLICY_MISSING'])
  })
})

describe('flags', () => {
  it.each([
    ['a salt that is too short', ['deploy', '--simulated', '--salt', '0x12']],
    ['an unknown attestation contract', ['deploy', '--attestation', 'known']],
    ['a price that is none', ['deploy', '--simulated', '--gas-price', '1 ether']],
    ['a ZK route without its file', ['register', '--via', 'zk']],
    ['a file without the ZK route', ['register', '--zk-calldata', 'calldata.json']],
  ])('%s is refused before anything is sent', async (_name, args) => {
    const options = ['--rpc-url', anvil.rpcUrl, ...payer, ...state]
    const run = await cliJson([...args, ...options])
    expect(run.exitCode).toBe(2)
  })
})
