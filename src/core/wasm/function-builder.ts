/**
 * The body of one function. Call sites read like the text format: `f.i32.add()`, and blocks are
 * callbacks that are given their label, so that none can stay open and no depth is ever counted.
 */
import { InternalError } from '../errors.js'
import { ByteSink } from './byte-sink.js'
import {
  CONSTANT,
  CONTROL,
  type FunctionType,
  MEMORY,
  PLAIN,
  VALUE_TYPES,
  VARIABLE,
  type ValueType,
} from './opcodes.js'

/** What a branch may name: made by `block`, `loop` and `if`, valid inside them. */
export interface Label {
  /** How many blocks are open around the one it names. */
  readonly level: number
}

/** The mnemonics `N.x` of a table as methods x. */
type Methods<Table, N extends string, Method> = {
  readonly [K in keyof Table as K extends `${N}.${infer Name}` ? Name : never]: Method
}
type Numeric<N extends ValueType, Constant> = Methods<typeof PLAIN, N, () => void> &
  Methods<typeof MEMORY, N, (offset?: number) => void> &
  Methods<typeof CONSTANT, N, (value: Constant) => void>

export type I32 = Numeric<'i32', number>
export type I64 = Numeric<'i64', bigint>
export type Variable<N extends string> = Methods<typeof VARIABLE, N, (index: number) => void>

/** An empty block type: neither parameters nor results. */
const NO_RESULT = 0x40
const BYTE_ALIGNED = 0

export class FunctionBuilder {
  readonly i32: I32
  readonly i64: I64
  readonly local: Variable<'local'>
  readonly global: Variable<'global'>
  readonly #code = new ByteSink()
  readonly #locals: ValueType[] = []
  readonly #localNames = new Map<number, string>()
  #openBlocks = 0

