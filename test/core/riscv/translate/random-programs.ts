/**
 * Random programs for comparing engines: branches, calls, jump tables and computed jumps to anywhere,
 * memory accesses that are mostly right, and ecalls that do what real ones may do to a hart.
 */
import fc from 'fast-check'
import { GuestError } from '../../../../src/core/errors.js'
import type { Engine, EngineFactory } from '../../../../src/core/riscv/engine.js'
import { type Environment, Hart } from '../../../../src/core/riscv/hart.js'
import type { Memory } from '../../../../src/core/riscv/memory.js'
import type { Program } from '../../../../src/core/riscv/program.js'
import { encode, li } from '../../../support/assembler.js'

export const TEXT = 0x0020_0800
const DATA = 0x0030_0000
const TABLE_WORDS = 8
const RA = 1
const S0 = 8
const A0 = 10
/** S0 points to data all the time, unless an instruction of the program changes it. */
const REGISTERS = [0, 1, 2, 5, 6, 7, 8, 10, 11, 31]

/** Some words of code; `at` gives the address of the i-th item. */
type Item = (at: (i: number) => number, here: number) => number[]

const anyRegister = fc.constantFrom(...REGISTERS)
const anyWritten = fc.constantFrom(...REGISTERS.filter((register) => register !== S0))
const anyImm = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2048, max: 2047 }))
const anyPlace = fc.nat(1000)
const LOADS = { lb: 1, lbu: 1, lh: 2, lhu: 2, lw: 4 }
const STORES = { sb: 1, sh: 2, sw: 4 }
const COMPUTATIONS = [
  ...['add', 'sub', 'sll', 'slt', 'sltu', 'xor', 'srl', 'sra', 'or', 'and'],
  ...['mul', 'mulh', 'mulhsu', 'mulhu', 'div', 'divu', 'rem', 'remu'],
]

const anyComputation: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(...COMPUTATIONS), anyWritten, anyRegister, anyRegister)
  .map(([mnemonic, rd, rs1, rs2]) => () => [encode(mnemonic, { rd, rs1, rs2 })])

const anyAddition: fc.Arbitrary<Item> = fc
  .tuple(anyWritten, anyRegister, anyImm)
  .map(([rd, rs1, imm]) => () => [encode('addi', { rd, rs1, imm })])

const anyBranch: fc.Arbitrary<Item> = fc
  .tuple(
    fc.constantFrom('beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'),
    anyRegister,
    anyRegister,
    anyPlace,
  )
  .map(([mnemonic, rs1, rs2, to]) => (at, here) => [
    encode(mnemonic, { rs1, rs2, imm: at(to) - here }),
  ])

const anyJump: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, 0, RA, RA, 5), anyPlace)
  .map(([rd, to]) => (at, here) => [encode('jal', { rd, imm: at(to) - here })])

/** auipc and jalr, as compilers write calls. */
const anyFarCall: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, RA), anyPlace)
  .map(([rd, to]) => (at, here) => {
    const distance = at(to) - here
    const low = (distance << 20) >> 20
    return [
      encode('auipc', { rd: 6, imm: (distance - low) | 0 }),
      encode('jalr', { rd, rs1: 6, imm: low }),
    ]
  })

/** To an address in a register: mostly that of an item, now and then one in the middle of a word. */
const anyComputedJump: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, RA, 7), anyPlace, fc.constantFrom(0, 0, 0, 0, 0, 4, 2, 1))
  .map(([rd, to, more]) => (at) => [
    ...li(7, at(to) + more),
    encode('jalr', { rd, rs1: 7, imm: 0 }),
  ])

const anyTableJump: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, 0, RA), fc.nat(TABLE_WORDS - 1))
  .map(([rd, entry]) => () => [
    encode('lw', { rd: 7, rs1: S0, imm: 4 * entry }),
    encode('jalr', { rd, rs1: 7, imm: 0 }),
  ])

const anyReturn: fc.Arbitrary<Item> = fc.constant(() => [
  encode('jalr', { rs1: RA, rd: 0, imm: 0 }),
])

const anyOffset = (bytes: number) =>
  fc.oneof(
    {
      arbitrary: fc
        .integer({ min: TABLE_WORDS, max: 40 })
        .map((n) => 4 * n + (4 % (4 + bytes)) - 4),
      weight: 12,
    },
    { arbitrary: fc.integer({ min: 32, max: 100 }), weight: 1 },
    { arbitrary: fc.integer({ min: -64, max: -1 }).map((n) => 4 * n), weight: 3 },
  )

const anyAccess = (mnemonics: Readonly<Record<string, number>>): fc.Arbitrary<Item> =>
  fc.constantFrom(...Object.entries(mnemonics)).chain(([mnemonic, bytes]) =>
    fc
      .tuple(
        fc.oneof({ arbitrary: fc.constant(S0), weight: 20 }, { arbitrary: anyRegister, weight: 1 }),
        anyWritten,
        anyOffset(bytes),
      )
      .map(([rs1, other, imm]) => () => [
        encode(mnemonic, mnemonic in STORES ? { rs1, rs2: other, imm } : { rs1, rd: other, imm }),
      ]),
  )

const anyTrap: fc.Arbitrary<Item> = fc.constantFrom('ebreak', 'mret').map((m) => () => [encode(m)])

const anyEcall: fc.Arbitrary<Item> = fc
  .option(fc.nat(9))
  .map((call) => () => [
    ...(call === null ? [] : [encode('addi', { rd: A0, rs1: 0, imm: call })]),
    encode('ecall'),
  ])

