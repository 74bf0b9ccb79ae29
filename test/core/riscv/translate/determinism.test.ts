/** The same program gives the same modules, byte for byte; and so does the build. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromBase64 } from '../../../../src/core/bytes.js'
import { parseStdin } from '../../../../src/core/executor/stdin.js'
import { Code } from '../../../../src/core/riscv/code.js'
import { compiled } from '../../../../src/core/riscv/compiled-engine.js'
import { RV32IM_ISA } from '../../../../src/core/riscv/decode.js'
import { parseElf } from '../../../../src/core/riscv/elf.js'
import { Memory } from '../../../../src/core/riscv/memory.js'
import { FIRST_UNIT_SLOT } from '../../../../src/core/riscv/memory-layout.js'
import { STEPPER_RV32IM_BASE64 } from '../../../../src/core/riscv/stepper.wasm.js'
import { CompiledProgram } from '../../../../src/core/riscv/translate/compiled-program.js'
import { translateStepper } from '../../../../src/core/riscv/translate/stepper.js'
import { translateUnits } from '../../../../src/core/riscv/translate/translator.js'
import { unitAt } from '../../../../src/core/riscv/translate/unit.js'
import { guestElf, guestInput } from '../../../support/cli.js'
import { beginRun, finishRun } from '../../../support/guest-run.js'

const GUESTS = ['fibonacci', 'unconstrained', 'json']
const FEW_FUNCTIONS = 20

describe('the interpreter in WebAssembly', () => {
  it('is the one that the rows give now', () => {
    const fresh = translateStepper(RV32IM_ISA)
    expect(Buffer.from(fresh).equals(fromBase64(STEPPER_RV32IM_BASE64))).toBe(true)
  })
})

describe.each(GUESTS)('%s', (guest) => {
  const elf = readFileSync(guestElf(guest))
  const { buffers } = parseStdin(readFileSync(guestInput(guest)), 'sp1')

  it('is translated to the same bytes, as a whole and function by function', () => {
    const program = parseElf(elf)
    /** By everything anew. */
    const translate = (entries: readonly number[]) => {
      const memory = new Memory({ limitMib: 8, codeWords: program.instructionWords.length })
      const { layout, ordinaryEndBytes } = memory
      const target = { layout, ordinaryEndBytes, hasCounts: false }
      const code = new Code(program)
      const units = entries.map((entry) => unitAt(code, entry))
      return Buffer.from(translateUnits(code, target, units, FIRST_UNIT_SLOT))
    }
    const functions = new Code(program).functions()
    for (const entries of [functions, ...functions.slice(0, FEW_FUNCTIONS).map((one) => [one])]) {
      expect(translate(entries).equals(translate(entries))).toBe(true)
    }
  })

  it.each([0, 1, 100])('has the same units, with a threshold of %d', (threshold) => {
    const modules = () => {
      let program: CompiledProgram | undefined
      const create = compiled({
        ...{ threshold, hasVisits: false },
        programOf: (...given) => {
          program = new CompiledProgram(...given)
          return program
        },
      })
      finishRun(beginRun({ elf, sp1: '3.4.0', buffers }, create))
      return program?.translations.flatMap((translation) =>
        translation.modules.map(({ module: _, ...facts }) => facts),
      )
    }
    const first = modules()
    expect(first?.length).toBeGreaterThan(0)
    expect(modules()).toEqual(first)
  })
})
