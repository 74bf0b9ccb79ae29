/** Modules that the host accepts, every opcode in one, and what the printer makes of them. */
import { describe, expect, it } from 'vitest'
import type { FunctionBuilder } from '../../../src/core/wasm/function-builder.js'
import { ModuleBuilder } from '../../../src/core/wasm/module-builder.js'
import {
  CONSTANT,
  type FunctionType,
  MEMORY,
  OPCODES,
  PLAIN,
  VARIABLE,
} from '../../../src/core/wasm/opcodes.js'
import { printBody, printWat } from '../../../src/core/wasm/wat.js'

const NOTHING: FunctionType = { params: [], results: [] }
const UNARY: FunctionType = { params: ['i32'], results: ['i32'] }

/** The sum of 1 to n. */
function sumModule(): ModuleBuilder {
  const module = new ModuleBuilder()
  const f = module.func('sum', UNARY)
  f.nameLocal(0, 'n')
  const total = f.newLocal('i32', 'total')
  f.block((done) =>
    f.loop((again) => {
      f.local.get(0)
      f.i32.eqz()
      f.br_if(done)
      f.local.get(total)
      f.local.get(0)
      f.i32.add()
      f.local.set(total)
      f.local.get(0)
      f.i32.const(1)
      f.i32.sub()
      f.local.set(0)
      f.br(again)
    }),
  )
  f.local.get(total)
  module.export('sum', 'func', f.index)
  return module
}

function instantiate(module: ModuleBuilder, imports = {}) {
  const bytes = module.encode()
  expect(WebAssembly.validate(bytes)).toBe(true)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  return exports as Record<string, (...args: number[]) => number>
}

describe('a module', () => {
  it('runs', () => {
    expect(instantiate(sumModule()).sum?.(100)).toBe(5050)
  })

  it('has the same bytes every time, and smaller ones without names', () => {
    const bytes = sumModule().encode()
    expect(sumModule().encode()).toEqual(bytes)
    const anonymous = sumModule().encode({ names: false })
    expect(anonymous.length).toBeLessThan(bytes.length)
    expect(WebAssembly.validate(anonymous)).toBe(true)
  })

  it('prints as text', () => {
    expect(printWat(sumModule().encode())).toMatchInlineSnapshot(`
      "(module
        (type 0 (func (param i32) (result i32)))
        (export "sum" (func 0))
        (func $sum (type 0) (param $n i32) (result i32)
          (local $total i32)
          block $0
            loop $1
              local.get $n
              i32.eqz
              br_if $0
              local.get $total
              local.get $n
              i32.add
              local.set $total
              local.get $n
              i32.const 1
              i32.sub
              local.set $n
              br $1
            end
          end
          local.get $total
        )
      )"
    `)
  })

  it('has imports, globals, a table and both ways to call', () => {
    const module = new ModuleBuilder()
    const double = module.importFunc('env', 'double', UNARY)
    module.importMemory('env', 'memory', { min: 1, max: 2 })
    module.table({ min: 4 })
    const counter = module.global('i32', -5)
    const wide = module.global('i64', 7, false)
    const count = module.func('count', UNARY)
    count.global.get(counter)
    count.i32.const(1)
    count.i32.add()
    count.global.set(counter)
    count.local.get(0)
    count.call(double)
    count.global.get(counter)
    count.i32.add()
    count.global.get(wide)
    count.i32.wrap_i64()
    count.i32.add()
    const start = module.func('start', { params: ['i32', 'i32'], results: ['i32'] })
    start.local.get(0)
    start.local.get(1)
    start.return_call_indirect(module.type(UNARY))
    module.elements(2, [count.index, count.index])
    module.export('start', 'func', start.index)
    module.export('table', 'table', 0)
    const memory = new WebAssembly.Memory<ArrayBuffer>({ initial: 1, maximum: 2 })
    const exports = instantiate(module, { env: { memory, double: (x: number) => 2 * x } })
    expect(exports.start?.(100, 3)).toBe(200 - 4 + 7)
    expect(printWat(module.encode())).toMatchInlineSnapshot(`
      "(module
        (type 0 (func (param i32) (result i32)))
        (type 1 (func (param i32 i32) (result i32)))
        (import "env" "double" (func $double (type 0)))
        (import "env" "memory" (memory 1 2))
        (table 4 funcref)
        (global 0 (mut i32) (i32.const -5))
        (global 1 i64 (i64.const 7))
        (export "start" (func 2))
        (export "table" (table 0))
        (elem (i32.const 2) func $count $count)
        (func $count (type 0) (param $0 i32) (result i32)
          global.get 0
          i32.const 1
          i32.add
          global.set 0
          local.get $0
          call $double
          global.get 0
          i32.add
          global.get 1
          i32.wrap_i64
          i32.add
        )
        (func $start (type 1) (param $0 i32) (param $1 i32) (result i32)
          local.get $0
          local.get $1
          return_call_indirect (type 0)
        )
      )"
    `)
  })

  it('refuses an import behind a function, and a branch out of a closed block', () => {
    const module = sumModule()
    expect(() => module.importFunc('env', 'late', NOTHING)).toThrow('import late after a function')
    const f = module.func('f', NOTHING)
    let kept: Parameters<typeof f.br>[0] | undefined
    f.block((label) => {
      kept = label
    })
    expect(() => f.br(kept as { level: number })).toThrow('f: that block is closed')
  })
})

