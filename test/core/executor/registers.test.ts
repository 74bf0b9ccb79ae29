/** In SP1 3.4.0 register n is the word at address n. */
import { describe, expect, it } from 'vitest'
import { execute } from '../../../src/core/executor/execute.js'
import { elfOf, encode, li } from '../../support/assembler.js'

const HALT = [...li(5, 0), ...li(10, 0), encode('ecall')]
const run = (...text: readonly number[]) =>
  execute(
    elfOf({ text: [...text, ...HALT] }),
    { buffers: [], deferredProofs: 0n },
    { sp1: '3.4.0' },
  )

describe('registers in memory', () => {
  it('are accessible, but no proof could show it', async () => {
    const { unprovable } = await run(
      encode('addi', { rd: 8, rs1: 0, imm: 12 }),
      encode('lw', { rd: 9, rs1: 8, imm: 8 }),
      encode('sw', { rs1: 8, rs2: 9, imm: 4 }),
    )
    expect(unprovable).toContain('addresses 0 to 31')
  })

  // SP1 panics: the access to memory has an earlier time than that to the same register.
  it.each([
    ['a load from its own base', encode('lb', { rd: 9, rs1: 8, imm: -1 })],
    ['a load from x0 by x0', encode('lw', { rd: 9, rs1: 0, imm: 0 })],
    ['a store to its own base', encode('sw', { rs1: 8, rs2: 9, imm: -4 })],
    ['a store to its own value', encode('sb', { rs1: 8, rs2: 16, imm: 5 })],
  ])('are refused: %s', async (_, word) => {
    const base = encode('addi', { rd: 8, rs1: 0, imm: 12 })
    await expect(run(base, word)).rejects.toMatchObject({
      code: 'GUEST_TRAP',
      details: { pc: 0x0020_0804, cycles: 1 },
    })
  })
})
