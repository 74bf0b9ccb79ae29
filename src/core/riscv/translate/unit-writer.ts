/**
 * One unit as one WebAssembly function (left, depth) → (pc, left).
 *
 * `left` is how many instructions may still run; every block takes its own from it when it begins,
 * and functions, loops and returns from calls stop when it is negative. `depth` is how many calls may
 * nest. The function ends with the pc where to go on. A pc with bit 0 set is that of an instruction
 * only the interpreter can execute, which callers on the way up never take for their own.
 *
 * Control flow is structured by the dominator tree, or, where that is impossible, a loop around a
 * branch table. Source: Ramsey, "Beyond Relooper" (2022).
 */
import { InternalError } from '../../errors.js'
import type { FunctionBuilder, Label } from '../../wasm/function-builder.js'
import { STATE } from '../memory-layout.js'
import { type AccessPlan, planAccesses } from './accesses.js'
import { DEPTH, Departures, FAULT, LEFT, type Surroundings } from './departures.js'
import { Emitter } from './emitter.js'
import { type FlowGraph, flowGraphOf } from './flow-graph.js'
import { planRegisters, type RegisterPlan } from './registers.js'
import type { Block, Unit } from './unit.js'

/** Up to so many targets are compared one by one. */
const FEW_TARGETS = 4
/** A branch table may have this many entries for each that is used; sparser targets are searched for. */
const MAX_TABLE_SPREAD = 16
/** V8 takes 65,520. */
const MAX_TABLE_ENTRIES = 2 ** 15

export function writeUnit(wasm: FunctionBuilder, unit: Unit, surroundings: Surroundings): void {
  new UnitWriter(wasm, unit, surroundings).write()
}

class UnitWriter {
  readonly #f: Emitter
  readonly #graph: FlowGraph
  readonly #accesses: readonly AccessPlan[]
  readonly #registers: RegisterPlan
  readonly #departures: Departures
  #landings: readonly Label[] = []
  /** Where a branch to a block goes, while it can: its loop, or the end of a block before it. */
  readonly #loops: (Label | undefined)[]
  readonly #merges: (Label | undefined)[]
  /** With a branch table: the local that names the next block. */
  #next: number | undefined

  constructor(
    readonly wasm: FunctionBuilder,
    readonly unit: Unit,
    readonly around: Surroundings,
  ) {
    const { code, target } = around
    wasm.nameLocal(LEFT, 'left')
    wasm.nameLocal(DEPTH, 'depth')
    this.#f = new Emitter(wasm, target, code.isa.xlen)
    this.#graph = flowGraphOf(unit)
    this.#accesses = unit.blocks.map(({ start, end }) => planAccesses(code, start, end))
    this.#registers = planRegisters(code, unit, this.#graph, this.#accesses)
    this.#departures = new Departures(this.#f, wasm, unit, around, this.#registers)
    this.#loops = unit.blocks.map(() => undefined)
    this.#merges = unit.blocks.map(() => undefined)
  }

