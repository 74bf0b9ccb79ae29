/** The verdict on a proof file whose program is at hand: its key is computed again. */
import { Sp1TeeError } from '../errors.js'
import type { Proof } from '../signer/proof.js'
import {
  type Check,
  type CheckProofOptions,
  checkProof,
  compare,
  type Verdict,
} from './check-proof.js'
import type { ElfVkeyOptions } from './elf-vkey.js'
import { VkeyCache } from './vkey-cache.js'

export interface VerifyOptions extends CheckProofOptions, Omit<ElfVkeyOptions, 'sp1'> {
  /** The program; its key is computed again. */
  readonly elf?: Uint8Array
  readonly vkeys?: VkeyCache
}

/**
 * As `checkProof`; a program that does not load is the caller's error.
 *
 * @throws InputError the ELF given cannot be loaded
 * @throws InterruptedError `signal` was aborted
 */
export function verifyProof(proof: Proof, options: VerifyOptions = {}): Promise<Verdict> {
  const { elf } = options
  if (elf === undefined) return checkProof(proof, options)
  return checkProof(proof, options, () => checkProgram(proof, elf, options))
}

async function checkProgram(
  proof: Proof,
  elf: Uint8Array,
  { vkeys = new VkeyCache(), threads, onProgress, signal }: VerifyOptions,
): Promise<Check[]> {
  const { sp1 } = proof
  try {
    const { elfHash, bytes32 } = await vkeys.get(elf.slice(), {
      sp1,
      ...(threads !== undefined && { threads }),
      ...(onProgress !== undefined && { onProgress }),
      ...(signal !== undefined && { signal }),
    })
    return [
      compare('elfHash', proof.elfHash, elfHash, 'the program given'),
      compare('program', proof.vkey, bytes32, 'the program given'),
    ]
  } catch (error) {
    if (!(error instanceof Sp1TeeError) || error.code !== 'RELEASE_UNKNOWN') throw error
    return [{ name: 'program', ok: false, detail: error.message }]
  }
}
