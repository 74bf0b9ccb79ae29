/** Our codes for the errors of SP1's executor. */
const CODES: Readonly<Record<string, string>> = {
  HaltWithNonZeroExitCode: 'GUEST_EXIT',
  InvalidMemoryAccess: 'MEMORY_MISALIGNED',
  ExceededCycleLimit: 'CYCLE_LIMIT',
  InvalidSyscallUsage: 'SYSCALL_INVALID',
  Breakpoint: 'GUEST_TRAP',
  Unimplemented: 'GUEST_TRAP',
  EndInUnconstrained: 'GUEST_TRAP',
}

/** @param error - as Rust's `Debug` prints it. */
export function codeOf(error: string): string {
  const [kind = ''] = error.split('(')
  return CODES[kind] ?? `a code for ${kind}`
}
