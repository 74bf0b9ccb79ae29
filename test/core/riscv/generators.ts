/** What random instructions are made of. */
import fc from 'fast-check'
import type { Format, Operands } from '../../../src/core/riscv/instruction.js'
import { FIELDS, IMMEDIATE_RANGES } from '../../support/assembler.js'

const EDGES = [0, 1, 2, 31, 32, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

export const anyU32 = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: 0, max: 0xffff_ffff }))
export const anyRegister = fc.integer({ min: 0, max: 31 })

export function anyImmediate(format: Format): fc.Arbitrary<number> {
  const { min, max, step } = IMMEDIATE_RANGES[format]
  return fc.integer({ min: min / step, max: max / step }).map((steps) => step * steps)
}

/** Operands a format has, and only those. One in three uses the same register everywhere. */
export function anyOperands(format: Format): fc.Arbitrary<Partial<Operands>> {
  const apart = fc.record(
    Object.fromEntries(
      FIELDS[format].map((field) => [field, field === 'imm' ? anyImmediate(format) : anyRegister]),
    ),
  )
  const same = fc
    .tuple(apart, anyRegister)
    .map(([operands, register]) =>
      Object.fromEntries(
        Object.entries(operands).map(([field, value]) => [
          field,
          field === 'imm' ? value : register,
        ]),
      ),
    )
  return fc.oneof({ arbitrary: apart, weight: 2 }, { arbitrary: same, weight: 1 })
}
