/**
 * A module: types, imports, functions, one memory and one table, exports, names. Sections are written
 * in the specification's order, and the same calls give the same bytes.
 * Source: WebAssembly core specification 2.0, 5.5; names: appendix, 7.4.
 */
import { InternalError } from '../errors.js'
import { ByteSink } from './byte-sink.js'
import { FunctionBuilder } from './function-builder.js'
import { CONSTANT, CONTROL, type FunctionType, VALUE_TYPES, type ValueType } from './opcodes.js'
import { EXTERNAL_KINDS, type ExternalKind, SECTIONS } from './sections.js'

const HEADER = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00)

const FUNCTION_TYPE = 0x60
const FUNCREF = 0x70
const LIMIT_MIN = 0x00
const LIMIT_MIN_MAX = 0x01
const NAMES_OF_FUNCTIONS = 1
const NAMES_OF_LOCALS = 2

/** In pages of 64 KiB for a memory, in elements for a table. */
export interface Limits {
  readonly min: number
  readonly max?: number
}

interface Import {
  readonly module: string
  readonly name: string
  readonly write: (sink: ByteSink) => void
}

interface Global {
  readonly type: ValueType
  readonly isMutable: boolean
  readonly value: number
}

export class ModuleBuilder {
  readonly #types: FunctionType[] = []
  readonly #typeIndices = new Map<string, number>()
  readonly #imports: Import[] = []
  readonly #importedFunctions: string[] = []
  readonly #functions: FunctionBuilder[] = []
  readonly #globals: Global[] = []
  readonly #exports: { name: string; kind: ExternalKind; index: number }[] = []
  readonly #elements: { offset: number; functions: readonly number[] }[] = []
  #memory: Limits | undefined
  #table: Limits | undefined

  /** The index of a type; equal types have one index. */
  type(type: FunctionType): number {
    const key = `${type.params}:${type.results}`
    const known = this.#typeIndices.get(key)
    if (known !== undefined) return known
    this.#typeIndices.set(key, this.#types.length)
    return this.#types.push(type) - 1
  }

