/**
 * Hooks: host functions that a guest calls by writing to a file descriptor. The answers come back as
 * input buffers. A hook's answers are hints: the guest has to check them, and nothing it says makes
 * a run provable that is not.
 */
import { GuestError } from '../../errors.js'

export interface Hook {
  /** What errors and lists call it. */
  readonly name: string
  /**
   * @param input - what the guest wrote; a copy.
   * @returns buffers that the guest reads next, in this order.
   * @throws GuestError `HOOK_FAILED`: input that SP1's hook panics on
   */
  readonly answer: (input: Uint8Array) => readonly Uint8Array[]
}

/** Ends the run, as a panic of SP1's hook does. */
export function hookFailed(hook: string, reason: string): never {
  throw new GuestError('HOOK_FAILED', { hook, reason })
}

/** A one-byte buffer. */
export function status(value: 0 | 1): Uint8Array {
  return Uint8Array.of(value)
}
