import { describe, expect, it } from 'vitest'
import { engineOf } from '../../../src/core/executor/engines.js'
import { ProgramCache } from '../../../src/core/executor/program-cache.js'
import { elfOf, encode } from '../../support/assembler.js'

const CHOICE = { sp1: '3.4.0' }
const ELF_WORDS = 1000
/** Its words, and their addresses in the image. */
const ELF_BYTES = 3 * 4 * ELF_WORDS

/** A program of its own for each number. */
function elf(number: number): Uint8Array {
  const text = Array.from({ length: ELF_WORDS }, () =>
    encode('addi', { rd: 5, rs1: 5, imm: number }),
  )
  return elfOf({ text })
}

describe('programs that were run lately', () => {
  it('are there again, as the release they were asked for', () => {
    const cache = new ProgramCache(10 * ELF_BYTES)
    const loaded = cache.load(elf(1), CHOICE)
    expect(cache.load(elf(1), CHOICE)).toBe(loaded)
    expect(cache.load(elf(1), { sp1: '5.2.4' })).not.toBe(loaded)
    expect(cache.load(elf(2), CHOICE).elfHash).not.toBe(loaded.elfHash)
  })

  it('leave in the order in which they were used, when there are too many', () => {
    const cache = new ProgramCache(2 * ELF_BYTES)
    const [first, second] = [cache.load(elf(1), CHOICE), cache.load(elf(2), CHOICE)]
    cache.load(elf(1), CHOICE)
    cache.load(elf(3), CHOICE)
    expect(cache.sizeBytes).toBe(2 * ELF_BYTES)
    expect(cache.load(elf(1), CHOICE)).toBe(first)
    expect(cache.load(elf(2), CHOICE)).not.toBe(second)
  })

  it('are kept one at a time, if one alone is too large', () => {
    const cache = new ProgramCache(1)
    const loaded = cache.load(elf(1), CHOICE)
    expect(cache.load(elf(1), CHOICE)).toBe(loaded)
    cache.load(elf(2), CHOICE)
    expect(cache.sizeBytes).toBe(ELF_BYTES)
  })

  it('count the memory of engines that wait for another run', () => {
    const cache = new ProgramCache(2 ** 30)
    const loaded = cache.load(elf(1), CHOICE)
    const { program } = loaded
    const createEngine = engineOf('auto', { loaded, hasVisits: false, now: () => 0 })
    const cycleLimit = { limit: 1, mostCycles: 1, holdsUnconstrained: true }
    const begin = () => createEngine({ program, cycleLimit, memory: { limitMib: 8 } })
    const { engine, memory } = begin()
    const running = cache.sizeBytes
    engine.release()
    expect(cache.sizeBytes).toBe(running + memory.buffer.byteLength)
    expect(begin().engine).toBe(engine)
    expect(cache.sizeBytes).toBe(running)
  })
})
