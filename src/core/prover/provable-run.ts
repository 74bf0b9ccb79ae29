/**
 * Runs that may be signed. Only this process's own execution makes one, or a seal that proves that it
 * was: bytes from a disk or a database never become one by themselves.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { fromHex, type Hex, toHex } from '../bytes.js'
import { InternalError } from '../errors.js'
import { sha256 } from '../sha256.js'

/** This program, run by this process to exit code 0 in a way that SP1 could prove. */
export interface ProvableRun {
  readonly sp1: string
  /** SHA-256 of the program. */
  readonly elfHash: Hex
  /** bytes32 */
  readonly vkey: Hex
  /** hash_bytes */
  readonly vkeyHash: Hex
  readonly publicValues: Hex
  readonly exitCode: 0
  readonly cycles: number
}

const genuine = new WeakSet<ProvableRun>()

/** For whoever has just executed it. */
export function asProvable(run: ProvableRun): ProvableRun {
  const kept = Object.freeze({ ...run })
  genuine.add(kept)
  return kept
}

/** A run that came another way is a bug, and is not signed. */
export function requireGenuine(run: ProvableRun): void {
  if (!genuine.has(run)) throw new InternalError('a run that was not executed here is to be signed')
}

/** Lets runs be kept by a store that is not trusted. */
export class RunSeal {
  readonly #key: Uint8Array

  /** @param key - 32 random bytes that never leave the process. */
  constructor(key: Uint8Array) {
    this.#key = key.slice()
  }

  /** @param context - what the run was for; it opens for that only. */
  seal(run: ProvableRun, context: string): Hex {
    requireGenuine(run)
    return toHex(this.#mac(run, context))
  }

  /** @returns undefined for anything but what was sealed by this very key. */
  open(run: ProvableRun, context: string, seal: Hex): ProvableRun | undefined {
    return isEqual(this.#mac(run, context), fromHex(seal)) ? asProvable(run) : undefined
  }

  #mac(run: ProvableRun, context: string): Uint8Array {
    const { sp1, elfHash, vkey, vkeyHash, publicValues, exitCode, cycles } = run
    const fields = [context, sp1, elfHash, vkey, vkeyHash, publicValues, exitCode, cycles]
    // Hashed by the host first: public values may have megabytes.
    const digest = sha256(new TextEncoder().encode(JSON.stringify(fields)))
    return hmac(nobleSha256, this.#key, digest)
  }
}

/** In a time that does not tell how much of them is equal. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.reduce((bits, byte, i) => bits | (byte ^ b[i]), 0) === 0
}
