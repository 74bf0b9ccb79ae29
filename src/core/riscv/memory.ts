/**
 * Guest memory: 32-bit little-endian words, as SP1's executor keeps them.
 *
 * Three things differ from plain RAM, because SP1 proves memory word by word and its executor
 * remembers which words have been used:
 * - Addresses 0 to 31 are the registers: address n is register xn (sp1-core-executor memory.rs).
 * - HINT_READ writes only the *first* value of a word. A word that was used before keeps its value.
 * - Until a hinted word is loaded or stored as a whole, `peek` (WRITE, VERIFY) and the bytes that a
 *   partial store leaves alone read as 0.
 * The last two make runs that the executor accepts and the prover cannot prove; they are reported
 * through `onUnprovable`.
 * Since SP1 5 the executor itself refuses what the prover cannot prove about an address: those of
 * registers, those beyond the field, and pointers of precompiles that are no multiple of 4.
 *
 * Memory is laid out in windows, as the guest needs it, and the operating system backs its pages on
 * first use.
 */
import { GuestError } from '../errors.js'
import { markedPages, PAGE_WORDS, takeOut } from './marks.js'
import { layoutOf, type MemoryLayout, STATE } from './memory-layout.js'
import { FIRST_WINDOW_BYTES, growTo, reserve, windowFor } from './memory-windows.js'
import type { Program } from './program.js'
import { UndoLog } from './undo-log.js'
import { WordSet } from './word-set.js'

const MIB = 2 ** 20
/** End of provable memory: above it an address is no canonical BabyBear element. */
export const MEMORY_END = 0x7800_0000
/** Where the tables of SP1's executor end, a little further (sp1-core-executor memory.rs). */
const EXECUTOR_MEMORY_END = 0x7801_ffa0
/** The same for a strict one. */
const STRICT_MEMORY_END = 0x7801_0000
/** The largest memory limit, which is also the default. */
export const MAX_MEMORY_MIB = MEMORY_END / MIB
/** SP1 keeps register n at address n. */
const REGISTERS_END = 32

export interface MemoryOptions {
  /** Size of the address space a guest may use, 1 to MAX_MEMORY_MIB, which stands for all of it. */
  readonly limitMib: number
  /** Refuse at once what cannot be proved about an address, as SP1 does since release 5. */
  readonly isStrict?: boolean
  /** Bits of a register. Default: 32. */
  readonly xlen?: 32 | 64
  /** Instructions of a program that compiled code will run. */
  readonly codeWords?: number
  /** How much to begin with, if it is known. */
  readonly windowBytes?: number
}

export class Memory {
  onUnprovable: (reason: string) => void = () => {}
  /** Told before an access to the register that lies at an address below 32; may throw. */
  onRegisterAccess: (register: number) => void = () => {}
  /** Told when the guest outgrew its window: the layout and every view of the bytes are others now. */
  onMoved: () => void = () => {}
  /** The bytes of everything; a compiled program imports it. */
  readonly wasm: WebAssembly.Memory<ArrayBuffer>

  readonly #limitMib: number
  readonly #isStrict: boolean
  readonly #registerWords: number
  readonly #codeWords: number
  readonly #endBytes: number
  /** How far the address space is laid out. */
  #windowBytes: number
  #layout: MemoryLayout
  #ordinaryEndBytes: number
  #registers!: Uint32Array
  #words!: Uint32Array
  /** 1 for a word that was loaded, stored or in the program's image. */
  #used!: Uint8Array
  /** 1 for a page in the undo log. */
  #touched!: Uint8Array
  /** Words that HINT_READ wrote. */
  readonly #hinted = new WordSet()
  /** Undefined outside of unconstrained blocks. */
  #undo: UndoLog | undefined

