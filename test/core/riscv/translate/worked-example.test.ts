/** The page about the executor shows what the translator writes. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Code } from '../../../../src/core/riscv/code.js'
import { layoutOf } from '../../../../src/core/riscv/memory-layout.js'
import { UNIT } from '../../../../src/core/riscv/translate/departures.js'
import { unitAt } from '../../../../src/core/riscv/translate/unit.js'
import { writeUnit } from '../../../../src/core/riscv/translate/unit-writer.js'
import { ModuleBuilder } from '../../../../src/core/wasm/module-builder.js'
import { printBody } from '../../../../src/core/wasm/wat.js'
import { encode } from '../../../support/assembler.js'
import { programOf } from '../../../support/bare-run.js'

const DOCS = new URL('../../../../docs/executor.md', import.meta.url)
const [A0, A1, A2, A3] = [10, 11, 12, 13]

it('docs/executor.md has the loop as it is translated', () => {
  const words = [
    encode('lw', { rd: A2, rs1: A0, imm: 0 }),
    encode('add', { rd: A1, rs1: A1, rs2: A2 }),
    encode('addi', { rd: A0, rs1: A0, imm: 4 }),
    encode('bne', { rs1: A0, rs2: A3, imm: -12 }),
    encode('ecall'),
  ]
  const code = new Code(programOf({ words }))
  const ordinaryEndBytes = 4 * 2 ** 20
  const layout = layoutOf(ordinaryEndBytes, words.length)
  const target = { layout, ordinaryEndBytes, hasCounts: false }
  const module = new ModuleBuilder()
  const ecall = module.importFunc('env', 'ecall', { params: [], results: ['i32'] })
  module.importMemory('env', 'memory', { min: 1 })
  module.importTable('env', 'table', { min: 1 })
  const unitType = module.type(UNIT)
  const wasm = module.func('example', UNIT)
  writeUnit(wasm, unitAt(code, 0), { code, target, functionAt: new Map(), unitType, ecall })
  const lines = linesOf(printBody(module.encode(), 'example'))
  const [, shown = ''] = /```wat\n([^`]*)```/.exec(readFileSync(DOCS, 'utf8')) ?? []
  const start = lines.findIndex((line) => line.startsWith('loop'))
  const expected = lines.slice(start, lines.findIndex((line) => line.startsWith('br_if')) + 1)
  expect(linesOf(shown)).toEqual(expected)
})

/** Without indentation and comments. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/;;.*/, '').trim())
    .filter((line) => line !== '')
}
