/**
 * Syscalls that steer the run: HALT, and the two ends of an unconstrained block, whose effects on
 * registers, memory, pc and cycle count are undone so that only the hints it wrote survive.
 * Source: sp1-core-executor 3.4.0 and 5.2.4 syscalls/{halt,unconstrained}.rs.
 */
import { defineSyscall, invalid } from './syscall.js'

export const halt = defineSyscall({
  name: 'HALT',
  code: 0x00_00_00_00,
  extraCycles: 0,
  execute(context, exitCode) {
    context.halt(exitCode)
  },
})

export const enterUnconstrained = defineSyscall({
  name: 'ENTER_UNCONSTRAINED',
  code: 0x00_00_00_03,
  extraCycles: 0,
  execute(context) {
    if (context.isUnconstrained) invalid('ENTER_UNCONSTRAINED', 'a block is active already')
    context.enterUnconstrained()
    return 1
  },
})

export const exitUnconstrained = defineSyscall({
  name: 'EXIT_UNCONSTRAINED',
  code: 0x00_00_00_04,
  extraCycles: 0,
  execute(context) {
    // The prover knows no such ecall: at the end of a block it stands for the ENTER it returns to.
    if (!context.isUnconstrained)
      context.markUnprovable('EXIT_UNCONSTRAINED was called in no block')
    context.exitUnconstrained()
    return 0
  },
})
