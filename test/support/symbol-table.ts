/** ELF files with a symbol table, right or wrong. */
import { concatBytes, viewOf } from '../../src/core/bytes.js'
import { elfOf, type TestElf } from './assembler.js'

export interface TestSymbol {
  readonly name: string
  readonly address: number
  readonly bytes?: number
  /** 2, STT_FUNC, unless given. */
  readonly type?: number
  readonly isGlobal?: boolean
  /** 1, a section like any other, unless given. */
  readonly section?: number
}

/** Everything but `symbols` and the ELF itself is for tables that are wrong. */
export interface SymbolTable {
  readonly symbols: readonly TestSymbol[]
  /** Index of the section with the names. */
  readonly link?: number
  readonly symbolBytes?: number
  readonly nameOffset?: number
}

const SYMBOL_BYTES = 16
const SECTION_BYTES = 40
const [SYMTAB, STRTAB] = [2, 3]

/** Sections: none, the symbols, their names. */
export function elfWithSymbols(elf: TestElf, table: SymbolTable): Uint8Array {
  const names = new TextEncoder().encode(
    `\0${table.symbols.map(({ name }) => `${name}\0`).join('')}`,
  )
  const symbols = new Uint8Array(SYMBOL_BYTES * table.symbols.length)
  const view = viewOf(symbols)
  let nameOffset = 1
  table.symbols.forEach(({ name, address, bytes = 0, type = 2, isGlobal, section = 1 }, i) => {
    const at = SYMBOL_BYTES * i
    view.setUint32(at, table.nameOffset ?? nameOffset, true)
    view.setUint32(at + 4, address, true)
    view.setUint32(at + 8, bytes, true)
    view.setUint8(at + 12, (isGlobal ? 0x10 : 0) | type)
    view.setUint16(at + 14, section, true)
    nameOffset += new TextEncoder().encode(name).length + 1
  })
  const start = elfOf(elf).length
  const symbolBytes = table.symbolBytes ?? symbols.length
  const headers = new Uint8Array(3 * SECTION_BYTES)
  const sections = [
    [SYMTAB, start, symbolBytes, table.link ?? 2],
    [STRTAB, start + symbols.length, names.length, 0],
  ]
  sections.forEach(([type = 0, offset = 0, bytes = 0, link = 0], i) => {
    const header = viewOf(headers.subarray(SECTION_BYTES * (i + 1)))
    header.setUint32(4, type, true)
    header.setUint32(16, offset, true)
    header.setUint32(20, bytes, true)
    header.setUint32(24, link, true)
  })
  const offset = start + symbols.length + names.length
  return elfOf({
    ...elf,
    trailer: concatBytes(symbols, names, headers),
    sectionHeader: { offset, bytes: SECTION_BYTES, count: 3 },
  })
}
