/** Bounds of a run. */
import { MAX_MEMORY_MIB } from '../riscv/memory.js'

const MIB = 2 ** 20

export interface ExecuteLimits {
  /** A run that is not over before this many instructions is refused. 1 to 2^32 - 1. */
  readonly cycles: number
  /** Address space of the guest, 1 to 1,920. */
  readonly memoryMib: number
  readonly timeoutMs: number
  readonly outputBytes: number
  readonly publicValuesBytes: number
}

export const DEFAULT_LIMITS: ExecuteLimits = {
  cycles: 2 ** 32 - 1,
  memoryMib: MAX_MEMORY_MIB,
  timeoutMs: 600_000,
  outputBytes: 16 * MIB,
  publicValuesBytes: 16 * MIB,
}
