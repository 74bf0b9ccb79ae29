/**
 * Which registers live in locals where: what must be loaded before a unit begins and after a call,
 * and what must be stored before it leaves. Sets of registers are bit masks, bit n for xn.
 */

import type { Code } from '../code.js'
import type { Decoded } from '../instruction.js'
import type { AccessPlan } from './accesses.js'
import type { FlowGraph } from './flow-graph.js'
import type { Block, Unit } from './unit.js'

const ALL = 0xffff_fffe | 0

export interface RegisterPlan {
  /** Values that are needed from memory when a block begins; by position, as all of these. */
  readonly live: readonly number[]
  /** Written and not stored, on some path, when a block begins. */
  readonly dirty: readonly number[]
  /** Sets of registers that places to leave at store: each place has one that suits it. */
  readonly landings: readonly number[]
  /** Index into `landings` by index of the instruction before which the unit can be left. */
  readonly landingOf: ReadonlyMap<number, number>
}

export function planRegisters(
  code: Code,
  unit: Unit,
  graph: FlowGraph,
  accesses: readonly AccessPlan[],
): RegisterPlan {
  const { blocks } = unit
  const walks = blocks.map(
    (block, position) => new Walk(code, block, accesses[position], graph, position),
  )
  const dirty = flowForward(blocks, walks)
  const live = flowBackward(blocks, walks, dirty)
  const valid = computeValid(blocks, walks, live)
  const landings: number[] = []
  const landingOf = new Map<number, number>()
  walks.forEach((walk, position) => {
    walk.eachExit((index, written) => {
      const must = dirty[position] | written
      const may = valid[position] | written
      let landing = landings.findIndex((set) => (must & ~set) === 0 && (set & ~may) === 0)
      if (landing < 0) landing = landings.push(must) - 1
      landingOf.set(index, landing)
    })
  })
  return { live, dirty, landings, landingOf }
}

export function readsOf({ row, rs1, rs2 }: Decoded): number {
  switch (row.format) {
    case 'R':
    case 'S':
    case 'B':
      return ((1 << rs1) | (1 << rs2)) & ALL
    case 'I':
    case 'Shamt':
      return (1 << rs1) & ALL
    default:
      return 0
  }
}

export function writesOf({ rd }: Decoded): number {
  return (1 << rd) & ALL
}

/** One block, instruction by instruction. */
class Walk {
  readonly written: number

  constructor(
    readonly code: Code,
    readonly block: Block,
    readonly accesses: AccessPlan,
    readonly graph: FlowGraph,
    readonly position: number,
  ) {
    let written = 0
    for (let i = block.start; i < block.end; i++) written |= writesOf(code.at(i))
    this.written = written
  }

  /** Places where the unit can be left with an instruction not executed, and what is written there. */
  eachExit(visit: (index: number, written: number) => void): void {
    let written = 0
    for (let index = this.block.start; index < this.block.end; index++) {
      if (this.isExit(index)) visit(index, written)
      written |= writesOf(this.code.at(index))
    }
  }

  isExit(index: number): boolean {
    const { row } = this.code.at(index)
    const { start, end, terminator } = this.block
    return (
      // A loop looks at its budget.
      (index === start && this.graph.isLoop[this.position]) ||
      this.accesses.checks.has(index) ||
      (row.access?.isStore === true && row.access.bytes < 4) ||
      (index === end - 1 && terminator.kind === 'fault')
    )
  }

  /** Registers whose value at the beginning is needed inside, or after it where it leaves the unit. */
  uses(dirty: number): number {
    let used = 0
    let written = 0
    for (let index = this.block.start; index < this.block.end; index++) {
      const instruction = this.code.at(index)
      if (this.isExit(index)) used |= dirty & ~written
      used |= readsOf(instruction) & ~written
      written |= writesOf(instruction)
    }
    return this.canLeave() ? used | (dirty & ~written) : used
  }

  /** Calls, returns and edges out of the unit store what is dirty. */
  canLeave(): boolean {
    const { terminator, successors } = this.block
    if (terminator.kind === 'goto') return successors.length < 1
    return terminator.kind !== 'branch' || successors.length < 2
  }
}

function flowForward(blocks: readonly Block[], walks: readonly Walk[]): number[] {
  const dirty = blocks.map(() => 0)
  repeatUntilStable(() => {
    let isStable = true
    blocks.forEach((block, from) => {
      if (block.isCall) return
      const out = dirty[from] | walks[from].written
      for (const to of block.successors) {
        if ((out & ~dirty[to]) === 0) continue
        dirty[to] |= out
        isStable = false
      }
    })
    return isStable
  })
  return dirty
}

function flowBackward(
  blocks: readonly Block[],
  walks: readonly Walk[],
  dirty: readonly number[],
): number[] {
  const live = walks.map((walk, position) => walk.uses(dirty[position]))
  repeatUntilStable(() => {
    let isStable = true
    for (let at = blocks.length - 1; at >= 0; at--) {
      const { isCall, successors } = blocks[at]
      if (isCall) continue
      const out = successors.reduce((set, to) => set | live[to], 0) & ~walks[at].written
      if ((out & ~live[at]) === 0) continue
      live[at] |= out
      isStable = false
    }
    return isStable
  })
  return live
}

/** Registers whose local has their value when a block begins, whichever way it was reached. */
function computeValid(
  blocks: readonly Block[],
  walks: readonly Walk[],
  live: readonly number[],
): number[] {
  const valid = blocks.map((_, position) => (position === 0 ? live[0] : ALL))
  repeatUntilStable(() => {
    let isStable = true
    blocks.forEach(({ isCall, successors }, from) => {
      for (const to of successors) {
        const out = isCall ? live[to] : valid[from] | walks[from].written
        if ((valid[to] & ~out) === 0) continue
        valid[to] &= out
        isStable = false
      }
    })
    return isStable
  })
  return valid
}

function repeatUntilStable(step: () => boolean): void {
  let isStable = false
  while (!isStable) isStable = step()
}
