/** Precompiles after a guest's memory was laid out anew: what they know of it must be the new layout. */
import { describe, expect, it } from 'vitest'
import { SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { compiledEngines, INTERPRETER } from '../../support/engines.js'
import { beginRun, finishRun } from '../../support/guest-run.js'

const MIB = 2 ** 20
const [T0, T1, A0] = [5, 6, 10]
const DATA = 0x0030_0000
const KECCAK_PERMUTE = 0x00_01_01_09
const HALT = 0
/** Where marks of DATA were before the first window of 4 MiB grew: guest memory after that. */
const OLD_MARKS = 4 * MIB + DATA / 4

const call = (code: number, ...args: readonly number[]) => [
  ...li(T0, code),
  ...args.flatMap((arg, i) => li(A0 + i, arg)),
  encode('ecall'),
]
const load = (address: number) => [...li(T1, address), encode('lw', { rd: 7, rs1: T1, imm: 0 })]

const TEXT = [
  ...call(KECCAK_PERMUTE, DATA, 0),
  ...load(5 * MIB),
  ...call(KECCAK_PERMUTE, DATA, 0),
  ...load(OLD_MARKS),
  ...call(HALT, 0),
]

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  const guest = { elf: elfOf({ text: TEXT }), sp1 }
  const expected = finishRun(beginRun(guest, INTERPRETER.create))

  it.each(compiledEngines())('$name', ({ create }) => {
    expect(finishRun(beginRun(guest, create))).toEqual(expected)
  })
})
