/**
 * Verifying keys of SP1 3.4.0: chips Program, MemoryProgram and Byte.
 *
 * Source: sp1-core-machine 3.4.0 src/program/mod.rs, src/cpu/columns/{instruction,opcode}.rs,
 * src/memory/program.rs, src/riscv/shape.rs (heights); sp1-prover 3.4.0 src/types.rs
 * `hash_babybear`.
 */
import type { Program } from '../riscv/program.js'
import { BYTE } from './byte-chip.js'
import { BABYBEAR_P, rootOfUnity } from './field.js'
import { OPCODES_3_4_0, type Operation } from './opcodes.js'
import {
  bytesOf,
  type Chip,
  type Column,
  type DigestParts,
  type Trace,
  type VkeyRecipe,
} from './recipe.js'
import { type Sp1Instruction, transpile } from './sp1-instruction.js'

const PROGRAM_LOG_HEIGHTS = [19, 20, 21, 22]

const PROGRAM: Chip = {
  name: 'Program',
  logHeights: PROGRAM_LOG_HEIGHTS,
  rowsAre: 'code',
  trace: programTrace,
}

const MEMORY_PROGRAM: Chip = {
  name: 'MemoryProgram',
  logHeights: PROGRAM_LOG_HEIGHTS,
  rowsAre: 'initial memory',
  trace: memoryTrace,
}

export const RECIPE_3_4_0: VkeyRecipe = {
  release: '3.4.0',
  chips: [PROGRAM, MEMORY_PROGRAM, BYTE],
  hasImageDigest: false,
  digestInput,
}

function digestInput({ commit, pcStart, chips }: DigestParts): readonly number[] {
  const domains = chips.flatMap(({ logHeight }) => {
    const shift = 1
    return [logHeight, 2 ** logHeight, shift, Number(rootOfUnity(logHeight))]
  })
  return [...commit, pcStart, ...domains]
}

/** One row per instruction, with its pc and the selectors of what it does. */
function programTrace(program: Program): Trace {
  const instructions = transpile(program)
  const of =
    (value: (instruction: Sp1Instruction) => number | boolean): Column =>
    (row) =>
      Number(value(instructions[row]))
  const is = (name: Operation) => of(({ operation }) => operation === name)
  return {
    rows: instructions.length,
    padding: 'zeroes',
    columns: [
      (row) => ((program.pcBase + 4 * row) >>> 0) % BABYBEAR_P,
      of(({ operation }) => OPCODES_3_4_0[operation]),
      ...bytesOf((row) => instructions[row].opA),
      ...bytesOf((row) => instructions[row].opB),
      ...bytesOf((row) => instructions[row].opC),
      of(({ opA }) => opA === 0),
      of(({ immB }) => immB),
      of(({ immC }) => immC),
      of(({ operation }) => ALU.has(operation)),
      is('ecall'),
      is('lb'),
      is('lbu'),
      is('lh'),
      is('lhu'),
      is('lw'),
      is('sb'),
      is('sh'),
      is('sw'),
      is('beq'),
      is('bne'),
      is('blt'),
      is('bge'),
      is('bltu'),
      is('bgeu'),
      is('jalr'),
      is('jal'),
      is('auipc'),
      is('unimp'),
    ],
  }
}

const ALU: ReadonlySet<Operation> = new Set([
  ...(['add', 'sub', 'xor', 'or', 'and', 'sll', 'srl', 'sra', 'slt', 'sltu'] as const),
  ...(['mul', 'mulh', 'mulhu', 'mulhsu', 'div', 'divu', 'rem', 'remu'] as const),
])

/** One row per word of the initial memory. */
function memoryTrace({ imageAddresses, imageWords }: Program): Trace {
  return {
    rows: imageAddresses.length,
    padding: 'zeroes',
    columns: [
      (row) => imageAddresses[row] % BABYBEAR_P,
      ...bytesOf((row) => imageWords[row]),
      () => 1, // the row is real, not padding
    ],
  }
}
