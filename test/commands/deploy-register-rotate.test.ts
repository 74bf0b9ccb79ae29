/** deploy, register, rotate and verify on a chain, through the binary. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { cli, cliJson, guestElf } from '../support/cli.js'

let anvil: Anvil
let folder: string
let state: string[]
let rpc: string[]
let contracts: { registry: string; multiProof: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-chain-'))
  anvil = await startAnvil()
  state = ['--state-dir', join(folder, 'state')]
  rpc = ['--rpc-url', anvil.rpcUrl]
  const deploy = await cliJson([
    'deploy',
    ...rpc,
    '--private-key',
    ANVIL_KEY,
    ...state,
    '--simulated',
  ])
  expect(deploy.exitCode).toBe(0)
  contracts = deploy.json
  const allow = ['policy', 'allow', '--provider', 'simulated', '--registry', contracts.registry]
  const payer = ['--private-key', ANVIL_KEY]
  expect((await cliJson([...allow, ...rpc, ...payer, ...state])).exitCode).toBe(0)
})
afterAll(async () => {
  await anvil.stop()
  await rm(folder, { recursive: true })
})

/** register with these flags in place of the usual ones; a flag can be given only once. */
function registerArgs(changes: Readonly<Record<string, string>> = {}): string[] {
  const flags = {
    '--rpc-url': anvil.rpcUrl,
    '--private-key': ANVIL_KEY,
    '--state-dir': join(folder, 'state'),
    '--registry': contracts.registry,
    '--provider': 'simulated',
    ...changes,
  }
  return ['register', ...Object.entries(flags).flat()]
}

describe('the path to the chain', () => {
  it('register makes MultiProof accept the proofs of this signer, and verify says so', async () => {
    const proofFile = join(folder, 'proof.json')
    const key = [...state, '--insecure-key-on-disk']
    const input = ['--input', '0x0a000000', '--out', proofFile]
    const { json: proof } = await cliJson(['prove', guestElf('fibonacci'), ...input, ...key])
    const verify = ['verify', proofFile, ...rpc, '--multiproof', contracts.multiProof]

    const before = await cliJson(verify)
    expect([before.exitCode, before.json.valid]).toEqual([5, false])
    expect(JSON.stringify(before.json.checks)).toContain('Invalid_TEE_Signer(')

    const { exitCode, json, stderr } = await cliJson(registerArgs())
    expect(exitCode).toBe(0)
    expect(stderr).toContain('--private-key shows the key')
    expect(json).toEqual({
      address: proof.signer,
      txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      blockNumber: expect.any(Number),
      expiresAt: expect.any(Number),
    })
    const after = await cli(verify)
    expect(after.exitCode).toBe(0)
    expect(after.stdout).toMatch(/ok {2}contract +accepted by MultiProof/)

    const forged = join(folder, 'forged.json')
    await writeFile(forged, JSON.stringify({ ...proof, publicValues: '0x00' }))
    const refused = await cliJson(['verify', forged, ...verify.slice(2)])
    expect([refused.exitCode, refused.json.valid]).toEqual([5, false])
  }, 180_000)

  it('says SIMULATED to people', async () => {
    const run = await cli(registerArgs())
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toContain('SIMULATED')
  })
})

describe('rotate', () => {
  it('switches to a new signer that the registry knows, and keeps the old one if that fails', async () => {
    const prove = async () => {
      const out = join(folder, 'rotated.json')
      const key = [...state, '--insecure-key-on-disk', '--out', out]
      const run = await cliJson(['prove', guestElf('fibonacci'), '--input', '0x0a000000', ...key])
      return { signer: run.json.signer, out }
    }
    const { signer: before } = await prove()
    const wrong = registerArgs({ '--registry': contracts.multiProof })
    const failed = await cliJson(['rotate', ...wrong.slice(1)])
    expect([failed.exitCode, failed.json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
    expect((await prove()).signer).toBe(before)

    const { exitCode, json } = await cliJson(['rotate', ...registerArgs().slice(1)])
    expect(exitCode).toBe(0)
    expect(json.previous).toBe(before)
    const after = await prove()
    expect(after.signer).toBe(json.current)
    const verify = ['verify', after.out, ...rpc, '--multiproof', contracts.multiProof]
    expect((await cliJson(verify)).json.valid).toBe(true)
  }, 180_000)
})

describe('refusals', () => {
  it.each<[string, number, string, Record<string, string>]>([
    ['an RPC that is not there', 7, 'RPC_UNREACHABLE', { '--rpc-url': 'http://127.0.0.1:1' }],
    ['another chain', 7, 'CHAIN_MISMATCH', { '--chain': '1' }],
    ['no contract', 7, 'CONTRACT_MISSING', { '--registry': `0x${'11'.repeat(20)}` }],
    ['no address', 2, 'FLAG_INVALID', { '--registry': '0x11' }],
    ['no URL', 2, 'FLAG_INVALID', { '--rpc-url': 'localhost:8545' }],
    ['no TDX device', 6, 'TDX_DEVICE_MISSING', { '--provider': 'auto' }],
    ['a wrong key', 2, 'FLAG_INVALID', { '--private-key': '0x00' }],
  ])('register with %s: exit code %i, %s', async (_name, exitCode, code, changes) => {
    const run = await cliJson(registerArgs(changes))
    expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
  })

  it('register with a quote of another root: names the registry’s reason', async () => {
    const run = await cliJson(registerArgs({ '--state-dir': join(folder, 'other') }))
    expect([run.exitCode, run.json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
    expect(run.json.error.details.error).toBe('QuoteRefused(root)')
  })

  it('a preset says which chain and contracts are meant', async () => {
    const preset = ['--preset', 'automata-testnet']
    const proofFile = join(folder, 'proof.json')
    const run = await cliJson(['verify', proofFile, ...rpc, ...preset])
    expect([run.exitCode, run.json.error.code]).toEqual([7, 'CHAIN_MISMATCH'])
    expect(run.json.error.details).toEqual({ expected: 1398243, actual: 31337 })
    const here = await cliJson(['verify', proofFile, ...rpc, ...preset, '--chain', '31337'])
    expect([here.exitCode, here.json.error.code]).toEqual([7, 'CONTRACT_MISSING'])
    expect(here.json.error.details.address).toBe('0xf42b05b7caf5b0ce2441d73e1c3982d8f51f28af')
  })

  it('a keystore is opened by its password, and by no other', async () => {
    const keystore = join(folder, 'keystore.json')
    await writeFile(keystore, JSON.stringify(KEYSTORE))
    const [right, wrong] = [join(folder, 'right.txt'), join(folder, 'wrong.txt')]
    await writeFile(right, 'testpassword\n')
    await writeFile(wrong, 'another')
    const deploy = ['deploy', ...rpc, ...state, '--simulated', '--keystore', keystore]
    const opened = await cliJson([...deploy, '--password-file', right])
    // The account of this published key has no funds here.
    expect([opened.exitCode, opened.json.error.code]).toEqual([7, 'GAS_PAYER_POOR'])
    expect(opened.json.error.details.address).toBe('0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b')
    const refused = await cliJson([...deploy, '--password-file', wrong])
    expect([refused.exitCode, refused.json.error.code]).toEqual([2, 'KEYSTORE_PASSWORD'])
    const missing = await cliJson(deploy)
    expect([missing.exitCode, missing.json.error.code]).toEqual([2, 'FLAG_INVALID'])
  })
})

/** The PBKDF2 test vector of the Web3 Secret Storage Definition. */
const KEYSTORE = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}
