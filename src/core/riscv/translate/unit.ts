/**
 * A unit of translation: the basic blocks that can be reached from one entry without calling or
 * returning. Usually a function; entered elsewhere, what is left of it from there.
 */
import type { Code } from '../code.js'

/** Above this an edge leaves the unit. Also how far a unit can run without looking at its budget. */
export const MAX_UNIT_INSTRUCTIONS = 8192

/**
 * Computed jumps times what they may lead to: each costs memory and time of the host. Beyond it they leave
 * the unit. An interpreter of 256 instructions that all jump by themselves to the next one is below.
 */
const MAX_JUMP_EDGES = 2 ** 16

const RETURN_REGISTERS = [1, 5]

/** What a block ends with. Targets are pcs; one that is no block of the unit leaves it. */
export type Terminator =
  | { readonly kind: 'goto'; readonly to: number }
  | { readonly kind: 'branch'; readonly to: number; readonly next: number }
  /** `to` undefined: computed. */
  | { readonly kind: 'call'; readonly to: number | undefined; readonly next: number }
  | { readonly kind: 'ecall'; readonly next: number }
  /** To a computed pc, likely one of `targets`, which are blocks of the unit. */
  | { readonly kind: 'jump'; readonly targets: readonly number[] }
  | { readonly kind: 'return' }
  /** The last instruction is the interpreter's. */
  | { readonly kind: 'fault' }

export interface Block {
  /** Index of the first instruction, and the one behind the last. */
  readonly start: number
  readonly end: number
  readonly pc: number
  readonly terminator: Terminator
  /** Blocks of the unit that may follow, by position in `Unit.blocks`, no duplicates. */
  readonly successors: readonly number[]
  /** What follows does so after a call or ecall, which may have changed every register. */
  readonly isCall: boolean
}

export interface Unit {
  readonly entryPc: number
  /** In reverse postorder: the entry first, and only edges that go backwards in a loop go up. */
  readonly blocks: readonly Block[]
  /** Position in `blocks` by pc. */
  readonly positions: ReadonlyMap<number, number>
}

/** Says of a block, by the index of its first instruction, that it is left out. */
export type IsLeftOut = (start: number) => boolean

/** @param entry - index of an instruction that is a leader. */
export function unitAt(code: Code, entry: number, isLeftOut: IsLeftOut = () => false): Unit {
  // Data that points into the function may be its jump tables; the same for every jump in it.
  const { start, end } = code.functionAround(entry)
  const dataTargets = code.dataTargetsWithin(start + 1, end)
  const jumpTargets = dataTargets.length <= MAX_JUMP_EDGES ? dataTargets : []
  const found = reach(code, entry, jumpTargets, isLeftOut)
  const order = reversePostorder(found, code.pcOf(entry))
  const positions = new Map(order.map((pc, position) => [pc, position]))
  const positionsOf = (pcs: readonly number[]) => [
    ...new Set(pcs.map((pc) => positions.get(pc)).filter((position) => position !== undefined)),
  ]
  const jumpSuccessors = positionsOf(jumpTargets)
  const blocks = order.map((pc) => {
    const block = found.get(pc) as Reached
    const { terminator } = block
    const successors =
      terminator.kind === 'jump' && terminator.targets.length > 0
        ? jumpSuccessors
        : positionsOf(targetsOf(terminator))
    return { ...block, pc, successors }
  })
  return { entryPc: code.pcOf(entry), blocks, positions }
}

export function instructionsOf({ blocks }: Unit): number {
  return blocks.reduce((sum, { start, end }) => sum + end - start, 0)
}

type Reached = Omit<Block, 'pc' | 'successors'>

function reach(
  code: Code,
  entry: number,
  jumpTargets: readonly number[],
  isLeftOut: IsLeftOut,
): Map<number, Reached> {
  const found = new Map<number, Reached>()
  const waiting = [entry]
  let instructions = 0
  let jumpEdges = 0
  while (waiting.length > 0) {
    const start = waiting.pop() as number
    const pc = code.pcOf(start)
    if (found.has(pc)) continue
    const end = code.blockEnd(start)
    instructions += end - start
    if (instructions > MAX_UNIT_INSTRUCTIONS && start !== entry) {
      instructions -= end - start
      continue
    }
    const hasRoom = jumpEdges + jumpTargets.length <= MAX_JUMP_EDGES
    const terminator = terminatorOf(code, end - 1, hasRoom ? jumpTargets : [])
    if (terminator.kind === 'jump') jumpEdges += terminator.targets.length
    const isCall = terminator.kind === 'call' || terminator.kind === 'ecall'
    found.set(pc, { start, end, terminator, isCall })
    for (const target of targetsOf(terminator)) {
      const index = code.indexOf(target)
      if (index === undefined || isLeftOut(index)) continue
      // Another function is left to a unit of its own: going there is a tail call.
      if (!code.isFunction(index) || index === entry) waiting.push(index)
    }
  }
  return found
}

function terminatorOf(code: Code, index: number, jumpTargets: readonly number[]): Terminator {
  const { row, rd, rs1, imm } = code.at(index)
  const next = code.pcOf(index + 1)
  const to = code.targetOf(index)
  // The interpreter knows what a pc that is no multiple of 4 means.
  if (to !== undefined && to % 4 !== 0) return { kind: 'fault' }
  switch (row.control) {
    case undefined:
      return { kind: 'goto', to: next }
    case 'branch':
      return to === next ? { kind: 'goto', to } : { kind: 'branch', to: to as number, next }
    case 'ecall':
      return { kind: 'ecall', next }
    case 'fault':
      return { kind: 'fault' }
    default:
      if (rd !== 0) return { kind: 'call', to, next }
      if (to !== undefined) return { kind: 'goto', to }
      if (RETURN_REGISTERS.includes(rs1) && imm === 0) return { kind: 'return' }
      return { kind: 'jump', targets: jumpTargets }
  }
}

function targetsOf(terminator: Terminator): readonly number[] {
  switch (terminator.kind) {
    case 'goto':
      return [terminator.to]
    case 'branch':
      return [terminator.to, terminator.next]
    case 'call':
    case 'ecall':
      return [terminator.next]
    case 'jump':
      return terminator.targets
    default:
      return []
  }
}

/** Pcs of the blocks found. The last successor is visited first, so that it ends up behind. */
function reversePostorder(found: ReadonlyMap<number, Reached>, entry: number): number[] {
  const postorder: number[] = []
  const seen = new Set([entry])
  const path: { pc: number; targets: number[] }[] = []
  const enter = (pc: number) => {
    const { terminator } = found.get(pc) as Reached
    path.push({ pc, targets: [...targetsOf(terminator)] })
  }
  enter(entry)
  while (path.length > 0) {
    const top = path.at(-1) as { pc: number; targets: number[] }
    const target = top.targets.shift()
    if (target === undefined) postorder.push((path.pop() as { pc: number }).pc)
    else if (found.has(target) && !seen.has(target)) {
      seen.add(target)
      enter(target)
    }
  }
  return postorder.reverse()
}
