/**
 * What a syscall is: one definition object with its name, code and effect. A guest calls it by
 * `ecall` with the code in t0 and arguments in a0 and a1.
 *
 * The code's bytes, lowest first: identifier; whether it has a table of its own in the prover; extra
 * cycles it takes in the proof. Source: sp1-core-executor 3.4.0 and 5.2.4 syscalls/code.rs.
 */
import { GuestError } from '../errors.js'
import type { Hart } from '../riscv/hart.js'
import type { Memory } from '../riscv/memory.js'
import type { KernelName } from './kernel-module.js'

export interface Syscall {
  /** As SP1's reports spell it. */
  readonly name: string
  readonly code: number
  /** The function of kernels/ that does the same for plain calls. */
  readonly kernel?: KernelName
  /** Clock ticks beyond the instruction's own; not part of the cycle count. */
  readonly extraCycles: number
  /** @returns the value for t0; nothing leaves the code there. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most syscalls return nothing at all.
  execute(context: SyscallContext, arg1: number, arg2: number): number | void
}

/** A definition nobody can change. */
export function defineSyscall(syscall: Syscall): Syscall {
  return Object.freeze(syscall)
}

/** What syscalls may do to a run besides changing memory. The executor provides it. */
export interface SyscallContext {
  readonly hart: Hart
  readonly memory: Memory
  readonly io: GuestIo
  readonly isUnconstrained: boolean
  /** End the run after this instruction; only code 0 is a success. */
  halt(exitCode: number): void
  enterUnconstrained(): void
  /** Undo the block; does nothing outside one. */
  exitUnconstrained(): void
  /** Set word `index` (0..7) of the digest of the public values. */
  commitDigestWord(index: number, word: number): void
  /** The same for the digest of the deferred proofs. */
  commitDeferredDigestWord(index: number, word: number): void
  /** Take the next deferred proof of the stdin, without verifying it; false if there is none. */
  takeDeferredProof(): boolean
  /** SP1's executor accepts this, its prover cannot. */
  markUnprovable(reason: string): void
}

/** A guest's input buffers and its writes. */
export interface GuestIo {
  /** Bytes of the next input buffer; undefined if there is none. */
  readonly nextInputLength: number | undefined
  /** Buffers taken so far. */
  readonly inputsRead: number
  /** @throws GuestError `HINT_MISSING` */
  takeInput(): Uint8Array
  /** Handle a write to a file descriptor. */
  write(fd: number, bytes: Uint8Array): void
  /**
   * Whether a write of so many bytes may follow; asked before they are copied.
   *
   * @throws GuestError `OUTPUT_LIMIT`
   */
  requireRoom(fd: number, byteCount: number): void
}

export function invalid(syscall: string, reason: string): never {
  throw new GuestError('SYSCALL_INVALID', { syscall, reason })
}

/**
 * Where SP1's executor rounds a pointer that is no multiple of 4 down, its prover cannot. A pointer
 * below 12 that leads to a0 or a1 makes it panic: they are in use. Strict memory refuses them all.
 */
export function requireAligned(context: SyscallContext, ...pointers: readonly number[]): void {
  if (!pointers.some(isMisaligned)) return
  context.markUnprovable('a precompile was called with a pointer that is no multiple of 4')
  const leadsToArgument = (pointer: number) => pointer < 12 && (pointer & 2) !== 0
  if (pointers.some(leadsToArgument)) invalid('a precompile', 'it leads to its own arguments')
}

/** Where SP1's executor panics for a pointer that is no multiple of 4. */
export function refuseMisaligned(syscall: string, ...pointers: readonly number[]): void {
  if (pointers.some(isMisaligned)) invalid(syscall, 'a pointer is no multiple of 4')
}

function isMisaligned(pointer: number): boolean {
  return (pointer & 3) !== 0
}
