/**
 * Which engine runs a guest, and what is kept of translated programs between runs: those used last, up
 * to a size.
 */
import { compiled } from '../riscv/compiled-engine.js'
import type { EngineFactory } from '../riscv/engine.js'
import { interpret } from '../riscv/interpreter.js'
import type { Isa } from '../riscv/isa.js'
import type { Program } from '../riscv/program.js'
import { CompiledProgram } from '../riscv/translate/compiled-program.js'

/** auto: interpret first, and compile what is hot. compiled: compile all functions first. */
export const ENGINES = ['auto', 'compiled', 'interpreter'] as const
export type EngineName = (typeof ENGINES)[number]

/** Interpreting an instruction this often takes as long as compiling it. */
const AUTO_THRESHOLD = Number(process.env.T ?? 1000)

/** @param hasVisits - count how often each instruction runs. */
export function engineOf(name: EngineName, hasVisits: boolean): EngineFactory {
  if (name === 'interpreter') return interpret
  const threshold = name === 'auto' ? AUTO_THRESHOLD : 0
  return compiled({ threshold, hasVisits, programOf: (p, i) => programOf(name, p, i) })
}
let kept: {name: string, program: Program, compiled: CompiledProgram} | undefined
function programOf(name: string, program: Program, isa?: Isa) {
  const same = kept !== undefined && kept.name === name && kept.program.instructionWords.length === program.instructionWords.length && kept.program.instructionWords.every((w, i) => w === program.instructionWords[i])
  if (!same) kept = { name, program, compiled: new CompiledProgram(program, isa) }
  return kept!.compiled
}
