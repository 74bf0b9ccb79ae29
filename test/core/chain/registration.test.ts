/** The path from a quote to a proof accepted on chain, on a real anvil. */
import { randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../../src/anvil.js'
import { fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { type Deployment, deployContracts } from '../../../src/core/chain/deploy.js'
import { createGasPayer, type GasPayer } from '../../../src/core/chain/gas-payer.js'
import { allowWorkload } from '../../../src/core/chain/measurement-policy.js'
import { askMultiProof } from '../../../src/core/chain/multi-proof.js'
import { registerSigner } from '../../../src/core/chain/registration.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { createProver } from '../../../src/core/prover/prove.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'
import { createSigner, generateSecretKey } from '../../../src/core/signer/signer.js'
import { createProvider, type QuoteProvider } from '../../../src/core/tdx/provider.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { computeReportData } from '../../../src/core/tdx/report-data.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { guestElf } from '../../support/cli.js'

let anvil: Anvil
let chain: Chain
let gasPayer: GasPayer
let contracts: Deployment
const authority = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
const provider = providerOf((reportData) => authority.quote(reportData))
const workloadId = computeWorkloadId(parseTdQuote(authority.quote(new Uint8Array(64))).body)

const FIBONACCI_VKEY = {
  sp1: '3.4.0',
  elfHash: '0x',
  bytes32: '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
  hashBytes: '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6',
} as const

function providerOf(make: (reportData: Uint8Array) => Uint8Array): QuoteProvider {
  const request = async (reportData: Uint8Array) => make(reportData)
  return createProvider({ name: 'simulated', simulated: true, request })
}

function rootKey(certificate: Uint8Array): { x: bigint; y: bigint } {
  const { x, y } = new X509Certificate(certificate).publicKey.export({ format: 'jwk' })
  const toBigint = (text = '') => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)
  return { x: toBigint(x), y: toBigint(y) }
}

function newSigner() {
  return createSigner(generateSecretKey((count) => new Uint8Array(randomBytes(count))))
}

function register(address: Hex, more = {}) {
  return registerSigner({
    chain,
    registry: contracts.registry,
    address,
    provider,
    gasPayer,
    ...more,
  })
}

beforeAll(async () => {
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  gasPayer = await createGasPayer(fromHex(ANVIL_KEY))
  contracts = await deployContracts({
    chain,
    gasPayer,
    attestation: { simulatedRoot: rootKey(authority.rootCertificate) },
    layout: 'v1.1',
  })
  const { registry } = contracts
  const metadata = { commit: '', sourceUrl: '', next: false }
  await allowWorkload({ chain, registry, gasPayer, workloadId, ...metadata })
})
afterAll(() => anvil.stop())

describe('a registered signer', () => {
  it('has its proofs accepted by MultiProof, and only after it is registered', async () => {
    const signer = newSigner()
    const vkeys = new VkeyCache({ compute: async () => FIBONACCI_VKEY })
    const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
    const elf = readFileSync(guestElf('fibonacci'))
    const proof = await createProver({ signer, vkeys }).prove(elf, stdin)

    const ask = (change = {}) => askMultiProof(chain, contracts.multiProof, { ...proof, ...change })
    expect((await ask())?.toLowerCase()).toBe(`invalid_tee_signer(${signer.address})`)
    const steps: string[] = []
    const onStep = (step: string) => steps.push(step)
    const { address, expiresAt, txHash } = await register(signer.address, { onStep })
    expect(address).toBe(signer.address)
    expect(txHash).toMatch(/^0x[0-9a-f]{64}$/)
    expect(expiresAt).toBeGreaterThan(Date.now() / 1000)
    expect(steps).toEqual(['quote', 'transaction', 'check'])
    expect(await ask()).toBeUndefined()
    expect(await ask({ publicValues: '0x00' })).toMatch(/^Invalid_TEE_Signer\(/)
    expect(await ask({ signature: `0x${'00'.repeat(65)}` })).toMatch(/^Invalid_TEE_Signer\(0x0+\)/)
  })

  it('has its typed proofs accepted by the call of SP1, for this contract and workload alone', async () => {
    const signer = newSigner()
    const binding = {
      chainId: chain.chainId,
      verifyingContract: contracts.multiProof,
      workloadId,
    }
    const vkeys = new VkeyCache({ compute: async () => FIBONACCI_VKEY })
    const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
    const elf = readFileSync(guestElf('fibonacci'))
    const prover = createProver({ signer, vkeys })
    const prove = (change = {}) =>
      prover.prove(elf, stdin, { scheme: 'eip712', binding: { ...binding, ...change } })
    const proof = await prove()
    const ask = (asked = proof) => askMultiProof(chain, contracts.multiProof, asked)
    const refused = expect.stringMatching(/^Invalid_TEE_Signer\(/)
    expect(await ask()).toEqual(refused)
    await register(signer.address)
    expect(await ask()).toBeUndefined()
    expect(await ask({ ...proof, publicValues: '0x00' })).toEqual(refused)
    expect(await ask(await prove({ chainId: 1 }))).toEqual(refused)
    expect(await ask(await prove({ verifyingContract: contracts.registry }))).toEqual(refused)
    expect(await ask(await prove({ workloadId: `0x${'09'.repeat(32)}` }))).toEqual(refused)
    const { domain: _domain, ...unbound } = proof
    expect(await ask(unbound)).toBe('WrongSelector(0x00000000)')
  })

  it('comes with what the registry was shown, which others can check', async () => {
    const { address } = newSigner()
    const { attestation, blockNumber } = await register(address)
    const { quote, reportData, reference } = attestation!
    const { body, trailingZeroBytes } = parseTdQuote(fromHex(quote))
    expect([toHex(body.reportData), trailingZeroBytes]).toEqual([reportData, 0])
    expect(reference!.blockNumber).toBeLessThan(blockNumber)
    const asBigint = { ...reference!, blockNumber: BigInt(reference!.blockNumber) }
    expect(reportData).toBe(toHex(computeReportData(address, asBigint)))
  })

  it('costs no more gas for a quote that its platform padded', async () => {
    const padded = providerOf((data) => {
      const quote = authority.quote(data)
      const bytes = new Uint8Array(quote.length + 3000)
      bytes.set(quote)
      return bytes
    })
    await register(newSigner().address, { provider: padded })
  })
})

describe('refusals', () => {
  it('names the registry’s error: a quote of a foreign root', async () => {
    const stranger = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
    const foreign = providerOf((data) => stranger.quote(data))
    await expect(register(newSigner().address, { provider: foreign })).rejects.toMatchObject({
      code: 'CHAIN_REVERTED',
      exitCode: 7,
      details: { error: 'QuoteRefused(root)' },
    })
  })

  it('names the registry’s error: a workload that is not allowed', async () => {
    const body = { mrtd: new Uint8Array(48).fill(9) }
    const other = providerOf((data) => authority.quote(data, { body }))
    await expect(register(newSigner().address, { provider: other })).rejects.toMatchObject({
      details: {
        error: expect.stringMatching(/^WorkloadNotAllowed\(0x[0-9a-f]{64}\)$/),
        remedy: expect.stringContaining('policy allow'),
      },
    })
  })

  it('names the registry’s error: a debug TD', async () => {
    const body = { tdAttributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0) }
    const debug = providerOf((data) => authority.quote(data, { body }))
    await expect(register(newSigner().address, { provider: debug })).rejects.toMatchObject({
      details: { error: 'DebugTdRefused()' },
    })
  })

  it('lets no signer pay for its own transaction', async () => {
    const address = gasPayer.address.toLowerCase() as Hex
    await expect(register(address)).rejects.toMatchObject({ code: 'GAS_PAYER_IS_SIGNER' })
  })

  it('notices a payer without funds, a missing contract, and one that is another', async () => {
    const poor = await createGasPayer(fromHex(`0x${'77'.repeat(32)}`))
    const { address } = newSigner()
    await expect(register(address, { gasPayer: poor })).rejects.toMatchObject({
      code: 'GAS_PAYER_POOR',
      details: { address: poor.address },
    })
    const nowhere = { registry: `0x${'11'.repeat(20)}` }
    await expect(register(address, nowhere)).rejects.toMatchObject({ code: 'CONTRACT_MISSING' })
    const other = { registry: contracts.multiProof }
    await expect(register(address, other)).rejects.toMatchObject({ code: 'CHAIN_REVERTED' })
  })

  it('deploys nothing for simulated quotes on another chain', async () => {
    const public_ = await startAnvil(['--chain-id', '1'])
    try {
      const mainnet = await connectChain({ rpcUrl: public_.rpcUrl })
      const attestation = { simulatedRoot: rootKey(authority.rootCertificate) }
      await expect(
        deployContracts({ chain: mainnet, gasPayer, attestation, layout: 'v1.1' }),
      ).rejects.toMatchObject({ code: 'SIMULATED_CHAIN', exitCode: 2 })
      await expect(connectChain({ rpcUrl: public_.rpcUrl, chainId: 31337 })).rejects.toMatchObject({
        code: 'CHAIN_MISMATCH',
      })
    } finally {
      await public_.stop()
    }
  })

  it('tells an RPC that is not there, is none, or takes too long', async () => {
    await expect(connectChain({ rpcUrl: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'RPC_UNREACHABLE',
      exitCode: 7,
    })
    const server = createServer((request, response) => {
      if (request.url === '/slow') return
      response.writeHead(500).end('no RPC')
    }).listen(0, '127.0.0.1')
    try {
      await new Promise((resolve) => server.once('listening', resolve))
      const url = `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}`
      const error = await connectChain({ rpcUrl: url }).catch((thrown) => thrown)
      expect(error.code).toBe('RPC_FAILED')
      expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain('secret')
      await expect(connectChain({ rpcUrl: `${url}/slow`, timeoutMs: 100 })).rejects.toMatchObject({
        code: 'RPC_UNREACHABLE',
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
