/** Each refusal of the registry, through the binary: an RPC in between makes them happen. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { cliJson } from '../support/cli.js'
import { type RpcProxy, startRpcProxy } from '../support/rpc-proxy.js'

let anvil: Anvil
let rpc: RpcProxy
let folder: string
let registry: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-refusals-'))
  anvil = await startAnvil()
  rpc = await startRpcProxy(anvil.rpcUrl)
  const flags = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY, '--simulated']
  const deploy = await cliJson(['deploy', ...flags, '--state-dir', join(folder, 'state')])
  registry = deploy.json.registry
  const allow = ['policy', 'allow', '--provider', 'simulated', '--registry', registry]
  const payer = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY]
  await cliJson([...allow, ...payer, '--state-dir', join(folder, 'state')])
  await mine(150)
})
afterAll(async () => {
  await rpc.stop()
  await anvil.stop()
  await rm(folder, { recursive: true })
})

async function ask(method: string, params: readonly unknown[]) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(anvil.rpcUrl, { method: 'POST', headers, body })
  return ((await response.json()) as { result: Record<string, string> }).result
}

const mine = (blocks: number) => ask('anvil_mine', [`0x${blocks.toString(16)}`])

async function register(tamper: RpcProxy['tamper'], state = 'state') {
  rpc.tamper = (method, result, params) =>
    method === 'eth_getBlockByNumber' && params[0] === 'latest' && params[1] === false
      ? tamper(method, result, params)
      : undefined
  const payer = ['--rpc-url', rpc.url, '--private-key', ANVIL_KEY, '--registry', registry]
  const signer = ['--provider', 'simulated', '--state-dir', join(folder, state)]
  return cliJson(['register', ...payer, ...signer])
}

it('a block that is too old', async () => {
  const old = await ask('eth_getBlockByNumber', ['0x5', false])
  const { exitCode, json } = await register(() => old)
  expect([exitCode, json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
  expect(json.error.details.error).toBe('ReferenceBlockStale(5)')
})

it('a block of another chain', async () => {
  const { exitCode, json } = await register((_method, block) => ({
    ...block,
    hash: `0x${'ab'.repeat(32)}`,
  }))
  expect([exitCode, json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
  expect(json.error.details.error).toMatch(/^ReferenceBlockHashMismatch\(\d+\)$/)
})

it('a quote that was registered before', async () => {
  const block = await ask('eth_getBlockByNumber', ['latest', false])
  await mine(1)
  expect((await register(() => block)).exitCode).toBe(0)
  const { exitCode, json } = await register(() => block)
  expect([exitCode, json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
  expect(json.error.details.error).toMatch(/^QuoteReplayed\(0x[0-9a-f]{64}\)$/)
})

it('a quote under another root', async () => {
  const { exitCode, json } = await register(() => undefined, 'a-stranger')
  expect([exitCode, json.error.code]).toEqual([7, 'CHAIN_REVERTED'])
  expect(json.error.details.error).toBe('QuoteRefused(root)')
})

it('attest with a chain refers to its newest block', async () => {
  const flags = ['--provider', 'simulated', '--state-dir', join(folder, 'state')]
  const { json, stderr } = await cliJson(['attest', '--rpc-url', anvil.rpcUrl, ...flags])
  const { number, hash } = await ask('eth_getBlockByNumber', ['latest', false])
  expect(json.reference).toEqual({ blockNumber: Number(number), blockHash: hash })
  expect(stderr).not.toContain('cannot be registered')
})

it('flags that are wrong, before anybody is asked', async () => {
  const nobody = ['--rpc-url', 'http://127.0.0.1:1', '--private-key', ANVIL_KEY]
  const contract = ['--registry', registry]
  for (const args of [
    ['register', ...contract, '--provider', 'simulated', '--gas-price', '2eth'],
    ['policy', 'revoke', `0x${'01'.repeat(32)}`, ...contract, '--priority-gas-price', '-1'],
    ['deploy', '--attestation', 'known', '--salt', '0x00'],
    ['deploy', '--attestation', 'known', '--guardian', '0x00'],
  ]) {
    const { exitCode, json } = await cliJson([...args, ...nobody])
    expect([exitCode, json.error.code]).toEqual([2, 'FLAG_INVALID'])
  }
})
