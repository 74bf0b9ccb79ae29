/** Asks a MultiProof contract whether it accepts a proof, with values derived from the proof here. */
import { fromHex, type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { Proof } from '../signer/proof.js'
import { encodedMessageBytes } from '../signer/schemes.js'
import { multiProofAbi } from './abi.js'
import { type Chain, readContract } from './client.js'

/**
 * @returns undefined if the contract accepts the proof, else the error it reverts with.
 * @throws UnavailableError the chain could not be asked
 */
export async function askMultiProof(
  chain: Chain,
  address: Hex,
  { vkey, vkeyHash, publicValues, signature }: Proof,
): Promise<string | undefined> {
  const message = encodedMessageBytes({
    bytes32: fromHex(vkey),
    hashBytes: fromHex(vkeyHash),
    publicValues: fromHex(publicValues),
    teeVersion: 0,
  })
  const contract = { what: 'MultiProof', address, abi: multiProofAbi }
  try {
    await readContract(chain, contract, 'verifyTEEProof', [toHex(message), signature])
    return undefined
  } catch (error) {
    if (error instanceof UnavailableError && error.code === 'CHAIN_REVERTED') {
      return String(error.details.error)
    }
    throw error
  }
}
