/** Asks a MultiProof contract whether it accepts a proof, with values derived from the proof here, and whom it believes. */
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { Proof } from '../signer/proof.js'
import { encodedMessageBytes, schemeOf } from '../signer/schemes.js'
import { deriveProofBytes, statementOf } from '../signer/statement.js'
import { multiProofAbi } from './abi.js'
import { type Chain, readContract } from './client.js'

/**
 * By the call that the proof's scheme is for: `verifyProof` for eip712, `verifyTEEProof` for automata.
 *
 * @returns undefined if the contract accepts the proof, else the error it reverts with.
 * @throws UnavailableError the chain could not be asked
 */
export async function askMultiProof(
  chain: Chain,
  address: Hex,
  proof: Proof,
): Promise<string | undefined> {
  const contract = multiProofAt(address)
  const { vkey, publicValues, signature } = proof
  try {
    if (schemeOf(proof.scheme).isBound) {
      const proofBytes = deriveProofBytes(proof) ?? '0x'
      await readContract(chain, contract, 'verifyProof', [vkey, publicValues, proofBytes])
    } else {
      const message = toHex(encodedMessageBytes(statementOf(proof)))
      await readContract(chain, contract, 'verifyTEEProof', [message, signature])
    }
    return undefined
  } catch (error) {
    if (error instanceof UnavailableError && error.code === 'CHAIN_REVERTED') {
      return String(error.details.error)
    }
    throw error
  }
}

/**
 * The registry whose signers a MultiProof contract believes.
 *
 * @throws UnavailableError the chain could not be asked, or there is no such contract
 */
export async function registryOf(chain: Chain, address: Hex): Promise<Hex> {
  const registry = await readContract(chain, multiProofAt(address), 'teeProverRegistry')
  return String(registry).toLowerCase() as Hex
}

function multiProofAt(address: Hex) {
  return { what: 'MultiProof', address, abi: multiProofAbi }
}