  /** @returns the function's index. Imports come before the first `func`, whose index follows. */
  importFunc(module: string, name: string, type: FunctionType): number {
    if (this.#functions.length > 0) throw new InternalError(`import ${name} after a function`)
    const typeIndex = this.type(type)
    this.#import(module, name, 'func', (sink) => sink.u32(typeIndex))
    return this.#importedFunctions.push(name) - 1
  }

  importMemory(module: string, name: string, limits: Limits): void {
    this.#import(module, name, 'memory', (sink) => writeLimits(sink, limits))
  }

  importTable(module: string, name: string, limits: Limits): void {
    this.#import(module, name, 'table', (sink) => writeTable(sink, limits))
  }

  memory(limits: Limits): void {
    this.#memory = limits
  }

  table(limits: Limits): void {
    this.#table = limits
  }

  /** @returns the global's index. */
  global(type: ValueType, value: number, isMutable = true): number {
    return this.#globals.push({ type, value, isMutable }) - 1
  }

  /** A function to be filled, before `encode`. */
  func(name: string, type: FunctionType): FunctionBuilder {
    const index = this.#importedFunctions.length + this.#functions.length
    const builder = new FunctionBuilder(name, index, type, this.type(type))
    this.#functions.push(builder)
    return builder
  }

  export(name: string, kind: ExternalKind, index: number): void {
    this.#exports.push({ name, kind, index })
  }

  /** Put functions into the table, from `offset` on, when the module is instantiated. */
  elements(offset: number, functions: readonly number[]): void {
    this.#elements.push({ offset, functions })
  }

  encode(options: { readonly names?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const sink = new ByteSink()
    sink.append(HEADER)
    section(sink, 'type', this.#types, writeType)
    section(sink, 'import', this.#imports, ({ write }, into) => write(into))
    section(sink, 'function', this.#functions, ({ typeIndex }, into) => into.u32(typeIndex))
    section(sink, 'table', presentOf(this.#table), (limits, into) => writeTable(into, limits))
    section(sink, 'memory', presentOf(this.#memory), (limits, into) => writeLimits(into, limits))
    section(sink, 'global', this.#globals, writeGlobal)
    section(sink, 'export', this.#exports, ({ name, kind, index }, into) => {
      into.name(name)
      into.byte(EXTERNAL_KINDS[kind])
      into.u32(index)
    })
    section(sink, 'element', this.#elements, ({ offset, functions }, into) => {
      into.byte(0) // active, table 0, functions by index
      writeI32Const(into, offset)
      vector(into, functions, (index) => into.u32(index))
    })
    section(sink, 'code', this.#functions, (func, into) => {
      const body = func.encode()
      into.u32(body.length)
      into.appendSink(body)
    })
    if (options.names ?? true) this.#writeNames(sink)
    return sink.toBytes()
  }

  #import(
    module: string,
    name: string,
    kind: ExternalKind,
    describe: (sink: ByteSink) => void,
  ): void {
    const write = (sink: ByteSink) => {
      sink.name(module)
      sink.name(name)
      sink.byte(EXTERNAL_KINDS[kind])
      describe(sink)
    }
    this.#imports.push({ module, name, write })
  }

  #writeNames(sink: ByteSink): void {
    const functions = [
      ...this.#importedFunctions.map((name, index) => ({ name, index })),
      ...this.#functions,
    ]
    const named = this.#functions.filter(({ localNames }) => localNames.size > 0)
    sink.byte(SECTIONS.custom)
    sink.sized((into) => {
      into.name('name')
      into.byte(NAMES_OF_FUNCTIONS)
      into.sized((names) => {
        vector(names, functions, ({ name, index }) => writeIndexed(names, index, name))
      })
      into.byte(NAMES_OF_LOCALS)
      into.sized((names) => {
        vector(names, named, ({ index, localNames }) => {
          names.u32(index)
          vector(names, [...localNames], ([local, name]) => writeIndexed(names, local, name))
        })
      })
    })
  }
}

/** A section of a vector; none if the vector is empty. */
function section<T>(
  sink: ByteSink,
  name: keyof typeof SECTIONS,
  items: readonly T[],
  write: (item: T, into: ByteSink) => void,
): void {
  if (items.length === 0) return
  sink.byte(SECTIONS[name])
  sink.sized((into) => vector(into, items, (item) => write(item, into)))
}

function vector<T>(sink: ByteSink, items: readonly T[], write: (item: T) => void): void {
  sink.u32(items.length)
  for (const item of items) write(item)
}

function presentOf<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

function writeType({ params, results }: FunctionType, sink: ByteSink): void {
  sink.byte(FUNCTION_TYPE)
  for (const types of [params, results]) {
    vector(sink, types, (type) => sink.byte(VALUE_TYPES[type]))
  }
}

function writeLimits(sink: ByteSink, { min, max }: Limits): void {
  sink.byte(max === undefined ? LIMIT_MIN : LIMIT_MIN_MAX)
  sink.u32(min)
  if (max !== undefined) sink.u32(max)
}

function writeTable(sink: ByteSink, limits: Limits): void {
  sink.byte(FUNCREF)
  writeLimits(sink, limits)
}

function writeGlobal({ type, isMutable, value }: Global, sink: ByteSink): void {
  sink.byte(VALUE_TYPES[type])
  sink.byte(isMutable ? 1 : 0)
  if (type === 'i32') {
    writeI32Const(sink, value)
    return
  }
  sink.byte(CONSTANT['i64.const'])
  sink.s64(BigInt(value))
  sink.byte(CONTROL.end)
}

function writeI32Const(sink: ByteSink, value: number): void {
  sink.byte(CONSTANT['i32.const'])
  sink.s32(value)
  sink.byte(CONTROL.end)
}

function writeIndexed(sink: ByteSink, index: number, name: string): void {
  sink.u32(index)
  sink.name(name)
}
