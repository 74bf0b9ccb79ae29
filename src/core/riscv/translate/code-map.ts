/**
 * What a program's instructions say about its control flow, before anything runs: where basic blocks
 * begin, where functions do, and which words of its data may be targets of computed jumps.
 * Instructions are named by their index; instruction i has pc pcBase + 4i.
 */
import type { Decoded } from '../instruction.js'
import type { Program } from '../program.js'

/** Straight code is cut here, so that what a block counts in advance stays little. */
const MAX_BLOCK_INSTRUCTIONS = 256

export class CodeMap {
  readonly count: number
  /** 1 where a basic block begins. */
  readonly isLeader: Uint8Array
  /** 1 where a call with a known target goes: the beginning of a function. */
  readonly isFunction: Uint8Array
  /** Indices that words of data point to, ascending. */
  readonly dataTargets: readonly number[]

  constructor(
    readonly instructions: readonly Decoded[],
    readonly program: Program,
  ) {
    this.count = instructions.length
    this.isLeader = new Uint8Array(this.count + 1)
    this.isFunction = new Uint8Array(this.count + 1)
    this.dataTargets = this.#findDataTargets()
    this.#findLeaders()
    this.#cutLongBlocks()
  }

  pcOf(index: number): number {
    return (this.program.pcBase + 4 * index) >>> 0
  }

  /** The index of an instruction's pc; undefined for any other number. */
  indexOf(pc: number): number | undefined {
    const offset = (pc - this.program.pcBase) >>> 0
    return offset % 4 === 0 && offset / 4 < this.count ? offset / 4 : undefined
  }

  /** The end of the block that holds `index`: the index behind its last instruction. */
  blockEnd(index: number): number {
    let end = index + 1
    while (this.isLeader[end] === 0) end++
    return end
  }

  /** The pc a jump or taken branch goes to, if the instruction alone, or with an auipc, tells. */
  targetOf(index: number): number | undefined {
    const { row, rs1, imm } = this.instructions[index]
    if (row.control === 'branch' || row.control === 'jal') return (this.pcOf(index) + imm) >>> 0
    if (row.control !== 'jalr' || index === 0 || this.isLeader[index] === 1) return undefined
    const before = this.instructions[index - 1]
    if (before.row.mnemonic !== 'auipc' || before.rd !== rs1 || rs1 === 0) return undefined
    return (this.pcOf(index - 1) + before.imm + imm) >>> 0
  }

  /** From the last function that begins at or before `index` to the next one. */
  functionAround(index: number): { start: number; end: number } {
    let start = index
    while (start > 0 && this.isFunction[start] === 0) start--
    let end = index + 1
    while (end < this.count && this.isFunction[end] === 0) end++
    return { start, end }
  }

  #findLeaders(): void {
    this.isLeader[this.count] = 1
    const mark = (flags: Uint8Array, pc: number | undefined) => {
      const index = pc === undefined ? undefined : this.indexOf(pc)
      if (index !== undefined) flags[index] = 1
    }
    mark(this.isLeader, this.program.pcStart)
    for (const index of this.dataTargets) this.isLeader[index] = 1
    this.instructions.forEach(({ row, rd }, index) => {
      if (row.control === undefined) return
      this.isLeader[index + 1] = 1
      const target = this.targetOf(index)
      mark(this.isLeader, target)
      if (row.control !== 'branch' && rd !== 0) mark(this.isFunction, target)
    })
  }

  #cutLongBlocks(): void {
    let length = 0
    for (let index = 0; index < this.count; index++) {
      if (this.isLeader[index] === 1) length = 0
      if (length++ < MAX_BLOCK_INSTRUCTIONS) continue
      this.isLeader[index] = 1
      length = 1
    }
  }

  /** No instruction is a multiple of 4, so words of code are never taken for targets. */
  #findDataTargets(): number[] {
    const found = new Set<number>()
    for (const word of this.program.imageWords) {
      if (word % 4 !== 0) continue
      const index = this.indexOf(word)
      if (index !== undefined) found.add(index)
    }
    return [...found].sort((a, b) => a - b)
  }
}
