/**
 * Verifying keys of SP1 5.2.4: chips Program and Byte, and a sum of points for the initial memory.
 *
 * Source: sp1-core-machine 5.2.4 src/program/mod.rs, src/cpu/columns/instruction.rs, src/shape/mod.rs
 * (heights); sp1-prover 5.2.4 src/types.rs `hash_babybear`.
 */
import { InputError } from '../errors.js'
import type { Program } from '../riscv/program.js'
import { BYTE } from './byte-chip.js'
import { BABYBEAR_P, rootOfUnity } from './field.js'
import { OPCODES_5_2_4 } from './opcodes.js'
import {
  bytesOf,
  type Chip,
  type Column,
  type CommittedChip,
  type DigestParts,
  type Trace,
  type VkeyRecipe,
} from './recipe.js'
import { type Sp1Instruction, transpile } from './sp1-instruction.js'

const PROGRAM: Chip = {
  name: 'Program',
  logHeights: [19, 20, 21, 22],
  rowsAre: 'code',
  trace: programTrace,
}

export const RECIPE_5_2_4: VkeyRecipe = {
  release: '5.2.4',
  chips: [PROGRAM, BYTE],
  hasImageDigest: true,
  digestInput,
}

function digestInput({ commit, pcStart, imageDigest, chips }: DigestParts): readonly number[] {
  return [...commit, pcStart, ...imageDigest, ...chips.flatMap(descriptionOf)]
}

/** The domain, the dimensions and the name, with its length. */
function descriptionOf({ name, logHeight, width }: CommittedChip): number[] {
  const height = 2 ** logHeight
  const shift = 1
  const domain = [logHeight, height, shift, Number(rootOfUnity(logHeight))]
  return [...domain, width, height, name.length, ...new TextEncoder().encode(name)]
}

/**
 * One row per instruction.
 *
 * @throws InputError `ELF_MALFORMED` there is none: padding repeats the first row, so SP1 has no key.
 */
function programTrace(program: Program): Trace {
  const instructions = transpile(program)
  if (instructions.length === 0) {
    throw new InputError('ELF_MALFORMED', { reason: 'it has no instructions' })
  }
  const of =
    (value: (instruction: Sp1Instruction) => number | boolean): Column =>
    (row) =>
      Number(value(instructions[row]))
  return {
    rows: instructions.length,
    padding: 'first row',
    columns: [
      (row) => ((program.pcBase + 4 * row) >>> 0) % BABYBEAR_P,
      of(({ operation }) => OPCODES_5_2_4[operation]),
      of(({ opA }) => opA),
      ...bytesOf((row) => instructions[row].opB),
      ...bytesOf((row) => instructions[row].opC),
      of(({ opA }) => opA === 0),
      of(({ immB }) => immB),
      of(({ immC }) => immC),
    ],
  }
}