  write(): void {
    const f = this.#f
    // if ((left | depth) < 0) return entry
    this.wasm.local.get(LEFT)
    this.wasm.local.get(DEPTH)
    f.i32.or()
    f.i32.const(0)
    f.i32.lt_s()
    f.if(() => this.#departures.returnPc(this.unit.entryPc))
    f.load(this.#registers.live[0])
    const { landings } = this.#registers
    this.wasm.blocks(
      landings.length,
      (labels) => {
        this.#landings = labels
        if (this.#graph.isStructured) this.#tree(0)
        else this.#branchTable()
      },
      (i) => this.#landing(landings[i]),
    )
    this.wasm.unreachable()
  }

  /** Where the unit is left with registers to store: the pc is in its local. */
  #landing(registers: number): void {
    const f = this.#f
    f.store(registers)
    f.setState(STATE.exit, () => {
      this.wasm.local.get(this.#departures.pc)
      f.i32.const(FAULT)
      f.i32.and()
    })
    this.wasm.local.get(this.#departures.pc)
    this.#departures.return()
  }

  // Structure.

  /** A block and all it dominates. */
  #tree(position: number): void {
    let at: number | undefined = position
    while (at !== undefined) {
      const merges: number[] = this.#graph.children[at].filter(
        (child) => this.#graph.isMerge[child],
      )
      merges.reverse()
      if (this.#graph.isLoop[at] || merges.length > 0) {
        this.#nested(at, merges)
        return
      }
      at = this.#block(at)
    }
  }

  #nested(position: number, merges: readonly number[]): void {
    const within = () =>
      this.wasm.blocks(
        merges.length,
        (labels) => {
          merges.forEach((merge, i) => {
            this.#merges[merge] = labels[i]
          })
          const next = this.#block(position)
          if (next !== undefined) this.#tree(next)
        },
        (i) => this.#tree(merges[i]),
      )
    if (!this.#graph.isLoop[position]) {
      within()
      return
    }
    this.wasm.loop((again) => {
      this.#loops[position] = again
      within()
    })
  }

  /** loop { switch (next) { case 0: block 0; case 1: ... } } */
  #branchTable(): void {
    const next = this.wasm.newLocal('i32', 'next')
    this.#next = next
    this.wasm.loop((again) => {
      this.#loops.fill(again)
      this.wasm.blocks(
        this.unit.blocks.length,
        (labels) => {
          labels.forEach((label, i) => {
            this.#merges[i] = label
          })
          this.wasm.local.get(next)
          this.wasm.br_table(labels.slice(0, -1), labels.at(-1) as Label)
        },
        (i) => {
          this.#block(i)
        },
      )
    })
  }

  /** @returns the block to write next, right behind this one; undefined if control is elsewhere. */
  #edge(from: number, pc: number): number | undefined {
    const to = this.unit.positions.get(pc)
    if (to === undefined) {
      this.#departures.leave(from, pc)
      return undefined
    }
    const label = this.#labelOf(from, to)
    if (label === undefined) return to
    if (this.#next !== undefined && to <= from) {
      this.#f.i32.const(to)
      this.wasm.local.set(this.#next)
    }
    this.wasm.br(label)
    return undefined
  }

