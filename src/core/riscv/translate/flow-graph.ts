/**
 * The shape of a unit's control flow: dominators, loops, and the blocks that several paths reach.
 * Source: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001); the terms are
 * Ramsey's, "Beyond Relooper" (2022).
 */
import type { Unit } from './unit.js'

/** All by position in `Unit.blocks`. */
export interface FlowGraph {
  /** The nearest block that every path from the entry goes through; the entry's is itself. */
  readonly dominators: readonly number[]
  /** Blocks that each block is the dominator of, the last in order first. */
  readonly children: readonly (readonly number[])[]
  /** A later block, which it dominates, goes back to it. */
  readonly isLoop: readonly boolean[]
  /** More than one path forward leads to it, or a computed jump does. */
  readonly isMerge: readonly boolean[]
  /**
   * Loops, blocks and ifs can express it without nesting too deeply: every edge backwards goes to a
   * block that dominates where it comes from.
   */
  readonly isStructured: boolean
}

export function flowGraphOf({ blocks, positions }: Unit): FlowGraph {
  const predecessors: number[][] = blocks.map(() => [])
  blocks.forEach(({ successors }, from) => {
    for (const to of successors) predecessors[to].push(from)
  })
  const dominators = computeDominators(predecessors)
  const dominates = (above: number, below: number) => {
    let at = below
    while (at > above) at = dominators[at]
    return at === above
  }
  const children: number[][] = blocks.map(() => [])
  for (let block = blocks.length - 1; block > 0; block--) children[dominators[block]].push(block)
  const isBack = (from: number, to: number) => to <= from
  const isLoop = predecessors.map((froms, to) => froms.some((from) => isBack(from, to)))
  const isReducible = predecessors.every((froms, to) =>
    froms.every((from) => !isBack(from, to) || dominates(to, from)),
  )
  const isMerge = predecessors.map((froms, to) => {
    const forward = froms.filter((from) => !isBack(from, to))
    return forward.length > 1 || forward.some((from) => blocks[from].terminator.kind === 'jump')
  })
  const isTaken = (from: number, to: number) => {
    const { terminator } = blocks[from]
    return terminator.kind === 'branch' && positions.get(terminator.to) === to
  }
  const isDeeper = (above: number, block: number) =>
    children[above].length > 1 || isLoop[above] || isTaken(above, block)
  const isStructured = isReducible && deepestNesting(dominators, isDeeper) <= MAX_NESTING
  return { dominators, children, isLoop, isMerge, isStructured }
}

/** Writing nested blocks is recursive, and so is what reads them. */
const MAX_NESTING = 300

/** At most this many blocks, loops and ifs are open at once. */
function deepestNesting(
  dominators: readonly number[],
  isDeeper: (above: number, block: number) => boolean,
): number {
  const nesting = [1]
  for (let block = 1; block < dominators.length; block++) {
    const above = dominators[block]
    nesting.push(nesting[above] + (isDeeper(above, block) ? 1 : 0))
  }
  return nesting.reduce((deepest, level) => Math.max(deepest, level))
}

function computeDominators(predecessors: readonly (readonly number[])[]): number[] {
  const dominators: number[] = predecessors.map(() => -1)
  dominators[0] = 0
  const meet = (a: number, b: number) => {
    let [x, y] = [a, b]
    while (x !== y) {
      while (x > y) x = dominators[x]
      while (y > x) y = dominators[y]
    }
    return x
  }
  let isStable = false
  while (!isStable) {
    isStable = true
    for (let block = 1; block < predecessors.length; block++) {
      const known = predecessors[block].filter((from) => dominators[from] >= 0)
      const dominator = known.reduce(meet)
      if (dominators[block] === dominator) continue
      dominators[block] = dominator
      isStable = false
    }
  }
  return dominators
}
