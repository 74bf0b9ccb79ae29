/**
 * Where a guest spends its instructions: a call stack for each of them, made from the jumps that call
 * and return. What an unconstrained block does is no part of it, as it is no part of the cycle count.
 *
 * Which jumps are calls and returns is told by the registers they link, as for a return-address
 * stack (RISC-V manual, volume I, 2.5.1; psABI: x1 and x5 hold return addresses). A return goes to
 * the newest frame that waits at its target, so that frames which never return do no harm.
 *
 * Memory is bounded: long runs lose order, never weight.
 */
import type { Hart } from '../riscv/hart.js'
import type { Decoded } from '../riscv/instruction.js'
import type { FunctionSymbols } from '../riscv/symbols.js'
import { demangle } from './demangle.js'

/** Deeper calls count as their caller at this depth. */
const MAX_DEPTH = 128
/** Calls that may be waiting for their return; deeper ones are counted and nothing else. */
const MAX_FRAMES = 2 ** 16
/** How many frames a return may go past; looking through all of them for each would take too long. */
const MAX_UNWIND = 256
/** Distinct stacks; what would be a new one beyond counts as its caller. */
const MAX_STACKS = 2 ** 14
const MAX_SAMPLES = 2 ** 16
const RA = 1
const T0 = 5

/** Stacks in the order in which they were seen, and how many instructions each stands for. */
export interface Profile {
  /** Names of functions; 0x and the address of one that has none. */
  readonly frames: readonly string[]
  /** Indices into `frames`, the outermost first. Neighbours may be equal. */
  readonly samples: readonly (readonly number[])[]
  /** Instructions of each sample; together the cycles of the run. */
  readonly weights: readonly number[]
}

/** A function called by certain others; the root, above the outermost function, is none itself. */
interface Stack {
  readonly parent: Stack | undefined
  readonly depth: number
  /** Its function's address: the symbol's, or where it was called at if it has none. */
  readonly address: number
  readonly callees: Map<number, Stack>
}

interface Frame {
  readonly stack: Stack
  readonly returnsTo: number
}

interface Sample {
  /** Number of the time window it is in. */
  window: number
  readonly stack: Stack
  weight: number
}

export class ProfileRecorder {
  readonly #symbols: FunctionSymbols
  /** The symbol that the pc is in, -1 for none, and its addresses. */
  #symbol = -1
  #symbolStart = 0
  #symbolEnd = 0
  #stack: Stack
  #stackCount = 0
  /** The callers of the current stack, which wait. */
  readonly #waiting: Frame[] = []
  #callsBeyond = 0
  #cyclesSeen = 0
  #samples: Sample[] = []
  /** Samples within one window of time are added up; it doubles when they become too many. */
  #windowCycles = 1
  /** Each stack's newest sample. */
  readonly #lastOf = new Map<Stack, Sample>()

  constructor(symbols: FunctionSymbols, pcStart: number) {
    this.#symbols = symbols
    const root = { parent: undefined, depth: 0, address: 0, callees: new Map() }
    this.#stack = this.#calleeOf(root, this.#enter(pcStart))
  }