  #labelOf(from: number, to: number): Label | undefined {
    if (to <= from) return this.#loops[to]
    return this.#next !== undefined || this.#graph.isMerge[to] ? this.#merges[to] : undefined
  }

  // Blocks.

  #block(position: number): number | undefined {
    const f = this.#f
    const block = this.unit.blocks[position]
    const { start, end, pc } = block
    if (this.#graph.isLoop[position]) {
      // if (left < 0) leave
      this.wasm.local.get(LEFT)
      f.i32.const(0)
      f.i32.lt_s()
      f.if(() => this.#leaveAt(start, pc))
    }
    this.#count(block)
    for (let index = start; index < end; index++) this.#instruction(position, index)
    return this.#terminator(position, block)
  }

  /** left -= instructions of the block; counts[block] += 1 */
  #count({ start, end }: Block): void {
    const f = this.#f
    const { layout, hasCounts } = this.around.target
    this.wasm.local.get(LEFT)
    f.i32.const(end - start)
    f.i32.sub()
    this.wasm.local.set(LEFT)
    if (!hasCounts) return
    const counter = layout.countsOffset + 8 * start
    f.i32.const(0)
    f.i32.const(0)
    f.i64.load(counter)
    f.i64.const(1n)
    f.i64.add()
    f.i64.store(counter)
  }

  #instruction(position: number, index: number): void {
    const f = this.#f
    const instruction = this.around.code.at(index)
    const { row, rs1, imm } = instruction
    const { checks, firstUses } = this.#accesses[position]
    f.pc = this.around.code.pcOf(index)
    const fault = () => this.#leaveAt(index, f.pc | FAULT)
    for (const check of checks.get(index) ?? []) f.require(check, fault)
    if (row.access !== undefined && firstUses.has(index)) {
      if (row.access.isStore && row.access.bytes < 4) f.requireNoHint(rs1, imm, fault)
      f.markUsed(rs1, imm)
    }
    if (row.control === undefined) row.translate?.(f, instruction)
  }

  #leaveAt(index: number, pc: number): void {
    const landing = this.#registers.landingOf.get(index)
    if (landing === undefined) throw new InternalError(`no way to leave at ${index}`)
    this.#f.leaveFor(this.#landings[landing], this.#departures.pc, pc)
  }

  #terminator(position: number, block: Block): number | undefined {
    const { terminator, end } = block
    const instruction = this.around.code.at(end - 1)
    switch (terminator.kind) {
      case 'goto':
        return this.#edge(position, terminator.to)
      case 'branch':
        instruction.row.translate?.(this.#f, instruction)
        this.#branch(position, terminator.to)
        return this.#edge(position, terminator.next)
      case 'call':
        this.#departures.call(position, block, terminator)
        return this.#edge(position, terminator.next)
      case 'ecall':
        this.#departures.ecall(position, terminator.next)
        return this.#edge(position, terminator.next)
      case 'jump':
        this.#departures.computeTarget(instruction.rs1, instruction.imm)
        this.#jumpTable(position, terminator.targets)
        this.#departures.jump(position)
        return undefined
      case 'return':
        this.#departures.returnTo(position, instruction.rs1)
        return undefined
      case 'fault':
        this.#leaveAt(end - 1, this.#f.pc | FAULT)
        return undefined
    }
  }

  /** The condition is pushed. */
  #branch(from: number, pc: number): void {
    const to = this.unit.positions.get(pc)
    const label = to === undefined ? undefined : this.#labelOf(from, to)
    if (label !== undefined && (this.#next === undefined || (to as number) > from)) {
      this.wasm.br_if(label)
      return
    }
    this.#f.if(() => {
      const next = this.#edge(from, pc)
      if (next !== undefined) this.#tree(next)
    })
  }

  /** switch (pc) { one of the targets: go there } */
  #jumpTable(position: number, targets: readonly number[]): void {
    const known = targets.filter((pc) => this.unit.positions.has(pc))
    if (known.length === 0 || this.#next !== undefined) return
    const [first, last] = [known[0], known.at(-1) as number]
    const size = (last - first) / 4 + 1
    const isDense = size <= Math.min(MAX_TABLE_SPREAD * known.length, MAX_TABLE_ENTRIES)
    if (known.length <= FEW_TARGETS || !isDense) {
      this.#searchTargets(position, known)
      return
    }
    this.wasm.block((other) => {
      const table = Array<Label>(size).fill(other)
      for (const pc of known) {
        const to = this.unit.positions.get(pc) as number
        table[(pc - first) / 4] = this.#labelOf(position, to) ?? other
      }
      this.wasm.local.get(this.#departures.pc)
      this.#f.i32.const(first)
      this.#f.i32.sub()
      this.#f.i32.const(2)
      this.#f.i32.rotr()
      this.wasm.br_table(table, other)
    })
  }

  /** if (pc == target) go there, for each; halves of many are told apart first */
  #searchTargets(position: number, targets: readonly number[]): void {
    if (targets.length > FEW_TARGETS) {
      const middle = targets.length >>> 1
      this.wasm.local.get(this.#departures.pc)
      this.#f.i32.const(targets[middle])
      this.#f.i32.lt_u()
      this.wasm.if(
        () => this.#searchTargets(position, targets.slice(0, middle)),
        () => this.#searchTargets(position, targets.slice(middle)),
      )
      return
    }
    for (const pc of targets) {
      const label = this.#labelOf(position, this.unit.positions.get(pc) as number)
      if (label === undefined) continue
      this.wasm.local.get(this.#departures.pc)
      this.#f.i32.const(pc)
      this.#f.i32.eq()
      this.wasm.br_if(label)
    }
  }
}
