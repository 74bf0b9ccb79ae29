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
 * Nothing here is allocated for untouched memory: the operating system backs pages on first use.
 */
import { GuestError } from '../errors.js'
import { layoutOf, type MemoryLayout, STATE } from './memory-layout.js'
import type { Program } from './program.js'

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

/** Unit of roll-back: 4 KiB. Whole pages bound its cost by the memory a block uses. */
const PAGE_WORDS = 1024

interface Page {
  readonly words: Uint32Array
  readonly used: Uint8Array
}

export interface MemoryOptions {
  /** Size of the address space a guest may use, 1 to MAX_MEMORY_MIB, which stands for all of it. */
  readonly limitMib: number
  /** Refuse at once what cannot be proved about an address, as SP1 does since release 5. */
  readonly isStrict?: boolean
  /** Instructions of a program that compiled code will run. */
  readonly codeWords?: number
  /** Where the bytes come from, all zero; compiled code shares them. */
  readonly allocate?: (bytes: number) => ArrayBuffer
}

export class Memory {
  readonly layout: MemoryLayout
  readonly buffer: ArrayBuffer
  readonly registers: Uint32Array
  onUnprovable: (reason: string) => void = () => {}
  /** Told before an access to the register that lies at an address below 32; may throw. */
  onRegisterAccess: (register: number) => void = () => {}

  readonly #limitMib: number
  readonly #isStrict: boolean
  readonly #endBytes: number
  /** Below this and above the registers an access needs no further thought. */
  readonly ordinaryEndBytes: number
  readonly #words: Uint32Array
  /** 1 for a word that was loaded, stored or in the program's image. */
  readonly #used: Uint8Array
  /** Bit per word: HINT_READ wrote it. */
  readonly #hinted: Uint32Array
  /** Pages as they were before an unconstrained block used them; undefined outside one. */
  #undo: Map<number, Page> | undefined

  constructor({
    limitMib,
    isStrict = false,
    codeWords = 0,
    allocate = (bytes) => new ArrayBuffer(bytes),
  }: MemoryOptions) {
    this.#limitMib = limitMib
    this.#isStrict = isStrict
    const executorEnd = isStrict ? STRICT_MEMORY_END : EXECUTOR_MEMORY_END
    this.#endBytes = limitMib === MAX_MEMORY_MIB ? executorEnd : limitMib * MIB
    this.ordinaryEndBytes = Math.min(this.#endBytes, MEMORY_END)
    const words = Math.ceil(this.#endBytes / 4 / PAGE_WORDS) * PAGE_WORDS
    this.layout = layoutOf(4 * words, codeWords)
    this.buffer = allocate(this.layout.totalBytes)
    this.registers = new Uint32Array(this.buffer, STATE.registers, 32)
    this.#words = new Uint32Array(this.buffer, this.layout.guestOffset, words)
    this.#used = new Uint8Array(this.buffer, this.layout.usedOffset, words)
    this.#hinted = new Uint32Array(words / 32)
  }

  /** Write a program's initial memory; those words count as used. */
  loadImage({ imageAddresses, imageWords }: Program): void {
    for (let i = 0; i < imageAddresses.length; i++) this.writeWord(imageAddresses[i], imageWords[i])
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
    if (this.#undo !== undefined) this.#remember(index)
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
    if (this.#undo !== undefined) this.#remember(index)
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
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      const at = (address + i) >>> 0
      bytes[i] = this.#peekWord(at & ~3) >>> ((at & 3) * 8)
    }
    return bytes
  }

  /**
   * Give a word the value it shall have when it is first used.
   *
   * @returns false if an earlier hint is there already, which SP1 refuses.
   */
  hintWord(address: number, value: number): boolean {
    const index = this.#indexOf(address)
    if (index < 0) {
      throw new GuestError('UNPROVABLE', { reason: 'a hint was read into the registers' })
    }
    const bit = 1 << (index & 31)
    if ((this.#hinted[index >>> 5] & bit) !== 0) return false
    this.#hinted[index >>> 5] |= bit
    if (!this.#isUsed(index)) this.#words[index] = value
    else if (value !== 0) this.onUnprovable('a hint was read into memory that was already in use')
    return true
  }

  /** From now on remember what changes, until `rollBack`. */
  beginUndo(): void {
    this.#undo = new Map()
  }

  /** Undo every change since `beginUndo`, except to registers, which the caller restores. */
  rollBack(): void {
    for (const [page, { words, used }] of this.#undo ?? []) {
      this.#words.set(words, page * PAGE_WORDS)
      this.#used.set(used, page * PAGE_WORDS)
    }
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
    if (at >= REGISTERS_END && at < this.ordinaryEndBytes) return at >>> 2
    if (at >= this.#endBytes) this.#outOfRange(at)
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
    return this.#isUsed(index) ? this.#words[index] : 0
  }

  #storePart(address: number, shiftBits: number, mask: number, value: number): void {
    const aligned = address & ~3
    const rest = this.#peekWord(aligned) & ~(mask << shiftBits)
    const index = aligned >>> 2
    if (!this.#isUsed(index) && (this.#words[index] & ~(mask << shiftBits)) !== 0) {
      this.onUnprovable('a part of a hinted word was stored before the word was loaded')
    }
    this.writeWord(aligned, rest | ((value & mask) << shiftBits))
  }

  #isUsed(index: number): boolean {
    return this.#used[index] === 1
  }

  #remember(index: number): void {
    const page = Math.floor(index / PAGE_WORDS)
    if (this.#undo?.has(page)) return
    const start = page * PAGE_WORDS
    this.#undo?.set(page, {
      words: this.#words.slice(start, start + PAGE_WORDS),
      used: this.#used.slice(start, start + PAGE_WORDS),
    })
  }
}

function misaligned(mnemonic: string, address: number): never {
  throw new GuestError('MEMORY_MISALIGNED', {
    mnemonic,
    address: `0x${(address >>> 0).toString(16)}`,
  })
}
