/** How a run was executed, for people who wonder about its speed. */
import type { EngineFacts } from '../riscv/engine.js'
import type { FunctionSymbols } from '../riscv/symbols.js'
import { demangle } from './demangle.js'

export interface Explanation {
  /** Instructions by what executed them; those of unconstrained blocks are not counted. */
  readonly cyclesByTier: EngineFacts['cyclesByTier']
  /** Functions, or parts of one, that the run had as WebAssembly, the largest first. */
  readonly units: readonly TranslatedUnit[]
  readonly modules: number
  readonly moduleBytes: number
  /** Of memory, what the guest used, in whole pages of 4 KiB. */
  readonly guestBytes: number
}

export interface TranslatedUnit {
  /** Where it is entered. */
  readonly pc: string
  /** The function it is, or is a part of; absent if the program has no symbols. */
  readonly function?: string
  readonly instructions: number
}

export function explain(
  facts: EngineFacts,
  guestBytes: number,
  symbols: FunctionSymbols,
): Explanation {
  const { cyclesByTier, modules, moduleBytes } = facts
  const units = facts.units
    .map(({ pc, instructions }) => {
      const symbol = symbols.indexOf(pc)
      const name = symbol < 0 ? undefined : demangle(symbols.nameOf(symbol))
      const place = `0x${pc.toString(16).padStart(8, '0')}`
      return { pc: place, ...(name !== undefined && { function: name }), instructions }
    })
    .sort((a, b) => b.instructions - a.instructions)
  return { cyclesByTier, units, modules, moduleBytes, guestBytes }
}
