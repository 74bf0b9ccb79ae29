/**
 * A program's instructions, decoded: all of them to eight bytes each when the program is loaded, by a
 * kernel, and to objects one by one when somebody asks. And what they say about its control flow before
 * anything runs: where basic blocks begin, where functions do, and which instructions data points to,
 * which may be targets of computed jumps.
 * Instructions are named by their index; instruction i has pc pcBase + 4i.
 */
import { fromBase64 } from '../bytes.js'
import { InputError } from '../errors.js'
import { RV32IM_ISA } from './decode.js'
import type { Decoded, Format, Instruction } from './instruction.js'
import type { Isa } from './isa.js'
import { KERNELS_BASE64 } from './kernels.wasm.js'
import type { Program } from './program.js'

/** Numbers that entries have in place of their row's; the rows come after them. */
export const UNKNOWN_ROW = 0
/** The interpreter has to say what it means. */
export const FAULT_ROW = 1
/** Behind the last instruction. */
export const END_ROW = 2
export const FIRST_ROW = 3

/** As the kernel numbers them. */
const FORMATS: readonly Format[] = ['R', 'I', 'Shamt', 'S', 'B', 'U', 'J', 'System']
const CONTROLS: readonly Instruction['control'][] = [
  ...([undefined, 'branch', 'jal', 'jalr', 'ecall', 'fault'] as const),
]
const STEERS = 1
const LEADER = 2
const FUNCTION = 4
const DATA_TARGET = 8

const PAGE_BYTES = 65_536
const FORMATS_OFFSET = 4096
const CONTROLS_OFFSET = FORMATS_OFFSET + 256
const EXACTS_OFFSET = CONTROLS_OFFSET + 256

export class Code {
  readonly length: number
  /**
   * Two words an instruction: row, rd, rs1 and rs2, a byte each, lowest first, registers as the offset
   * of their value, x0 as rd as that of the sink; and imm. One more entry is behind the last.
   */
  readonly entries: Int32Array
  /** Most instructions in a row of which only the last steers. */
  readonly longestRun: number
  readonly #flags: Uint8Array
  readonly #decoded: (Decoded | undefined)[]
  /** Found when they are first asked for. */
  #starts: Uint32Array | undefined
  #targets: Uint32Array | undefined

  /** @throws InputError `ELF_INSTRUCTION_UNKNOWN`, as SP1 refuses the whole program for one bad word. */
  constructor(
    readonly program: Program,
    readonly isa: Isa = RV32IM_ISA,
  ) {
    this.length = program.instructionWords.length
    this.#decoded = new Array(this.length)
    const { entries, flags, longestRun } = scan(program, isa)
    this.entries = entries
    this.#flags = flags
    this.longestRun = longestRun
  }

  at(index: number): Decoded {
    this.#decoded[index] ??= this.isa.decode(this.program.instructionWords[index]) as Decoded
    return this.#decoded[index]
  }

  pcOf(index: number): number {
    return (this.program.pcBase + 4 * index) >>> 0
  }

  /** The index of an instruction's pc; undefined for any other number. */
  indexOf(pc: number): number | undefined {
    const offset = (pc - this.program.pcBase) >>> 0
    return offset % 4 === 0 && offset / 4 < this.length ? offset / 4 : undefined
  }

