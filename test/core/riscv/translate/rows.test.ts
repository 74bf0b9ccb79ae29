/** Every row has a translation, or an effect on control alone; its WebAssembly is in golden/. */
import { describe, expect, it } from 'vitest'
import { RV32IM } from '../../../../src/core/riscv/decode.js'
import type { Instruction } from '../../../../src/core/riscv/instruction.js'
import { layoutOf } from '../../../../src/core/riscv/memory-layout.js'
import { Emitter } from '../../../../src/core/riscv/translate/emitter.js'
import { ModuleBuilder } from '../../../../src/core/wasm/module-builder.js'
import { printBody } from '../../../../src/core/wasm/wat.js'

const OPERANDS = { rd: 10, rs1: 11, rs2: 12, imm: -16 }
const PC = 0x0020_0800

function translated({ mnemonic, control, translate }: Instruction): Uint8Array {
  const module = new ModuleBuilder()
  module.memory({ min: 1 })
  const isBranch = control === 'branch'
  const wasm = module.func(mnemonic, { params: [], results: isBranch ? ['i32'] : [] })
  const layout = layoutOf(4096, 0)
  const f = new Emitter(wasm, { layout, ordinaryEndBytes: 4096, hasCounts: false })
  f.pc = PC
  translate?.(f, OPERANDS)
  return module.encode()
}

describe('every row', () => {
  const rows = RV32IM.filter(({ translate }) => translate !== undefined)

  it('has a translation unless it only steers', () => {
    const others = RV32IM.filter(({ translate }) => translate === undefined)
    expect(others.filter(({ control }) => control === undefined)).toEqual([])
    expect(rows.filter(({ control }) => control !== undefined && control !== 'branch')).toEqual([])
  })

  it.each(rows)('$mnemonic', async (row) => {
    const module = translated(row)
    expect(WebAssembly.validate(module)).toBe(true)
    const text = `${printBody(module, row.mnemonic)}\n`
    await expect(text).toMatchFileSnapshot(`golden/${row.mnemonic}.wat`)
  })
})