const anyItem = fc.oneof(
  { arbitrary: anyComputation, weight: 6 },
  { arbitrary: anyAddition, weight: 8 },
  { arbitrary: anyBranch, weight: 8 },
  { arbitrary: anyJump, weight: 3 },
  { arbitrary: anyFarCall, weight: 2 },
  { arbitrary: anyComputedJump, weight: 1 },
  { arbitrary: anyTableJump, weight: 1 },
  { arbitrary: anyReturn, weight: 2 },
  { arbitrary: anyAccess(LOADS), weight: 4 },
  { arbitrary: anyAccess(STORES), weight: 4 },
  { arbitrary: anyEcall, weight: 1 },
  { arbitrary: anyTrap, weight: 1 },
)

/** Where control goes is all that such a program is about. */
const anyControlItem = fc.oneof(
  { arbitrary: anyAddition, weight: 3 },
  { arbitrary: anyBranch, weight: 6 },
  { arbitrary: anyJump, weight: 1 },
  { arbitrary: anyTableJump, weight: 1 },
)

export interface RandomProgram {
  readonly program: Program
  readonly cycleLimit: number
  readonly sliceCycles: number
}

export const anyProgram: fc.Arbitrary<RandomProgram> = fc
  .record({
    items: fc.oneof(
      fc.array(anyItem, { minLength: 1, maxLength: 60 }),
      fc.array(anyControlItem, { minLength: 4, maxLength: 25 }),
    ),
    table: fc.array(anyPlace, { minLength: TABLE_WORDS, maxLength: TABLE_WORDS }),
    cycleLimit: fc.oneof(fc.nat(200), fc.constant(20_000)),
    sliceCycles: fc.constantFrom(1, 7, 100, 9000, 100_000),
  })
  .map(({ items, table, cycleLimit, sliceCycles }) => ({
    program: assemble(items, table),
    cycleLimit: cycleLimit + 1,
    sliceCycles,
  }))

function assemble(items: readonly Item[], table: readonly number[]): Program {
  const prologue = [...li(S0, DATA), encode('addi', { rd: RA, rs1: 0, imm: 0 })]
  const sizes = items.map((item) => item(() => TEXT, TEXT).length)
  const addresses: number[] = []
  let end = TEXT + 4 * prologue.length
  for (const size of sizes) {
    addresses.push(end)
    end += 4 * size
  }
  const at = (i: number) => addresses[i % addresses.length] as number
  const words = [...prologue, ...items.flatMap((item, i) => item(at, at(i)))]
  return {
    instructionWords: Uint32Array.from(words),
    pcStart: TEXT,
    pcBase: TEXT,
    imageAddresses: Uint32Array.from(table, (_, i) => DATA + 4 * i),
    imageWords: Uint32Array.from(table, (i) => at(i)),
  }
}

/** Does to the hart, by the number in a0, what syscalls of SP1 may do. */
class Host implements Environment {
  engine: Engine | undefined
  readonly log: unknown[] = []
  #fork: { pc: number; cycles: number; registers: Uint32Array } | undefined

  ecall(hart: Hart): void {
    const { memory } = hart
    const engine = this.engine as Engine
    this.log.push([hart.pc, engine.cycles, ...hart.x])
    switch (hart.x[A0]) {
      case 0:
        hart.nextPc = 0
        break
      case 1:
        throw new GuestError('GUEST_EXIT', { exitCode: 1 })
      case 2: // a precompile may write where SP1 keeps registers, x0 included
        memory.writeWord(0, 5)
        break
      case 3:
        memory.hintWord(DATA + 4 * (this.log.length % 40), 0x1234_5678)
        break
      case 4:
        if (this.#fork !== undefined) break
        this.#fork = { pc: hart.pc, cycles: engine.cycles, registers: hart.x.slice() }
        memory.beginUndo()
        hart.setX(A0, 9)
        break
      case 5:
        if (this.#fork === undefined) break
        memory.rollBack()
        hart.x.set(this.#fork.registers)
        hart.nextPc = (this.#fork.pc + 4) >>> 0
        engine.cycles = this.#fork.cycles
        this.#fork = undefined
        break
      default:
        hart.setX(A0, Math.imul(hart.x[A0] as number, 3) + 1)
    }
  }
}

/** Everything about a run that another engine must do the same. */
export function outcomeOf(random: RandomProgram, createEngine: EngineFactory) {
  const { program, cycleLimit, sliceCycles } = random
  const { engine, memory } = createEngine({
    program,
    cycleLimit: { limit: cycleLimit, mostCycles: cycleLimit - 1, holdsUnconstrained: true },
    memory: { limitMib: 4 },
  })
  const host = new Host()
  const hart = new Hart(memory, host, program.pcStart)
  host.engine = engine
  memory.loadImage(program)
  const error = errorOf(() => {
    while (!engine.run(hart, sliceCycles));
  })
  return {
    error,
    pc: hart.pc,
    cycles: engine.cycles,
    registers: [...hart.x],
    visits: [...Array.from(engine.visits)],
    unprovable: hart.unprovable,
    log: host.log,
    memory: memoryOf(memory),
  }
}

function errorOf(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof GuestError) return [error.code, error.details]
    throw error
  }
}

function memoryOf(memory: Memory): { words: number[]; used: number[] } {
  const { guestOffset, usedOffset } = memory.layout
  const start = DATA - 256
  return {
    words: [...new Uint32Array(memory.buffer, guestOffset + start, 256)],
    used: [...new Uint8Array(memory.buffer, usedOffset + start / 4, 256)],
  }
}