describe('structured control', () => {
  it('branches by table, with if and else', () => {
    const module = new ModuleBuilder()
    const f = module.func('pick', UNARY)
    f.block((other) => {
      f.block((one) => {
        f.block((zero) => {
          f.local.get(0)
          f.br_table([zero, one], other)
        })
        f.i32.const(10)
        f.return()
      })
      f.i32.const(11)
      f.return()
    })
    const answer = f.newLocal('i32')
    f.local.get(0)
    f.i32.const(100)
    f.i32.gt_u()
    f.if(
      () => {
        f.i32.const(1)
        f.local.set(answer)
      },
      () => {
        f.i32.const(2)
        f.local.set(answer)
      },
    )
    f.local.get(answer)
    module.export('pick', 'func', f.index)
    const { pick } = instantiate(module)
    expect([0, 1, 2, 101].map((x) => pick?.(x))).toEqual([10, 11, 2, 1])
    expect(printBody(module.encode(), 'pick')).toMatchSnapshot()
  })
})

describe('every opcode', () => {
  it('has one mnemonic', () => {
    const tables = [PLAIN, MEMORY, VARIABLE, CONSTANT].flatMap(Object.keys)
    expect(new Set(tables).size).toBe(tables.length)
    expect(OPCODES.size).toBe(tables.length + 17)
  })

  const methodOf = (f: FunctionBuilder, mnemonic: string) => {
    const [namespace, name] = mnemonic.split('.') as [string, string]
    const methods = f[namespace as 'i32'] as unknown as Record<
      string,
      (x?: number | bigint) => void
    >
    return (immediate?: number | bigint) => methods[name]?.(immediate)
  }

  it.each([...Object.keys(PLAIN), ...Object.keys(MEMORY)])('%s', (mnemonic) => {
    const module = new ModuleBuilder()
    module.memory({ min: 1 })
    const f = module.func('f', NOTHING)
    // Of all stacks of up to two operands exactly one shape is right, and the host knows it.
    const shapes = (['i32', 'i64'] as const).flatMap((a) => [
      [a],
      ...(['i32', 'i64'] as const).map((b) => [a, b]),
    ])
    const accepted = shapes.filter((shape) => {
      const attempt = new ModuleBuilder()
      attempt.memory({ min: 1 })
      const g = attempt.func('g', NOTHING)
      emit(g, shape)
      return WebAssembly.validate(attempt.encode())
    })
    expect(accepted).toHaveLength(1)
    emit(f, accepted[0] as string[])
    expect(printBody(module.encode(), 'f').split('\n')).toContain(mnemonic)

    function emit(g: FunctionBuilder, shape: readonly string[]): void {
      for (const type of shape) {
        if (type === 'i32') g.i32.const(0)
        else g.i64.const(0n)
      }
      methodOf(g, mnemonic)()
      if (!mnemonic.includes('.store')) g.drop()
    }
  })
})
