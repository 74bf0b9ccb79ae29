/** What a guest can make an engine do in one slice, or in all of them, has an end. */
import { describe, expect, it } from 'vitest'
import type { EngineFactory, Kernels } from '../../../../src/core/riscv/engine.js'
import { Hart } from '../../../../src/core/riscv/hart.js'
import { kernelsOf } from '../../../../src/core/syscalls/kernel-module.js'
import { SYSCALLS_3_4_0 } from '../../../../src/core/syscalls/table.js'
import { encode, li } from '../../../support/assembler.js'
import { type BareProgram, programOf } from '../../../support/bare-run.js'
import { compiledEngines, FORCED } from '../../../support/engines.js'

const DATA = 0x0030_0000
const T0 = 5
const T1 = 6
const A0 = 10
const SHA_COMPRESS = 0x0001_0106
const SLICE = 2 ** 20

/** Back by so many instructions. */
const again = (instructions: number) => encode('jal', { rd: 0, imm: -4 * instructions })
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

function begin(bare: BareProgram, create: EngineFactory, kernels?: Kernels) {
  const program = programOf(bare)
  const cycleLimit = { limit: 2 ** 31, mostCycles: 2 ** 31, holdsUnconstrained: true }
  const memory = { limitMib: 64 }
  const made = create({ program, cycleLimit, memory, ...(kernels && { kernels }) })
  const calls = { byHost: 0 }
  const ecall = () => {
    calls.byHost++
  }
  const hart = new Hart(made.memory, { ecall }, program.pcStart)
  made.memory.loadImage(program)
  return { ...made, hart, calls }
}

describe.each(compiledEngines())('a slice in $name', ({ create }) => {
  it('ends after some hundred calls of a kernel, and cycles count instructions alone', () => {
    const loop = [
      ...li(A0, DATA),
      ...li(A0 + 1, DATA + 1024),
      ...li(T0, SHA_COMPRESS),
      encode('ecall'),
    ]
    const words = [...loop, encode('jal', { rd: 0, imm: -4 })]
    const { engine, hart, calls } = begin({ words }, create, kernelsOf(SYSCALLS_3_4_0.values()))
    // The first call makes the kernels.
    engine.run(hart, 16)
    const before = engine.cycles
    const kernelCallsBefore = sum(engine.kernelCalls)
    expect(engine.run(hart, SLICE)).toBe(false)
    const kernelCalls = sum(engine.kernelCalls) - kernelCallsBefore
    expect(kernelCalls).toBeGreaterThan(100)
    expect(kernelCalls).toBeLessThan(1000)
    expect(engine.cycles - before).toBeLessThanOrEqual(2 * (kernelCalls + calls.byHost) + 2)
    expect(engine.cycles - before).toBeGreaterThanOrEqual(2 * kernelCalls - 2)
  })

  it('ends after some thousand accesses that the interpreter has to do', () => {
    const words = [encode('lw', { rd: T1, rs1: 0, imm: 8 }), again(1)]
    const { engine, hart } = begin({ words }, create)
    expect(engine.run(hart, SLICE)).toBe(false)
    expect(engine.cycles).toBeGreaterThan(1000)
    expect(engine.cycles).toBeLessThan(20_000)
  })
})

describe('translation', () => {
  it('ends when overlapping units have cost enough', () => {
    // Jumps to every place in straight code, one after the other: each gets a unit of all that follows.
    const places = 1200
    const [first, last, place] = [8, 9, T0]
    const textAddress = 0x0020_0000
    const bodyAddress = textAddress + 4 * 10
    const loop = [
      encode('addi', { rd: place, rs1: place, imm: 4 }),
      encode('bne', { rs1: place, rs2: last, imm: 8 }),
      encode('addi', { rd: place, rs1: first, imm: 0 }),
      encode('jalr', { rd: 0, rs1: place, imm: 0 }),
      ...range(places).map(() => encode('addi', { rd: T1, rs1: T1, imm: 1 })),
    ]
    const start = [
      ...[...li(first, bodyAddress), ...li(last, bodyAddress + 4 * places)],
      ...li(place, bodyAddress),
    ]
    const words = [...start, ...loop, again(loop.length)]
    const image = range(places).map((i) => [DATA + 4 * i, bodyAddress + 4 * i] as const)
    const { engine, hart } = begin({ words, textAddress, image }, FORCED.create)
    while (engine.cycles < 5 * places * places && !engine.run(hart, SLICE));
    const translated = engine.facts().units.reduce((total, unit) => total + unit.instructions, 0)
    expect(translated).toBeGreaterThan(100_000)
    expect(translated).toBeLessThan(300_000)
  })
})

function sum(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((total, count) => total + count, 0)
}
