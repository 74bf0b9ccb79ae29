/**
 * Verifying keys of SP1 3.4.0: chips Program, MemoryProgram and Byte.
 *
 * Source: sp1-core-machine 3.4.0 src/program/mod.rs, src/cpu/columns/{instruction,opcode}.rs,
 * src/memory/program.rs, src/bytes/{mod,columns}.rs, src/riscv/shape.rs (heights); sp1-prover 3.4.0
 * src/types.rs `hash_babybear`.
 */
import type { Program } from '../riscv/program.js'
import { BABYBEAR_P, rootOfUnity } from './field.js'
import type { Chip, Column, DigestParts, Trace, VkeyRecipe } from './recipe.js'
import { SP1_OPCODES, type Sp1Instruction, transpile } from './sp1-instruction.js'

const PROGRAM_LOG_HEIGHTS = [19, 20, 21, 22]
const BYTE_LOG_HEIGHT = 16

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

const BYTE: Chip = {
  name: 'Byte',
  logHeights: [BYTE_LOG_HEIGHT],
  rowsAre: 'byte table',
  trace: byteTrace,
}

export const RECIPE_3_4_0: VkeyRecipe = {
  release: '3.4.0',
  chips: [PROGRAM, MEMORY_PROGRAM, BYTE],
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
  const isOneOf = (...opcodes: readonly number[]) => of(({ opcode }) => opcodes.includes(opcode))
  const o = SP1_OPCODES
  return {
    rows: instructions.length,
    columns: [
      (row) => ((program.pcBase + 4 * row) >>> 0) % BABYBEAR_P,
      of(({ opcode }) => opcode),
      ...bytesOf((row) => instructions[row].opA),
      ...bytesOf((row) => instructions[row].opB),
      ...bytesOf((row) => instructions[row].opC),
      of(({ opA }) => opA === 0),
      of(({ immB }) => immB),
      of(({ immC }) => immC),
      of(({ opcode }) => isAlu(opcode)),
      isOneOf(o.ecall),
      isOneOf(o.lb),
      isOneOf(o.lbu),
      isOneOf(o.lh),
      isOneOf(o.lhu),
      isOneOf(o.lw),
      isOneOf(o.sb),
      isOneOf(o.sh),
      isOneOf(o.sw),
      isOneOf(o.beq),
      isOneOf(o.bne),
      isOneOf(o.blt),
      isOneOf(o.bge),
      isOneOf(o.bltu),
      isOneOf(o.bgeu),
      isOneOf(o.jalr),
      isOneOf(o.jal),
      isOneOf(o.auipc),
      isOneOf(o.unimp),
    ],
  }
}

function isAlu(opcode: number): boolean {
  return opcode <= SP1_OPCODES.sltu || (opcode >= SP1_OPCODES.mul && opcode <= SP1_OPCODES.remu)
}

/** One row per word of the initial memory. */
function memoryTrace({ imageAddresses, imageWords }: Program): Trace {
  return {
    rows: imageAddresses.length,
    columns: [
      (row) => imageAddresses[row] % BABYBEAR_P,
      ...bytesOf((row) => imageWords[row]),
      () => 1, // the row is real, not padding
    ],
  }
}

/** The bytes of a u32, least significant first. */
function bytesOf(word: (row: number) => number): Column[] {
  return [0, 8, 16, 24].map((shift) => (row: number) => (word(row) >>> shift) & 0xff)
}

/** Every pair of bytes b, c with what the byte operations make of it; the same for every program. */
function byteTrace(): Trace {
  const of =
    (value: (b: number, c: number) => number): Column =>
    (row) =>
      value(row >> 8, row & 0xff)
  return {
    rows: 2 ** 16,
    columns: [
      of((b) => b),
      of((_, c) => c),
      of((b, c) => b & c),
      of((b, c) => b | c),
      of((b, c) => b ^ c),
      of((b, c) => (b << (c & 7)) & 0xff),
      of((b, c) => b >> (c & 7)),
      of((b, c) => b & ((1 << (c & 7)) - 1)), // what the shift to the right drops
      of((b, c) => Number(b < c)),
      of((b) => b >> 7),
      of((b, c) => 256 * b + c),
    ],
  }
}
