/**
 * Programs whose shape is hard on a translator: what is written by nesting, by tables or by walking over
 * the program must neither fail nor take time without bounds.
 */
import { describe, expect, it } from 'vitest'
import { MAX_MEMORY_MIB } from '../../../../src/core/riscv/memory.js'
import { encode, li, TEXT_ADDRESS } from '../../../support/assembler.js'
import { type BareProgram, outcomeOf } from '../../../support/bare-run.js'
import { compiledEngines, INTERPRETER } from '../../../support/engines.js'

const DATA = 0x0030_0000
const MIB = 2 ** 20
const RA = 1
const T1 = 6
const S0 = 8

const ret = encode('jalr', { rd: 0, rs1: RA, imm: 0 })
const end = encode('ecall')
const load = (mnemonic: string, imm: number) => encode(mnemonic, { rd: T1, rs1: S0, imm })
/** Data that points to instructions. */
const pointers = (indices: readonly number[]) =>
  indices.map((index, i) => [DATA + 4 * i, TEXT_ADDRESS + 4 * index] as const)
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** `count` branches, each taken to the next, with a function of one instruction between them. */
function branchChain(count: number): BareProgram {
  const chain = range(count).flatMap(() => [encode('beq', { rs1: 0, rs2: 0, imm: 8 }), ret])
  const calls = range(count).map((i) => {
    const from = chain.length + 1 + i
    return encode('jal', { rd: RA, imm: 4 * (2 * i + 1 - from) })
  })
  return { words: [...chain, end, ...calls] }
}

const start = [...li(T1, TEXT_ADDRESS + 12), encode('jalr', { rd: 0, rs1: T1, imm: 0 })]

/** Computed jumps, each to the next, and data that points to all of them. */
function jumpField(count: number): BareProgram {
  const field = range(count).map(() => encode('jalr', { rd: 0, rs1: T1, imm: 4 }))
  const targets = range(count).map((i) => start.length + i)
  return { words: [...start, ...field, end], image: pointers(targets), cycleLimit: 20_000 }
}

/** One computed jump, and places far apart that it may lead to. */
function sparseTable(count: number): BareProgram {
  const gap = 15
  const places = range(count).flatMap(() => [ret, ...range(gap).map(() => end)])
  const targets = range(count).map((i) => start.length + i * (1 + gap))
  return { words: [...start, ...places], image: pointers(targets) }
}

/** Doubles an address from 1 MiB on, and adds to the words there, by loads and stores of some width. */
function growing(width: 'b' | 'h' | 'w', limitMib: number): BareProgram {
  const body = [
    encode(`l${width}`, { rd: T1, rs1: S0, imm: 0 }),
    encode('add', { rd: T1, rs1: T1, rs2: S0 }),
    encode('addi', { rd: T1, rs1: T1, imm: 77 }),
    encode(`s${width}`, { rs1: S0, rs2: T1, imm: 0 }),
    encode(`l${width}`, { rd: 7, rs1: S0, imm: 0 }),
    encode('add', { rd: S0, rs1: S0, rs2: S0 }),
  ]
  const back = encode('bne', { rs1: S0, rs2: 0, imm: -4 * body.length })
  return { words: [...li(S0, MIB), ...body, back, end], limitMib }
}

/** Two loops through a function, by either register for return addresses, as long as there is fuel. */
function lowCode(textAddress: number): BareProgram {
  const words = [
    encode('addi', { rd: 9, rs1: 0, imm: 100 }),
    encode('jal', { rd: RA, imm: 20 }),
    encode('jal', { rd: 5, imm: 24 }),
    encode('addi', { rd: 9, rs1: 9, imm: -1 }),
    encode('bne', { rs1: 9, rs2: 0, imm: -12 }),
    end,
    encode('addi', { rd: 10, rs1: 10, imm: 3 }),
    ret,
    encode('addi', { rd: 11, rs1: 11, imm: 5 }),
    encode('jalr', { rd: 0, rs1: 5, imm: 0 }),
  ]
  return { words, textAddress }
}

const PROGRAMS: Readonly<Record<string, BareProgram>> = {
  'a load that an earlier load makes impossible, and a later one would make right': {
    words: [...li(S0, DATA), load('lw', 0), load('lh', 1), load('lw', 4), end],
  },
  'the same with two loads of two bytes': {
    words: [...li(S0, DATA), load('lh', 0), load('lh', 1), load('lw', 0), end],
  },
  'the same with stores': {
    words: [
      ...li(S0, DATA),
      ...[2, 5, 8].map((imm) => encode('sh', { rs1: S0, rs2: S0, imm })),
      encode('sw', { rs1: S0, rs2: S0, imm: 12 }),
      end,
    ],
  },
  'taken branches, thousands deep': branchChain(4000),
  'thousands of computed jumps to thousands of places': jumpField(4000),
  'a jump table that is larger than WebAssembly has them': sparseTable(8000),
  'bytes in memory that grows to all there is': growing('b', MAX_MEMORY_MIB),
  'halves in memory that grows up to a limit': growing('h', 600),
  'words in memory that grows up to a limit': growing('w', 33),
  'code above the registers': lowCode(0x20),
  'code in the first page': lowCode(0x1000 - 20),
  'code where a run ends': lowCode(0),
  'code at the end of memory': lowCode(0x7800_0000 - 40),
  'a fault at every instruction of a long piece of straight code': {
    words: [...range(100_000).map(() => encode('lw', { rd: T1, rs1: 0, imm: 8 })), end],
  },
}

describe('hard shapes', () => {
  describe.each(Object.entries(PROGRAMS))('%s', (_name, program) => {
    const expected = outcomeOf(program, INTERPRETER.create)

    it.each(compiledEngines())('$name', ({ create }) => {
      expect(outcomeOf(program, create)).toEqual(expected)
    })
  })
})
