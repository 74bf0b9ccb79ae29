/** Contracts that have only the calls of the first ones, and verify simulated quotes of one root. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Abi } from 'viem'
import { forge } from '../../scripts/forge.mjs'
import { anvilGasPayer } from '../../src/anvil.js'
import type { Hex } from '../../src/core/bytes.js'
import { simulatedAttestationAbi } from '../../src/core/chain/abi.js'
import { simulatedAttestationBytecode } from '../../src/core/chain/bytecode.js'
import type { Chain } from '../../src/core/chain/client.js'
import { deployContract } from '../../src/core/chain/write.js'

/** @param rootCertificate - PEM or DER. */
export async function deployLegacyContracts(
  chain: Chain,
  rootCertificate: Uint8Array,
): Promise<{ readonly registry: Hex; readonly multiProof: Hex }> {
  if (forge(['build']).status !== 0) throw new Error('forge build failed')
  const gasPayer = await anvilGasPayer()
  const { x, y } = new X509Certificate(rootCertificate).publicKey.export({ format: 'jwk' })
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
  return { registry, multiProof: await deploy('LegacyMultiProof', [registry]) }
}

function artifact(name: string): { abi: Abi; bytecode: Hex } {
  const path = new URL(`../../contracts/out/Legacy.sol/${name}.json`, import.meta.url)
  const { abi, bytecode } = JSON.parse(readFileSync(path, 'utf8'))
  return { abi, bytecode: bytecode.object }
}
