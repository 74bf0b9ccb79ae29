/** The public API: everything the commands use, and nothing they could not. */
export { fromHex, type Hex, isHex, toHex } from './bytes.js'
export {
  ERROR_TABLES,
  GuestError,
  InputError,
  InterruptedError,
  RejectedError,
  Sp1TeeError,
} from './errors.js'
export {
  DEFAULT_LIMITS,
  type ExecuteLimits,
  type ExecuteOptions,
  type ExecutionResult,
  execute,
} from './executor/execute.js'
export { DEFAULT_SP1_VERSION, SP1_VERSIONS } from './executor/release.js'
export {
  type DetectedStdin,
  detectStdin,
  encodeStdin,
  parseStdin,
  type Stdin,
  type StdinFormat,
} from './executor/stdin.js'
export { parseElf } from './riscv/elf.js'
export type { Program } from './riscv/program.js'
