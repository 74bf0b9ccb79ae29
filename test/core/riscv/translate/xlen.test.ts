/** Registers are as wide as the instruction set says: their locals, their place in memory, their instructions. */
import { describe, expect, it } from 'vitest'
import { RV32IM } from '../../../../src/core/riscv/decode.js'
import { Memory } from '../../../../src/core/riscv/memory.js'
import { layoutOf } from '../../../../src/core/riscv/memory-layout.js'
import { Emitter } from '../../../../src/core/riscv/translate/emitter.js'
import { ModuleBuilder } from '../../../../src/core/wasm/module-builder.js'
import { printBody } from '../../../../src/core/wasm/wat.js'

const OPERANDS = { rd: 10, rs1: 11, rs2: 12, imm: -16 }

function bodyOf(xlen: 32 | 64, write: (f: Emitter) => void): string {
  const module = new ModuleBuilder()
  module.memory({ min: 1 })
  const wasm = module.func('body', { params: [], results: [] })
  const target = { layout: layoutOf(4096, 0), ordinaryEndBytes: 4096, hasCounts: false }
  write(new Emitter(wasm, target, xlen))
  const bytes = module.encode()
  expect(WebAssembly.validate(bytes)).toBe(true)
  return printBody(bytes, 'body')
}

describe.each([
  [32, 'i32', 4],
  [64, 'i64', 8],
] as const)('XLEN %d', (xlen, type, bytes) => {
  it.each(['add', 'xori', 'auipc'])('%s', (mnemonic) => {
    const row = RV32IM.find((candidate) => candidate.mnemonic === mnemonic)
    const body = bodyOf(xlen, (f) => row?.translate?.(f, OPERANDS))
    expect(body).not.toContain(type === 'i32' ? 'i64.' : 'i32.')
  })

  it('moves registers to and from their places', () => {
    const body = bodyOf(xlen, (f) => {
      f.load(1 << 11)
      f.store(1 << 11)
    })
    expect(body).toContain(`${type}.load offset=${11 * bytes}`)
    expect(body).toContain(`${type}.store offset=${11 * bytes}`)
  })

  it('has room for them in memory', () => {
    expect(new Memory({ limitMib: 1, xlen }).registers.byteLength).toBe(32 * bytes)
  })
})