  /**
   * Note a `jal` or `jalr` that has just been executed.
   *
   * @param cycles - instructions before it
   */
  readonly onJump = (hart: Hart, { row, rd, rs1 }: Decoded, cycles: number): void => {
    if (hart.memory.isRecordingUndo) return
    const target = hart.nextPc
    const isCall = rd === RA || rd === T0
    const isIndirect = row.mnemonic === 'jalr'
    const isReturn = isIndirect && (rs1 === RA || rs1 === T0) && rs1 !== rd
    // Most jumps stay in their function, and do not change the stack.
    if (!isCall && !isReturn && this.#isWithin(target)) return
    this.#spend(cycles + 1)
    if (isReturn && this.#return(target) && !isCall) return
    const address = this.#enter(target)
    if (isCall) this.#call(address, (hart.pc + 4) >>> 0)
    else if (this.#symbol >= 0) this.#replace(address)
  }

  /** @param cycles - of the whole run */
  finish(cycles: number): Profile {
    this.#spend(cycles)
    const indices = new Map<number, number>()
    const indexOf = (address: number) => {
      const index = indices.get(address) ?? indices.size
      indices.set(address, index)
      return index
    }
    const samples = this.#samples.map(({ stack }) => addressesOf(stack).map(indexOf))
    const weights = this.#samples.map(({ weight }) => weight)
    return { frames: [...indices.keys()].map((address) => this.#nameOf(address)), samples, weights }
  }

  #isWithin(pc: number): boolean {
    return this.#symbol < 0
      ? this.#symbols.indexOf(pc) < 0
      : pc >= this.#symbolStart && pc < this.#symbolEnd
  }

  /** @returns the address by which the function at `pc` is known. */
  #enter(pc: number): number {
    if (this.#symbol < 0 || !this.#isWithin(pc)) {
      this.#symbol = this.#symbols.indexOf(pc)
      if (this.#symbol < 0) return pc
      this.#symbolStart = this.#symbols.starts[this.#symbol]
      this.#symbolEnd = this.#symbols.ends[this.#symbol]
    }
    return this.#symbolStart
  }

  #call(address: number, returnsTo: number): void {
    if (this.#waiting.length === MAX_FRAMES) {
      this.#callsBeyond++
      return
    }
    this.#waiting.push({ stack: this.#stack, returnsTo })
    this.#stack = this.#calleeOf(this.#stack, address)
  }

  /** @returns false if nobody waits there: it is a jump like any other. */
  #return(target: number): boolean {
    if (this.#callsBeyond > 0) {
      this.#callsBeyond--
      this.#enter(target)
      return true
    }
    const last = this.#waiting.length - 1
    for (let i = last; i >= 0 && i >= last - MAX_UNWIND; i--) {
      const { stack, returnsTo } = this.#waiting[i]
      if (returnsTo !== target) continue
      this.#waiting.length = i
      this.#stack = stack
      this.#enter(target)
      return true
    }
    return false
  }

  /** A tail call takes the place of its caller. */
  #replace(address: number): void {
    const { parent, depth } = this.#stack
    if (parent !== undefined && depth < MAX_DEPTH) this.#stack = this.#calleeOf(parent, address)
  }

  #calleeOf(caller: Stack, address: number): Stack {
    const known = caller.callees.get(address)
    if (known !== undefined) return known
    if (caller.depth === MAX_DEPTH || this.#stackCount === MAX_STACKS) return caller
    this.#stackCount++
    const callee = { parent: caller, depth: caller.depth + 1, address, callees: new Map() }
    caller.callees.set(address, callee)
    return callee
  }

  /** Give the current stack what was executed since the last time. */
  #spend(cycles: number): void {
    const weight = cycles - this.#cyclesSeen
    if (weight === 0) return
    this.#add(Math.floor(this.#cyclesSeen / this.#windowCycles), this.#stack, weight)
    this.#cyclesSeen = cycles
    if (this.#samples.length > MAX_SAMPLES) this.#coarsen()
  }

  #add(window: number, stack: Stack, weight: number): void {
    const last = this.#lastOf.get(stack)
    if (last?.window === window) {
      last.weight += weight
      return
    }
    const sample = { window, stack, weight }
    this.#lastOf.set(stack, sample)
    this.#samples.push(sample)
  }

  /** Ends: all in one window are as many samples as stacks, which are fewer. */
  #coarsen(): void {
    while (this.#samples.length > MAX_SAMPLES / 2) {
      const finer = this.#samples
      this.#windowCycles *= 2
      this.#samples = []
      this.#lastOf.clear()
      for (const { window, stack, weight } of finer) {
        this.#add(Math.floor(window / 2), stack, weight)
      }
    }
  }

  #nameOf(address: number): string {
    const symbol = this.#symbols.indexOf(address)
    return symbol < 0 ? `0x${address.toString(16)}` : demangle(this.#symbols.nameOf(symbol))
  }
}

/** The outermost first. */
function addressesOf(stack: Stack): number[] {
  const addresses: number[] = []
  for (let at = stack; at.parent !== undefined; at = at.parent) addresses.push(at.address)
  return addresses.reverse()
}
