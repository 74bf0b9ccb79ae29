/**
 * What a block must make sure of before it touches memory. Accesses relative to the same value are
 * checked together, as early as that value is known: a function's prologue needs one check.
 *
 * A check that fails leaves the block before the instruction it stands at, and the interpreter goes
 * on from there. So a check may be stricter than the accesses need, and never laxer.
 */
import type { Code } from '../code.js'
import type { Decoded } from '../instruction.js'

/** x[register] + offset is a multiple of `alignment`, and spanBytes from there are ordinary memory. */
export interface Check {
  readonly register: number
  readonly offset: number
  readonly spanBytes: number
  readonly alignment: number
}

export interface AccessPlan {
  /** Checks before an instruction, by its index. */
  readonly checks: ReadonlyMap<number, readonly Check[]>
  /** Instructions whose access is the first of the block to its word, as far as one can tell. */
  readonly firstUses: ReadonlySet<number>
}

/** Of one access, all relative to its root. */
interface Reach {
  /** What has to be ordinary memory. */
  readonly low: number
  readonly high: number
  /** What the access itself is to. */
  readonly offset: number
  readonly bytes: number
}

/** What is known of a value that addresses are computed from: value + residue ≡ 0 (mod alignment). */
class Root {
  low = Number.POSITIVE_INFINITY
  high = Number.NEGATIVE_INFINITY
  alignment = 1
  residue = 0
  #usedWords: Set<number> | undefined

  constructor(
    /** The first instruction that can see it. */
    readonly bornAt: number,
    /** The register it is in then. */
    readonly register: number,
  ) {}

  covers({ low, high, offset, bytes }: Reach): boolean {
    const isAligned = this.alignment >= bytes && mod(offset - this.residue, bytes) === 0
    return low >= this.low && high <= this.high && (bytes === 1 || isAligned)
  }

  contradicts({ offset, bytes }: Reach): boolean {
    return mod(offset - this.residue, Math.min(bytes, this.alignment)) !== 0
  }

  /** Remembers which word an access uses; true if it is not known to be used. */
  isFirstUse(offset: number): boolean {
    if (this.alignment < 4) return true
    this.#usedWords ??= new Set()
    const word = Math.floor((offset - this.residue) / 4)
    if (this.#usedWords.has(word)) return false
    this.#usedWords.add(word)
    return true
  }
}

/** A register's value: root + offset. */
interface Symbol {
  readonly root: Root
  readonly offset: number
}

interface Pending {
  readonly root: Root
  /** It contradicts an earlier check, so it fails whenever it is reached; and so it must stay. */
  readonly isImpossible: boolean
  low: number
  high: number
  alignment: number
  residue: number
}

/** Of the block from index `start` to before `end`. */
export function planAccesses(code: Code, start: number, end: number): AccessPlan {
  const plan = new Planner(start)
  for (let index = start; index < end; index++) plan.add(code.at(index), index)
  plan.close()
  return plan
}

class Planner implements AccessPlan {
  readonly checks = new Map<number, Check[]>()
  readonly firstUses = new Set<number>()
  /** By register; one that is missing was neither written nor looked at in this block. */
  readonly #symbols: (Symbol | undefined)[] = []
  /** Checks that are collected, where they will stand, and the symbols there. */
  #pending = new Map<Root, Pending>()
  #pendingAt: number
  #symbolsThere: readonly (Symbol | undefined)[] = []

  constructor(start: number) {
    this.#pendingAt = start
  }

  add({ row, rd, rs1, imm }: Decoded, index: number): void {
    if (row.access !== undefined) this.#access(index, this.#symbolOf(rs1), imm, row.access.bytes)
    if (rd === 0) return
    if (row.mnemonic === 'addi') {
      const { root, offset } = this.#symbolOf(rs1)
      this.#symbols[rd] = { root, offset: offset + imm }
    } else {
      this.#symbols[rd] = { root: new Root(index + 1, rd), offset: 0 }
    }
  }

  close(): void {
    const checks = [...this.#pending.values()].map((pending) => this.#checkOf(pending))
    if (checks.length > 0) this.checks.set(this.#pendingAt, checks)
    this.#pending = new Map()
  }

  #symbolOf(register: number): Symbol {
    this.#symbols[register] ??= { root: new Root(0, register), offset: 0 }
    return this.#symbols[register]
  }

  #access(index: number, base: Symbol, imm: number, bytes: number): void {
    const { root } = base
    const offset = base.offset + imm
    // From the register itself, so that it can be the address and imm the static offset.
    const reach = { low: Math.min(base.offset, offset), high: offset + bytes, offset, bytes }
    const isImpossible = root.contradicts(reach)
    if (isImpossible || !root.covers(reach)) {
      if (isImpossible || root.bornAt > this.#pendingAt) this.#restart(index)
      this.#require(root, reach, isImpossible)
    }
    if (root.isFirstUse(offset)) this.firstUses.add(index)
  }

  #restart(index: number): void {
    this.close()
    this.#pendingAt = index
    this.#symbolsThere = [...this.#symbols]
  }

  #require(root: Root, { low, high, offset, bytes }: Reach, isImpossible: boolean): void {
    const range = { low, high, alignment: 1, residue: 0 }
    const pending = this.#pending.get(root) ?? { root, isImpossible, ...range }
    this.#pending.set(root, pending)
    pending.low = Math.min(pending.low, low)
    pending.high = Math.max(pending.high, high)
    if (bytes > pending.alignment && (isImpossible || !pending.isImpossible)) {
      pending.alignment = bytes
      pending.residue = mod(offset, bytes)
    }
    if (isImpossible) return
    root.low = Math.min(root.low, low)
    root.high = Math.max(root.high, high)
    if (bytes > root.alignment) {
      root.alignment = bytes
      root.residue = mod(offset, bytes)
    }
  }

  #checkOf({ root, low, high, alignment, residue }: Pending): Check {
    const holder = this.#symbolsThere.findIndex((symbol) => symbol?.root === root)
    // A register that was not looked at before still has what it began with.
    const { register, offset } =
      holder < 0
        ? { register: root.register, offset: 0 }
        : { register: holder, offset: this.#symbolsThere[holder]?.offset ?? 0 }
    const alignedLow = low - mod(low - residue, alignment)
    return {
      register,
      offset: alignedLow - offset,
      spanBytes: high - alignedLow,
      alignment,
    }
  }
}

function mod(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus
}