  /** Does control not always go on behind it? Faults, jumps and ecalls count, too. */
  isSteering(index: number): boolean {
    return (this.#flags[index] & STEERS) !== 0
  }

  /** Does a basic block begin there? One does behind the last instruction, too. */
  isLeader(index: number): boolean {
    return (this.#flags[index] & LEADER) !== 0
  }

  /** Does a call with a known target go there, or look as if one by pointer did? */
  isFunction(index: number): boolean {
    return (this.#flags[index] & FUNCTION) !== 0
  }

  /** The end of the block that holds `index`: the index behind its last instruction. */
  blockEnd(index: number): number {
    let end = index + 1
    while (!this.isLeader(end)) end++
    return end
  }

  /** The pc a jump or taken branch goes to, if the instruction alone, or with an auipc, tells. */
  targetOf(index: number): number | undefined {
    const { row, rs1, imm } = this.at(index)
    if (row.control === 'branch' || row.control === 'jal') return (this.pcOf(index) + imm) >>> 0
    if (row.control !== 'jalr' || index === 0 || this.isLeader(index)) return undefined
    const before = this.at(index - 1)
    if (before.row.mnemonic !== 'auipc' || before.rd !== rs1 || rs1 === 0) return undefined
    return (this.pcOf(index - 1) + before.imm + imm) >>> 0
  }

  /** From the last function that begins at or before `index` to the next one. */
  functionAround(index: number): { start: number; end: number } {
    const starts = this.#functionStarts
    const next = firstAbove(starts, index)
    return { start: starts[next - 1] ?? 0, end: starts[next] ?? this.length }
  }

  /** Where the program and its functions begin. */
  functions(): number[] {
    const start = this.indexOf(this.program.pcStart)
    const starts = this.#functionStarts
    if (start === undefined || this.isFunction(start)) return [...starts]
    const at = firstAbove(starts, start)
    return [...starts.subarray(0, at), start, ...starts.subarray(at)]
  }

  /** Pcs that words of data point to, of the instructions from `start` to before `end`, ascending. */
  dataTargetsWithin(start: number, end: number): number[] {
    const targets = this.#dataTargets
    const within = targets.subarray(firstAbove(targets, start - 1), firstAbove(targets, end - 1))
    return Array.from(within, (index) => this.pcOf(index))
  }

  get #functionStarts(): Uint32Array {
    this.#starts ??= this.#flagged(FUNCTION)
    return this.#starts
  }

  get #dataTargets(): Uint32Array {
    this.#targets ??= this.#flagged(DATA_TARGET)
    return this.#targets
  }

  /** Indices of the instructions that have a flag. */
  #flagged(flag: number): Uint32Array {
    const found: number[] = []
    for (let i = 0; i < this.length; i++) if ((this.#flags[i] & flag) !== 0) found.push(i)
    return Uint32Array.from(found)
  }
}

/** The position of the first number above `limit` in an ascending list. */
function firstAbove(sorted: Uint32Array, limit: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] > limit) high = middle
    else low = middle + 1
  }
  return low
}

let kernels: WebAssembly.Module | undefined

/** What the kernel makes of a program, in memory that is its own. */
function scan({ instructionWords, imageWords, pcBase, pcStart }: Program, isa: Isa) {
  const count = instructionWords.length
  const exactsBytes = 8 * isa.exacts.length
  const words = roundUp(EXACTS_OFFSET + exactsBytes)
  const image = words + 4 * count
  const entries = roundUp(image + 4 * imageWords.length)
  const flags = entries + 8 * (count + 1)
  const pages = Math.ceil((flags + count + 1) / PAGE_BYTES)
  const memory = new WebAssembly.Memory<ArrayBuffer>({ initial: pages, maximum: pages })
  writeTables(memory.buffer, isa)
  new Uint32Array(memory.buffer, words, count).set(instructionWords)
  new Uint32Array(memory.buffer, image, imageWords.length).set(imageWords)
  kernels ??= new WebAssembly.Module(fromBase64(KERNELS_BASE64))
  const exports = new WebAssembly.Instance(kernels, { env: { memory } }).exports as Kernels
  const rowOf = (mnemonic: string) => isa.rows.findIndex((row) => row.mnemonic === mnemonic)
  const good = exports.scan(
    ...([0, isa.exacts.length, rowOf('auipc'), rowOf('addi')] as const),
    ...([words, count, pcBase, pcStart] as const),
    ...([image, imageWords.length] as const),
    ...([entries, flags] as const),
  )
  if (good < count) {
    const word = `0x${instructionWords[good].toString(16).padStart(8, '0')}`
    throw new InputError('ELF_INSTRUCTION_UNKNOWN', { pc: pcBase + 4 * good, word })
  }
  return {
    entries: new Int32Array(memory.buffer, entries, 2 * (count + 1)),
    flags: new Uint8Array(memory.buffer, flags, count + 1),
    longestRun: exports.longestRun(flags, count),
  }
}

interface Kernels extends Readonly<Record<string, unknown>> {
  readonly scan: (...numbers: number[]) => number
  readonly longestRun: (flags: number, count: number) => number
}

/** What the kernel has to know of the instruction rows. */
function writeTables(buffer: ArrayBuffer, { rows, rowsByBits, exacts }: Isa): void {
  const bytes = new Uint8Array(buffer)
  bytes.set(rowsByBits)
  rows.forEach(({ format, control }, i) => {
    bytes[FORMATS_OFFSET + i] = FORMATS.indexOf(format)
    bytes[CONTROLS_OFFSET + i] = CONTROLS.indexOf(control)
  })
  const pairs = new Uint32Array(buffer, EXACTS_OFFSET, 2 * exacts.length)
  pairs.set(exacts.flatMap(({ word, row }) => [word, row]))
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
