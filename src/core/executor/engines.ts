/**
 * Which engine runs a guest, and what is kept of translated programs between runs: those used last, up
 * to a size.
 */
import { compiled } from '../riscv/compiled-engine.js'
import type { EngineFactory } from '../riscv/engine.js'
import { interpret } from '../riscv/interpreter.js'
import type { Program } from '../riscv/program.js'
import type { Target } from '../riscv/translate/emitter.js'
import { Translation } from '../riscv/translate/translation.js'

/** auto: interpret first, and compile what is hot. compiled: compile all functions first. */
export const ENGINES = ['auto', 'compiled', 'interpreter'] as const
export type EngineName = (typeof ENGINES)[number]

/** Interpreting an instruction this often takes as long as compiling it. */
const AUTO_THRESHOLD = 200
/** Of all programs that are kept: instructions, weighted by the bytes each takes in memory. */
const MAX_KEPT_BYTES = 256 * 2 ** 20
const BYTES_PER_INSTRUCTION = 160

interface Kept {
  readonly name: EngineName
  readonly program: Program
  readonly target: Target
  readonly translation: Translation
}

/** The one used last is the last. */
let kept: readonly Kept[] = []

/** @param hasVisits - count how often each instruction runs. */
export function engineOf(name: EngineName, hasVisits: boolean): EngineFactory {
  if (name === 'interpreter') return interpret
  const threshold = name === 'auto' ? AUTO_THRESHOLD : 0
  const translationOf = (program: Program, target: Target) => translation(name, program, target)
  return compiled({ threshold, hasVisits, translationOf })
}

function translation(name: EngineName, program: Program, target: Target): Translation {
  const found = kept.find(
    (one) =>
      one.name === name && isSameTarget(one.target, target) && isSameCode(one.program, program),
  )
  const used = found ?? { name, program, target, translation: new Translation(program, target) }
  kept = [...kept.filter((one) => one !== used), used]
  let bytes = kept.reduce((sum, one) => sum + sizeOf(one.translation), 0)
  while (bytes > MAX_KEPT_BYTES && kept.length > 1) {
    bytes -= sizeOf(kept[0].translation)
    kept = kept.slice(1)
  }
  return used.translation
}

function isSameTarget(a: Target, b: Target): boolean {
  return (
    a.hasCounts === b.hasCounts &&
    a.ordinaryEndBytes === b.ordinaryEndBytes &&
    a.layout.totalBytes === b.layout.totalBytes
  )
}

/** Data that points into code makes units better or worse, not right or wrong. */
function isSameCode(a: Program, b: Program): boolean {
  return (
    a.pcBase === b.pcBase &&
    a.instructionWords.length === b.instructionWords.length &&
    a.instructionWords.every((word, i) => word === b.instructionWords[i])
  )
}

/** What the host makes of a module takes about as much again, several times. */
function sizeOf({ instructions, moduleBytes }: Translation): number {
  return BYTES_PER_INSTRUCTION * instructions.length + 8 * moduleBytes
}