  constructor({
    limitMib,
    isStrict = false,
    xlen = 32,
    codeWords = 0,
    windowBytes = FIRST_WINDOW_BYTES,
  }: MemoryOptions) {
    this.#limitMib = limitMib
    this.#isStrict = isStrict
    this.#registerWords = xlen / 32
    this.#codeWords = codeWords
    const executorEnd = isStrict ? STRICT_MEMORY_END : EXECUTOR_MEMORY_END
    this.#endBytes = limitMib === MAX_MEMORY_MIB ? executorEnd : limitMib * MIB
    this.#windowBytes = windowFor(windowBytes, this.#endBytes)
    this.#layout = layoutOf(this.#windowBytes, codeWords)
    this.#ordinaryEndBytes = this.#ordinaryEnd()
    const whole = layoutOf(windowFor(this.#endBytes, this.#endBytes), codeWords)
    this.wasm = reserve(this.#layout.totalBytes, whole.totalBytes)
    this.#makeViews()
  }

  get layout(): MemoryLayout {
    return this.#layout
  }

  get buffer(): ArrayBuffer {
    return this.wasm.buffer
  }

  /** XLEN / 32 words each, the lowest first. */
  get registers(): Uint32Array {
    return this.#registers
  }

  /** Below this and above the registers an access needs no further thought. */
  get ordinaryEndBytes(): number {
    return this.#ordinaryEndBytes
  }

  get windowBytes(): number {
    return this.#windowBytes
  }

  /** What the guest has of it: pages of 4 KiB with a word that was used, in the program's image or hinted. */
  get usedBytes(): number {
    const pages = new Set([...markedPages(this.#used), ...this.#hinted.pages()])
    return pages.size * 4 * PAGE_WORDS
  }

  /** Everything zero again, as in new memory, which costs more: cleared are only pages that were used. */
  clear(): void {
    for (const { at } of takeOut(this.#used)) {
      this.#words.fill(0, at, at + PAGE_WORDS)
    }
    for (const page of this.#hinted.pages()) {
      this.#words.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    }
    this.#hinted.clear()
    this.#touched.fill(0)
    this.#registers.fill(0)
    this.#undo = undefined
  }

  /** Write a program's initial memory; those words count as used. */
  loadImage({ imageAddresses, imageWords }: Program): void {
    for (let start = 0; start < imageAddresses.length; ) {
      const address = imageAddresses[start]
      let end = start + 1
      while (imageAddresses[end] === address + 4 * (end - start)) end++
      this.#loadRun(address, imageWords.subarray(start, end))
      start = end
    }
  }

  /** Words in a row, of which most are plain memory. */
  #loadRun(address: number, words: Uint32Array): void {
    const lastEnd = address + 4 * words.length
    if (lastEnd > this.#ordinaryEndBytes && lastEnd <= MEMORY_END && lastEnd <= this.#endBytes) {
      this.#widen(lastEnd)
    }
    if (address < REGISTERS_END || lastEnd > this.#ordinaryEndBytes) {
      words.forEach((word, i) => {
        this.writeWord(address + 4 * i, word)
      })
      return
    }
    this.#words.set(words, address / 4)
    this.#used.fill(1, address / 4, lastEnd / 4)
  }

  // Loads and stores of the hart. Addresses may be any integer; they wrap to 32 bits.

  loadWord(address: number): number {
    if ((address & 3) !== 0) misaligned('lw', address)
    return this.readWord(address)
  }

  loadHalf(address: number, mnemonic: 'lh' | 'lhu'): number {
    if ((address & 1) !== 0) misaligned(mnemonic, address)
    return (this.readWord(address & ~3) >>> ((address & 2) * 8)) & 0xffff
  }

  loadByte(address: number): number {
    return (this.readWord(address & ~3) >>> ((address & 3) * 8)) & 0xff
  }

  storeWord(address: number, value: number): void {
    if ((address & 3) !== 0) misaligned('sw', address)
    this.writeWord(address, value)
  }

  storeHalf(address: number, value: number): void {
    if ((address & 1) !== 0) misaligned('sh', address)
    this.#storePart(address, (address & 2) * 8, 0xffff, value)
  }

  storeByte(address: number, value: number): void {
    this.#storePart(address, (address & 3) * 8, 0xff, value)
  }

  /** The word that holds `address`; an unaligned address is rounded down, or refused if strict. */
  readWord(address: number): number {
    const index = this.#accessIndexOf(address)
    if (index < 0) return this.registers[~index]
    this.#undo?.remember(index, this.#words, this.#used, this.#touched)
    this.#used[index] = 1
    return this.#words[index]
  }

  /** Write the word that holds `address`; an unaligned address is rounded down, or refused if strict. */
  writeWord(address: number, value: number): void {
    const index = this.#accessIndexOf(address)
    if (index < 0) {
      this.registers[~index] = value
      return
    }
    this.#undo?.remember(index, this.#words, this.#used, this.#touched)
    this.#used[index] = 1
    this.#words[index] = value
  }

  /** `count` words from `address` on, u32 each. */
  readWords(address: number, count: number): Uint32Array {
    return Uint32Array.from({ length: count }, (_, i) => this.readWord(address + 4 * i))
  }

  writeWords(address: number, words: ArrayLike<number>): void {
    for (let i = 0; i < words.length; i++) this.writeWord(address + 4 * i, words[i])
  }

  /** A copy of `count` bytes. Marks nothing used; words that are not used yet read as 0. */
  peekBytes(address: number, count: number): Uint8Array {
    if (this.#isOrdinary(address, count) && this.#areUsed(address, count)) {
      const start = this.#layout.guestOffset + address
      return new Uint8Array(this.buffer, start, count).slice()
    }
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      const at = (address + i) >>> 0
      bytes[i] = this.#peekWord(at & ~3) >>> ((at & 3) * 8)
    }
    return bytes
  }

  /**
   * Give words the values they shall have when they are first used.
   *
   * @param address - a multiple of 4
   * @returns false if an earlier hint is there already, which SP1 refuses.
   */
  hintWords(address: number, words: Uint32Array): boolean {
    const isFresh =
      this.#isOrdinary(address, 4 * words.length) &&
      this.#used.subarray(address / 4, address / 4 + words.length).indexOf(1) < 0
    if (!isFresh) return words.every((word, i) => this.hintWord(address + 4 * i, word))
    const first = address / 4
    const isAccepted = words.every((_, i) => this.#hinted.add(first + i))
    if (isAccepted) this.#words.set(words, first)
    return isAccepted
  }

  /** As `hintWords`. */
  hintWord(address: number, value: number): boolean {
    const index = this.#indexOf(address)
    if (index < 0) {
      throw new GuestError('UNPROVABLE', { reason: 'a hint was read into the registers' })
    }
    if (!this.#hinted.add(index)) return false
    if (this.#used[index] === 0) this.#words[index] = value
    else if (value !== 0) this.onUnprovable('a hint was read into memory that was already in use')
    return true
  }

  /** From now on remember what changes, until `rollBack`. */
  beginUndo(): void {
    this.#undo = new UndoLog()
  }

  /** Undo every change since `beginUndo`, except to registers, which the caller restores. */
  rollBack(): void {
    this.#undo?.rollBack(this.#words, this.#used, this.#touched)
    this.#undo = undefined
  }

  get isRecordingUndo(): boolean {
    return this.#undo !== undefined
  }

  /** As `#indexOf`, for an access that is proved. */
  #accessIndexOf(address: number): number {
    if (this.#isStrict) this.#checkStrictly(address >>> 0)
    return this.#indexOf(address)
  }

  #checkStrictly(at: number): void {
    if ((at & 3) !== 0) misaligned('precompile', at)
    if (at >= REGISTERS_END && at <= MEMORY_END) return
    const address = `0x${at.toString(16)}`
    if (at > MEMORY_END) throw new GuestError('MEMORY_OUT_OF_RANGE', { address })
    throw new GuestError('GUEST_TRAP', {
      reason: `it accessed the registers at address ${address}`,
    })
  }

  /** Index of the word that holds `address`, or ~n for register n. */
  #indexOf(address: number): number {
    const at = address >>> 0
    if (at >= REGISTERS_END && at < this.#ordinaryEndBytes) return at >>> 2
    if (at >= this.#endBytes) this.#outOfRange(at)
    if (at >= this.#windowBytes) this.#widen(at + 1)
    if (at >= REGISTERS_END && at < this.#ordinaryEndBytes) return at >>> 2
    if (at >= MEMORY_END) {
      this.onUnprovable('an access beyond provable memory (0x78000000)')
      return at >>> 2
    }
    this.onRegisterAccess(at)
    this.onUnprovable('an access to addresses 0 to 31, where SP1 keeps the registers')
    return ~at
  }

  #outOfRange(at: number): never {
    const address = `0x${at.toString(16)}`
    if (this.#endBytes >= MEMORY_END) {
      throw new GuestError('MEMORY_OUT_OF_RANGE', { address })
    }
    throw new GuestError('MEMORY_LIMIT', { limitMib: this.#limitMib, address })
  }

  #peekWord(address: number): number {
    const index = this.#indexOf(address)
    if (index < 0) return this.#isStrict ? 0 : this.registers[~index]
    return this.#used[index] === 1 ? this.#words[index] : 0
  }

  #storePart(address: number, shiftBits: number, mask: number, value: number): void {
    const aligned = address & ~3
    const rest = this.#peekWord(aligned) & ~(mask << shiftBits)
    const index = aligned >>> 2
    if (this.#used[index] === 0 && (this.#words[index] & ~(mask << shiftBits)) !== 0) {
      this.onUnprovable('a part of a hinted word was stored before the word was loaded')
    }
    this.writeWord(aligned, rest | ((value & mask) << shiftBits))
  }

  /** Are these bytes plain memory that is laid out? */
  #isOrdinary(address: number, count: number): boolean {
    return address >= REGISTERS_END && address + count <= this.#ordinaryEndBytes
  }

  /** Are all words in use that these bytes lie in? */
  #areUsed(address: number, count: number): boolean {
    return this.#used.subarray(address >>> 2, (address + count + 3) >>> 2).indexOf(0) < 0
  }

  // Windows.

  #ordinaryEnd(): number {
    return Math.min(this.#windowBytes, this.#endBytes, MEMORY_END)
  }

  /** Lay out more of the address space. The guest's words stay where they are, what is behind moves. */
  #widen(neededBytes: number): void {
    const windowBytes = windowFor(Math.max(neededBytes, this.#windowBytes + 1), this.#endBytes)
    const layout = layoutOf(windowBytes, this.#codeWords)
    growTo(this.wasm, layout.totalBytes)
    // Growing has detached the views; what they showed is still where it was.
    this.#makeViews()
    const [used, touched] = [this.#used, this.#touched].map(takeOut)
    this.#windowBytes = windowBytes
    this.#layout = layout
    this.#ordinaryEndBytes = this.#ordinaryEnd()
    this.#makeViews()
    for (const { at, bytes } of used) this.#used.set(bytes, at)
    for (const { at, bytes } of touched) this.#touched.set(bytes, at)
    this.onMoved()
  }

  #makeViews(): void {
    const { guestOffset, usedOffset, touchedOffset } = this.#layout
    const words = this.#windowBytes / 4
    this.#registers = new Uint32Array(this.buffer, STATE.registers, 32 * this.#registerWords)
    this.#words = new Uint32Array(this.buffer, guestOffset, words)
    this.#used = new Uint8Array(this.buffer, usedOffset, words)
    this.#touched = new Uint8Array(this.buffer, touchedOffset, words / PAGE_WORDS)
  }
}

function misaligned(mnemonic: string, address: number): never {
  throw new GuestError('MEMORY_MISALIGNED', {
    mnemonic,
    address: `0x${(address >>> 0).toString(16)}`,
  })
}
