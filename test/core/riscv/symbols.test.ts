import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFunctionSymbols } from '../../../src/core/riscv/symbols.js'
import { TEXT_ADDRESS as BASE } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { elfWithSymbols, type SymbolTable, type TestSymbol } from '../../support/symbol-table.js'

const NOP = 0x0000_0013
const ELF = { text: Array<number>(16).fill(NOP) }
const [NONE, OBJECT, ABSOLUTE] = [0, 1, 0xfff1]

function functionsOf(symbols: readonly TestSymbol[], more: Partial<SymbolTable> = {}) {
  const found = readFunctionSymbols(elfWithSymbols(ELF, { symbols, ...more }))
  return Array.from(found.starts, (start, i) => [
    found.nameOf(i),
    start - BASE,
    found.ends[i] - BASE,
  ])
}

describe('functions', () => {
  it('come by address, and end where they say or where the next one starts', () => {
    const symbols = [
      { name: 'second', address: BASE + 8, bytes: 100 },
      { name: 'first', address: BASE, bytes: 4 },
      { name: 'third', address: BASE + 16, bytes: 8 },
    ]
    expect(functionsOf(symbols)).toEqual([
      ['first', 0, 4],
      ['second', 8, 16],
      ['third', 16, 24],
    ])
  })

  it('without a size reach to the next one, and the last to the end', () => {
    const label = { type: NONE, isGlobal: true }
    const symbols = [
      { name: '_start', address: BASE, ...label },
      { name: 'main', address: BASE + 8 },
    ]
    expect(functionsOf(symbols)).toEqual([
      ['_start', 0, 8],
      ['main', 8, 2 ** 32 - BASE],
    ])
  })

  it('have one name: the largest, then the global one', () => {
    const symbols = [
      { name: 'label', address: BASE, bytes: 0 },
      { name: 'local', address: BASE, bytes: 8 },
      { name: 'global', address: BASE, bytes: 8, isGlobal: true },
    ]
    expect(functionsOf(symbols)).toEqual([['global', 0, 8]])
  })

  it.each<[string, Partial<TestSymbol>]>([
    ['data', { type: OBJECT }],
    ['local labels', { type: NONE }],
    ['mapping symbols', { name: '$x' }],
    ["a compiler's labels", { name: '.L0' }],
    ['names that are empty', { name: '' }],
    ['what is defined elsewhere', { section: 0 }],
    ['absolute values', { section: ABSOLUTE }],
  ])('are not %s', (_what, change) => {
    expect(functionsOf([{ name: 'f', address: BASE, bytes: 4, ...change }])).toEqual([])
  })

  it('are found by any address within them', () => {
    const table = { symbols: [{ name: 'f', address: BASE + 4, bytes: 8 }] }
    const functions = readFunctionSymbols(elfWithSymbols(ELF, table))
    const found = [0, 3, 4, 8, 11, 12, 2 ** 31].map((at) => functions.indexOf(BASE + at))
    expect(found).toEqual([-1, -1, 0, 0, 0, -1, -1])
  })

  it('of a guest: its main', () => {
    const functions = readFunctionSymbols(readFileSync(guestElf('fibonacci')))
    const names = Array.from(functions.starts, (_, i) => functions.nameOf(i))
    expect(names).toContain('main')
    expect([...functions.starts]).toEqual([...functions.starts].sort((a, b) => a - b))
  })
})

describe('a table that is wrong costs names and nothing else', () => {
  const f = { name: 'f', address: BASE, bytes: 4 }

  it.each<[string, Partial<SymbolTable>]>([
    ['names in no section', { link: 9 }],
    ['names in itself', { link: 1 }],
    ['an offset beyond the names', { nameOffset: 2 ** 31 }],
    ['more symbols than the file has', { symbolBytes: 2 ** 31 }],
  ])('%s', (_name, change) => {
    expect(functionsOf([f], change)).toEqual([])
  })

  it('half a symbol at its end', () => {
    expect(functionsOf([f, f], { symbolBytes: 24 })).toEqual([['f', 0, 4]])
  })

  it('a name without an end is cut', () => {
    const long = { ...f, name: 'f'.repeat(20_000) }
    expect(functionsOf([long])[0]?.[0]).toHaveLength(16_384)
  })

  it('no file at all, and one without sections', () => {
    expect(readFunctionSymbols(new Uint8Array()).starts).toHaveLength(0)
    expect(readFunctionSymbols(new Uint8Array(52)).starts).toHaveLength(0)
  })

  it('any change of any bytes', () => {
    const whole = elfWithSymbols(ELF, { symbols: [f, { ...f, name: 'g', address: BASE + 8 }] })
    const anyChange = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 })
    fc.assert(
      fc.property(anyChange, fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, length)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        const { starts, ends } = readFunctionSymbols(bytes)
        starts.forEach((start, i) => {
          expect(ends[i]).toBeGreaterThan(start)
          expect(ends[i]).toBeLessThanOrEqual(starts[i + 1] ?? 2 ** 32)
        })
      }),
      { numRuns: 3000 },
    )
  })
})
