/**
 * What a program's instructions say about its control flow, before anything runs: where basic blocks
 * begin, where functions do, and which instructions data points to: targets of computed jumps, perhaps.
 * Instructions are named by their index; instruction i has pc pcBase + 4i.
 */
import { type Code, FAULT_ROW, FIRST_ROW } from '../code.js'
import type { Instruction } from '../instruction.js'
import { STATE } from '../memory-layout.js'
import type { Program } from '../program.js'

/** Straight code is cut here, so that what a block counts in advance stays little. */
const MAX_BLOCK_INSTRUCTIONS = 256

export class CodeMap {
  readonly count: number
  readonly program: Program
  /** 1 where a basic block begins. */
  readonly isLeader: Uint8Array
  /** 1 where a call with a known target goes: the beginning of a function. */
  readonly isFunction: Uint8Array
  /** 1 where a word of data points to. */
  readonly #isDataTarget: Uint8Array

  constructor(readonly code: Code) {
    this.program = code.program
    this.count = code.length
    this.isLeader = new Uint8Array(this.count + 1)
    this.isFunction = new Uint8Array(this.count + 1)
    this.#isDataTarget = this.#findDataTargets()
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
    const { row, rs1, imm } = this.code.at(index)
    if (row.control === 'branch' || row.control === 'jal') return (this.pcOf(index) + imm) >>> 0
    if (row.control !== 'jalr' || index === 0 || this.isLeader[index] === 1) return undefined
    const before = this.code.at(index - 1)
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

  /** Pcs that words of data point to, of the instructions from `start` to before `end`, ascending. */
  dataTargetsWithin(start: number, end: number): number[] {
    const found: number[] = []
    for (let i = start; i < end; i++) if (this.#isDataTarget[i] === 1) found.push(this.pcOf(i))
    return found
  }

  #findLeaders(): void {
    const { entries, isa } = this.code
    const controls = isa.rows.map(({ control }) => control)
    const auipc = FIRST_ROW + isa.rows.findIndex(({ mnemonic }) => mnemonic === 'auipc')
    this.isLeader[this.count] = 1
    this.isLeader.set(this.#isDataTarget)
    const start = this.indexOf(this.program.pcStart)
    if (start !== undefined) this.isLeader[start] = 1
    for (let index = 0; index < this.count; index++) {
      const entry = entries[2 * index]
      const row = entry & 0xff
      const control = row === FAULT_ROW ? 'fault' : controls[row - FIRST_ROW]
      if (control === undefined) continue
      this.isLeader[index + 1] = 1
      const target = this.#targetIndexOf(index, control, auipc)
      if (target === undefined) continue
      this.isLeader[target] = 1
      const isCall = control !== 'branch' && rdOf(entry) !== STATE.sink
      if (isCall) this.isFunction[target] = 1
    }
  }

  /** As `targetOf`, for entries. */
  #targetIndexOf(
    index: number,
    control: Instruction['control'],
    auipc: number,
  ): number | undefined {
    const { entries } = this.code
    const imm = entries[2 * index + 1]
    if (control === 'branch' || control === 'jal') return index + imm / 4
    if (control !== 'jalr' || index === 0 || this.isLeader[index] === 1) return undefined
    const before = entries[2 * index - 2]
    const isPair = (before & 0xff) === auipc && rdOf(before) === rs1Of(entries[2 * index])
    return isPair ? this.indexOf((this.pcOf(index - 1) + entries[2 * index - 1] + imm) >>> 0) : undefined
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
  #findDataTargets(): Uint8Array {
    const { pcBase, imageWords } = this.program
    const isTarget = new Uint8Array(this.count)
    for (let i = 0; i < imageWords.length; i++) {
      const offset = (imageWords[i] - pcBase) >>> 0
      if ((offset & 3) === 0 && offset >>> 2 < this.count) isTarget[offset >>> 2] = 1
    }
    return isTarget
  }
}

function rdOf(entry: number): number {
  return (entry >>> 8) & 0xff
}

function rs1Of(entry: number): number {
  return (entry >>> 16) & 0xff
}
