import { beforeEach, describe, expect, it } from 'vitest'
import { MEMORY_END, Memory } from '../../../src/core/riscv/memory.js'

const ADDRESS = 0x0040_0000

let memory: Memory
let unprovable: string[]
beforeEach(() => {
  memory = new Memory({ limitMib: 8 })
  unprovable = []
  memory.onUnprovable = (reason) => unprovable.push(reason)
})

describe('words', () => {
  it('are little-endian, and zero until they are written', () => {
    expect(memory.loadWord(ADDRESS)).toBe(0)
    memory.storeWord(ADDRESS, 0x8142_2418)
    expect([0, 1, 2, 3].map((i) => memory.loadByte(ADDRESS + i))).toEqual([0x18, 0x24, 0x42, 0x81])
    expect(memory.loadHalf(ADDRESS + 2, 'lhu')).toBe(0x8142)
    memory.storeByte(ADDRESS + 3, 0x1ff)
    memory.storeHalf(ADDRESS, 0xabcd)
    expect(memory.loadWord(ADDRESS)).toBe(0xff42_abcd)
    expect(unprovable).toEqual([])
  })

  it('are found by any address in them where a precompile asks', () => {
    memory.writeWord(ADDRESS, 7)
    expect(memory.readWord(ADDRESS + 3)).toBe(7)
  })
})

describe('what the guest has of memory', () => {
  const PAGE_BYTES = 4096
  const imageOf = (...imageAddresses: number[]) => ({
    ...{ instructionWords: Uint32Array.of(), pcBase: 0, pcStart: 0 },
    ...{ imageAddresses: Uint32Array.from(imageAddresses), imageWords: new Uint32Array(2) },
  })

  it('are pages with words in use, whatever is in them', () => {
    expect(memory.usedBytes).toBe(0)
    memory.loadImage(imageOf(ADDRESS, ADDRESS + 4))
    memory.loadWord(ADDRESS + PAGE_BYTES - 4)
    expect(memory.usedBytes).toBe(PAGE_BYTES)
    memory.storeByte(ADDRESS + PAGE_BYTES, 1)
    expect(memory.usedBytes).toBe(2 * PAGE_BYTES)
    // Beyond what is laid out at first.
    memory.loadWord(0x7f_0000)
    expect(memory.usedBytes).toBe(3 * PAGE_BYTES)
    memory.clear()
    expect(memory.usedBytes).toBe(0)
  })

  it('are pages with hints, too', () => {
    memory.hintWords(ADDRESS, Uint32Array.of(1, 2))
    expect(memory.usedBytes).toBe(PAGE_BYTES)
    memory.loadWord(ADDRESS)
    expect(memory.usedBytes).toBe(PAGE_BYTES)
  })

  it('is not what was only looked at, nor registers', () => {
    memory.peekBytes(ADDRESS, 8)
    memory.storeWord(8, 1)
    expect(memory.usedBytes).toBe(0)
  })
})

describe('addresses 0 to 31', () => {
  it('are the registers', () => {
    memory.registers[8] = 0x1234_5678
    expect(memory.loadWord(8)).toBe(0x1234_5678)
    expect(memory.loadByte(9)).toBe(0x56)
    memory.storeHalf(10, 0xffff)
    expect(memory.registers[8]).toBe(0xffff_5678)
    expect(unprovable.length).toBeGreaterThan(0)
  })

  it('are found without rounding where a precompile asks', () => {
    memory.registers[5] = 55
    expect(memory.readWord(5)).toBe(55)
  })
})

describe('hints', () => {
  it('are what a word is when it is first used', () => {
    expect(memory.hintWord(ADDRESS, 9)).toBe(true)
    expect(memory.loadWord(ADDRESS)).toBe(9)
    expect(unprovable).toEqual([])
  })

  it('cannot be given twice', () => {
    memory.hintWord(ADDRESS, 9)
    expect(memory.hintWord(ADDRESS, 9)).toBe(false)
  })

  it('do not change a word that is in use, and that is not provable', () => {
    memory.loadWord(ADDRESS)
    expect(memory.hintWord(ADDRESS, 9)).toBe(true)
    expect(memory.loadWord(ADDRESS)).toBe(0)
    expect(unprovable).toHaveLength(1)
  })

  it('read as zero for WRITE until the word is used', () => {
    memory.hintWord(ADDRESS, 0x0403_0201)
    expect([...memory.peekBytes(ADDRESS, 4)]).toEqual([0, 0, 0, 0])
    memory.loadByte(ADDRESS)
    expect([...memory.peekBytes(ADDRESS + 1, 4)]).toEqual([2, 3, 4, 0])
  })

  it('lose what a partial store leaves alone, and that is not provable', () => {
    memory.hintWord(ADDRESS, 0x0403_0201)
    memory.storeByte(ADDRESS, 0xff)
    expect(memory.loadWord(ADDRESS)).toBe(0xff)
    expect(unprovable).toHaveLength(1)
  })

  it('are replaced by a whole store, which is provable', () => {
    memory.hintWord(ADDRESS, 0x0403_0201)
    memory.storeWord(ADDRESS, 5)
    expect(memory.loadWord(ADDRESS)).toBe(5)
    expect(unprovable).toEqual([])
  })

  it('cannot be read into registers', () => {
    expect(() => memory.hintWord(4, 1)).toThrow(expect.objectContaining({ code: 'UNPROVABLE' }))
  })
})

describe('roll-back', () => {
  it('restores words and forgets their use, on every page', () => {
    const addresses = [ADDRESS, ADDRESS + 4096, ADDRESS + 8192]
    memory.storeWord(ADDRESS, 1)
    memory.hintWord(ADDRESS + 4096, 2)
    memory.beginUndo()
    for (const address of addresses) {
      memory.loadWord(address)
      memory.storeWord(address, 99)
    }
    memory.rollBack()
    expect([...memory.peekBytes(ADDRESS + 4096, 1)]).toEqual([0])
    expect(addresses.map((address) => memory.loadWord(address))).toEqual([1, 2, 0])
    expect(memory.isRecordingUndo).toBe(false)
  })
})

describe('limits', () => {
  it('end the address space where they say', () => {
    const end = 8 * 2 ** 20
    memory.storeWord(end - 4, 1)
    expect(() => memory.loadWord(end)).toThrow(
      expect.objectContaining({
        code: 'MEMORY_LIMIT',
        details: { limitMib: 8, address: '0x800000' },
      }),
    )
    expect(() => memory.loadByte(-1)).toThrow(expect.objectContaining({ code: 'MEMORY_LIMIT' }))
  })

  it('by default reach as far as SP1’s executor, which is further than its proofs', () => {
    const whole = new Memory({ limitMib: 1920 })
    const reasons: string[] = []
    whole.onUnprovable = (reason) => reasons.push(reason)
    whole.storeWord(MEMORY_END - 4, 1)
    expect(reasons).toEqual([])
    whole.storeWord(MEMORY_END, 1)
    whole.storeWord(0x7801_ff9c, 1)
    expect(reasons).toHaveLength(2)
    expect(() => whole.storeWord(0x7801_ffa0, 1)).toThrow(
      expect.objectContaining({ code: 'MEMORY_OUT_OF_RANGE', exitCode: 3 }),
    )
  })
})
