/** register and MultiProof against contracts that have only the calls of the first ones. */
import { randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Abi } from 'viem'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forge } from '../../../scripts/forge.mjs'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import type { Hex } from '../../../src/core/bytes.js'
import { simulatedAttestationAbi } from '../../../src/core/chain/abi.js'
import { simulatedAttestationBytecode } from '../../../src/core/chain/bytecode.js'
import { connectChain } from '../../../src/core/chain/client.js'
import { askMultiProof } from '../../../src/core/chain/multi-proof.js'
import { registerSigner } from '../../../src/core/chain/registration.js'
import { deployContract } from '../../../src/core/chain/write.js'
import { encodedMessageBytes, schemeOf } from '../../../src/core/signer/schemes.js'
import { createProvider } from '../../../src/core/tdx/provider.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { bytes32ToHashBytes } from '../../../src/core/vkey/encodings.js'
import { newTestSigner } from '../../support/service.js'

let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(() => anvil.stop())

function artifact(name: string): { abi: Abi; bytecode: Hex } {
  const path = new URL(`../../../contracts/out/Legacy.sol/${name}.json`, import.meta.url)
  const { abi, bytecode } = JSON.parse(readFileSync(path, 'utf8'))
  return { abi, bytecode: bytecode.object }
}

it('a signer registers, and its proofs are accepted', async () => {
  expect(forge(['build']).status).toBe(0)
  const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  const gasPayer = await anvilGasPayer()
  const authority = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
  const { x, y } = new X509Certificate(authority.rootCertificate).publicKey.export({
    format: 'jwk',
  })
  const number = (text = '') => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)
  const attestation = await deployContract(chain, gasPayer, {
    what: 'SimulatedAttestation',
    abi: simulatedAttestationAbi,
    bytecode: simulatedAttestationBytecode,
    args: [number(x), number(y), 0],
  })
  const deploy = (name: string, args: readonly unknown[]) =>
    deployContract(chain, gasPayer, { what: name, ...artifact(name), args })
  const registry = await deploy('LegacyRegistry', [attestation])
  const multiProof = await deploy('LegacyMultiProof', [registry])

  const signer = newTestSigner()
  const vkey = '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6'
  const vkeyHash = bytes32ToHashBytes(vkey)
  const statement = {
    bytes32: hexBytes(vkey),
    hashBytes: hexBytes(vkeyHash),
    publicValues: Uint8Array.of(1, 2),
    teeVersion: 0,
  }
  expect(encodedMessageBytes(statement)).toHaveLength(32)
  const signature = signer.signDigest(schemeOf('automata').digest(statement))
  const proof = {
    version: 1,
    scheme: 'automata',
    sp1: '3.4.0',
    elfHash: '0x',
    vkey,
    vkeyHash,
    publicValues: '0x0102',
    exitCode: 0,
    cycles: 1,
    signer: signer.address,
    signature: `0x${Buffer.from(signature).toString('hex')}`,
  } as const
  expect(await askMultiProof(chain, multiProof, proof)).toMatch(/^Invalid_TEE_Signer\(/)

  const provider = createProvider({
    name: 'simulated',
    simulated: true,
    request: async (reportData) => authority.quote(reportData),
  })
  const options = { chain, registry, address: signer.address, provider, gasPayer }
  const { expiresAt } = await registerSigner(options)
  expect(expiresAt).toBeGreaterThan(Date.now() / 1000 + 3000)
  expect(await askMultiProof(chain, multiProof, proof)).toBeUndefined()
})

function hexBytes(hex: Hex): Uint8Array {
  return new Uint8Array(Buffer.from(hex.slice(2), 'hex'))
}