  constructor(
    readonly name: string,
    /** Index in the module's function space. */
    readonly index: number,
    readonly type: FunctionType,
    readonly typeIndex: number,
  ) {
    this.i32 = new Namespaces.i32(this.#code) as unknown as I32
    this.i64 = new Namespaces.i64(this.#code) as unknown as I64
    this.local = new Namespaces.local(this.#code) as unknown as Variable<'local'>
    this.global = new Namespaces.global(this.#code) as unknown as Variable<'global'>
  }

  /** A new local, zero until it is set. Parameters are the locals from 0 on. */
  newLocal(type: ValueType, name?: string): number {
    const index = this.type.params.length + this.#locals.length
    this.#locals.push(type)
    if (name !== undefined) this.nameLocal(index, name)
    return index
  }

  nameLocal(index: number, name: string): void {
    this.#localNames.set(index, name)
  }

  get localNames(): ReadonlyMap<number, string> {
    return this.#localNames
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#code.length
  }

  /** A branch to its label goes behind it. */
  block(body: (done: Label) => void): void {
    this.#nested(CONTROL.block, body)
  }

  /** A branch to its label goes to its beginning. */
  loop(body: (again: Label) => void): void {
    this.#nested(CONTROL.loop, body)
  }

  /**
   * `count` blocks around one body. A branch to labels[i] goes to what `behind(i)` writes; labels[0]
   * is the innermost, and what is behind a block may branch to the labels after its own.
   */
  blocks(
    count: number,
    body: (labels: readonly Label[]) => void,
    behind: (i: number) => void,
  ): void {
    const outermostFirst = Array.from({ length: count }, () => this.#open(CONTROL.block))
    body(outermostFirst.reverse())
    for (let i = 0; i < count; i++) {
      this.#close()
      behind(i)
    }
  }

  /** Pops the condition. A branch to the label goes behind the `if`. */
  if(then: (done: Label) => void, otherwise?: (done: Label) => void): void {
    this.#nested(CONTROL.if, (done) => {
      then(done)
      if (otherwise === undefined) return
      this.#code.byte(CONTROL.else)
      otherwise(done)
    })
  }

  br(label: Label): void {
    this.#code.byte(CONTROL.br)
    this.#label(label)
  }

  br_if(label: Label): void {
    this.#code.byte(CONTROL.br_if)
    this.#label(label)
  }

  br_table(labels: readonly Label[], otherwise: Label): void {
    this.#code.byte(CONTROL.br_table)
    this.#code.u32(labels.length)
    for (const label of labels) this.#label(label)
    this.#label(otherwise)
  }

  call(functionIndex: number): void {
    this.#code.byte(CONTROL.call)
    this.#code.u32(functionIndex)
  }

  return_call(functionIndex: number): void {
    this.#code.byte(CONTROL.return_call)
    this.#code.u32(functionIndex)
  }

  /** Pops the index into the module's table. */
  call_indirect(typeIndex: number): void {
    this.#indirect(CONTROL.call_indirect, typeIndex)
  }

  return_call_indirect(typeIndex: number): void {
    this.#indirect(CONTROL.return_call_indirect, typeIndex)
  }

  return(): void {
    this.#code.byte(CONTROL.return)
  }

  unreachable(): void {
    this.#code.byte(CONTROL.unreachable)
  }

  drop(): void {
    this.#code.byte(CONTROL.drop)
  }

  select(): void {
    this.#code.byte(CONTROL.select)
  }

  /** The function as the code section has it: locals, instructions, `end`. */
  encode(): ByteSink {
    const sink = new ByteSink()
    const runs: { type: ValueType; count: number }[] = []
    for (const type of this.#locals) {
      const last = runs.at(-1)
      if (last?.type === type) last.count++
      else runs.push({ type, count: 1 })
    }
    sink.u32(runs.length)
    for (const { type, count } of runs) {
      sink.u32(count)
      sink.byte(VALUE_TYPES[type])
    }
    sink.appendSink(this.#code)
    sink.byte(CONTROL.end)
    return sink
  }

  #nested(opcode: number, body: (label: Label) => void): void {
    body(this.#open(opcode))
    this.#close()
  }

  #open(opcode: number): Label {
    this.#code.byte(opcode)
    this.#code.byte(NO_RESULT)
    return { level: this.#openBlocks++ }
  }

  #close(): void {
    this.#code.byte(CONTROL.end)
    this.#openBlocks--
  }

  #label({ level }: Label): void {
    if (level >= this.#openBlocks) throw new InternalError(`${this.name}: that block is closed`)
    this.#code.u32(this.#openBlocks - 1 - level)
  }

  #indirect(opcode: number, typeIndex: number): void {
    this.#code.byte(opcode)
    this.#code.u32(typeIndex)
    this.#code.byte(0) // the table
  }
}

/** Mnemonics become methods once, on a prototype: making a builder costs four small objects. */
class Namespace {
  constructor(readonly code: ByteSink) {}
}

function namespaceOf(name: string): typeof Namespace {
  const namespace = class extends Namespace {}
  const define = (
    table: Readonly<Record<string, number>>,
    methodOf: (byte: number) => (this: Namespace, immediate: never) => void,
  ) => {
    for (const [mnemonic, byte] of Object.entries(table)) {
      const [prefix, method] = mnemonic.split('.') as [string, string]
      if (prefix === name) Object.assign(namespace.prototype, { [method]: methodOf(byte) })
    }
  }
  define(
    PLAIN,
    (byte) =>
      function () {
        this.code.byte(byte)
      },
  )
  define(
    MEMORY,
    (byte) =>
      function (offset = 0) {
        this.code.byte(byte)
        this.code.byte(BYTE_ALIGNED)
        this.code.u32(offset)
      },
  )
  define(
    VARIABLE,
    (byte) =>
      function (index: number) {
        this.code.byte(byte)
        this.code.u32(index)
      },
  )
  define(
    { 'i32.const': CONSTANT['i32.const'] },
    (byte) =>
      function (value: number) {
        this.code.byte(byte)
        this.code.s32(value)
      },
  )
  define(
    { 'i64.const': CONSTANT['i64.const'] },
    (byte) =>
      function (value: bigint) {
        this.code.byte(byte)
        this.code.s64(value)
      },
  )
  return namespace
}

const Namespaces = {
  i32: namespaceOf('i32'),
  i64: namespaceOf('i64'),
  local: namespaceOf('local'),
  global: namespaceOf('global'),
}
