/**
 * The functions that an ELF32's symbol table names. For people, not for execution: what is wrong with
 * the table costs names, never the run, so nothing here throws.
 *
 * Source: System V ABI, chapter 4, "Symbol Table"; RISC-V psABI, "Mapping Symbol" (names with `$`).
 */
import { viewOf } from '../bytes.js'

const FILE_HEADER_BYTES = 52
const SECTION_HEADER_BYTES = 40
const SYMBOL_BYTES = 16
const SECTION_SYMTAB = 2
const TYPE_NONE = 0
const TYPE_FUNCTION = 2
const BINDING_LOCAL = 0
const SECTION_UNDEFINED = 0
/** From here on section numbers are no sections: SHN_LORESERVE. */
const SECTION_RESERVED = 0xff00
/** Real programs have some thousands. */
const MAX_SYMBOLS = 2 ** 20
/** Longer names are cut; the longest that Rust makes are a tenth of it. */
const MAX_NAME_BYTES = 16_384

interface Symbol {
  readonly nameOffset: number
  readonly address: number
  readonly bytes: number
  readonly isLocal: boolean
}

interface Section {
  readonly type: number
  readonly link: number
  readonly bytes: Uint8Array
}

/** Functions in ascending order of their addresses; they do not overlap. */
export class FunctionSymbols {
  /** The address of each function, u32. */
  readonly starts: Uint32Array
  /** Where it ends, exclusive; at the latest where the next one starts. */
  readonly ends: Float64Array
  readonly #nameOffsets: Uint32Array
  readonly #names: Uint8Array

  constructor(symbols: readonly Symbol[], names: Uint8Array) {
    this.starts = Uint32Array.from(symbols, ({ address }) => address)
    this.ends = Float64Array.from(symbols, ({ address, bytes }, i) => {
      const nextStart = symbols[i + 1]?.address ?? 2 ** 32
      // Hand-written assembly often states no size.
      return bytes === 0 ? nextStart : Math.min(address + bytes, nextStart)
    })
    this.#nameOffsets = Uint32Array.from(symbols, ({ nameOffset }) => nameOffset)
    this.#names = names
  }

  /** Index of the function that holds `address`; -1 if none does. */
  indexOf(address: number): number {
    let [low, high] = [0, this.starts.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.starts[middle] <= address) low = middle + 1
      else high = middle
    }
    return low > 0 && address < this.ends[low - 1] ? low - 1 : -1
  }

  /** As the file has it, still mangled; at most 16,384 bytes of it. */
  nameOf(index: number): string {
    return readName(this.#names, this.#nameOffsets[index])
  }
}

/** Without a symbol table, or with one that cannot be read, there are no functions. */
export function readFunctionSymbols(elf: Uint8Array): FunctionSymbols {
  const sections = readSections(elf)
  const table = sections.find(({ type }) => type === SECTION_SYMTAB)
  const names = sections[table?.link ?? -1]?.bytes
  if (table === undefined || names === undefined) return new FunctionSymbols([], new Uint8Array())
  const sorted = readSymbols(table.bytes)
    .filter(({ nameOffset }) => isFunctionName(names, nameOffset))
    .sort((a, b) => a.address - b.address || b.bytes - a.bytes || +a.isLocal - +b.isLocal)
  // Of several names of one function the largest stands, and a global one before a local.
  const distinct = sorted.filter(({ address }, i) => address !== sorted[i - 1]?.address)
  return new FunctionSymbols(distinct, names)
}

function readSections(elf: Uint8Array): Section[] {
  if (elf.length < FILE_HEADER_BYTES) return []
  const view = viewOf(elf)
  const offset = view.getUint32(32, true)
  const count = view.getUint16(48, true)
  const isTable = view.getUint16(46, true) === SECTION_HEADER_BYTES && offset !== 0
  if (!isTable || offset + count * SECTION_HEADER_BYTES > elf.length) return []
  return Array.from({ length: count }, (_, index) => {
    const field = (i: number) => view.getUint32(offset + SECTION_HEADER_BYTES * index + 4 * i, true)
    const [start, bytes] = [field(4), field(5)]
    // One that reaches beyond the file has no contents here.
    const end = start + bytes <= elf.length ? start + bytes : start
    return { type: field(1), link: field(6), bytes: elf.subarray(start, end) }
  })
}

function readSymbols(table: Uint8Array): Symbol[] {
  const count = Math.floor(table.length / SYMBOL_BYTES)
  if (count > MAX_SYMBOLS) return []
  const view = viewOf(table)
  const symbols: Symbol[] = []
  for (let at = 0; at < count * SYMBOL_BYTES; at += SYMBOL_BYTES) {
    const info = view.getUint8(at + 12)
    const [type, isLocal] = [info & 0xf, info >>> 4 === BINDING_LOCAL]
    const section = view.getUint16(at + 14, true)
    // Assembly that does not state a type: its global labels are functions, its local ones are not.
    const isFunction = type === TYPE_FUNCTION || (type === TYPE_NONE && !isLocal)
    if (!isFunction || section === SECTION_UNDEFINED || section >= SECTION_RESERVED) continue
    symbols.push({
      nameOffset: view.getUint32(at, true),
      address: view.getUint32(at + 4, true),
      bytes: view.getUint32(at + 8, true),
      isLocal,
    })
  }
  return symbols
}

/** Not empty, no mapping symbol (`$x`) and no label that a compiler made (`.L0`). */
function isFunctionName(names: Uint8Array, offset: number): boolean {
  const start = readName(names.subarray(offset, offset + 2), 0)
  return start !== '' && !start.startsWith('$') && start !== '.L'
}

function readName(names: Uint8Array, offset: number): string {
  if (offset >= names.length) return ''
  const limited = names.subarray(offset, offset + MAX_NAME_BYTES)
  const end = limited.indexOf(0)
  return new TextDecoder('latin1').decode(end < 0 ? limited : limited.subarray(0, end))
}
