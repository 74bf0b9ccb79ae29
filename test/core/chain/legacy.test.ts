/** register and MultiProof against contracts that have only the calls of the first ones. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import type { Hex } from '../../../src/core/bytes.js'
import { connectChain } from '../../../src/core/chain/client.js'
import { askMultiProof } from '../../../src/core/chain/multi-proof.js'
import { registerSigner } from '../../../src/core/chain/registration.js'
import { encodedMessageBytes, schemeOf } from '../../../src/core/signer/schemes.js'
import { createProvider } from '../../../src/core/tdx/provider.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { bytes32ToHashBytes } from '../../../src/core/vkey/encodings.js'
import { deployLegacyContracts } from '../../support/legacy-contracts.js'
import { newTestSigner } from '../../support/service.js'

let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(() => anvil.stop())

it('a signer registers, and its proofs are accepted', async () => {
  const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  const gasPayer = await anvilGasPayer()
  const authority = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
  const { registry, multiProof } = await deployLegacyContracts(chain, authority.rootCertificate)

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
