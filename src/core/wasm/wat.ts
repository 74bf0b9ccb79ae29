/**
 * Module bytes → text format, for people and for golden files. It reads what ModuleBuilder writes and
 * takes anything else for a bug: this is no parser for foreign modules.
 * Source: WebAssembly core specification 2.0, chapters 5 and 6.
 */
import { InternalError } from '../errors.js'
import { ByteSource } from './byte-source.js'
import { CONSTANT, CONTROL, OPCODES, VALUE_TYPES } from './opcodes.js'
import { EXTERNAL_KINDS, SECTIONS } from './sections.js'

const HEADER_BYTES = 8
const MNEMONIC_OF_TYPE = new Map<number, string>(
  Object.entries(VALUE_TYPES).map(([name, byte]) => [byte, name]),
)
const KIND_OF = new Map<number, string>(
  Object.entries(EXTERNAL_KINDS).map(([name, byte]) => [byte, name]),
)
const OPENING: readonly number[] = [CONTROL.block, CONTROL.loop, CONTROL.if]

interface Signature {
  readonly params: readonly string[]
  readonly results: readonly string[]
}

interface Names {
  readonly functions: Map<number, string>
  readonly locals: Map<number, Map<number, string>>
}

/** The whole module, two spaces per nesting level. */
export function printWat(module: Uint8Array): string {
  return new Printer(module).print().join('\n')
}

/** The instructions of the function called `name`, without its head and locals. */
export function printBody(module: Uint8Array, name: string): string {
  const printer = new Printer(module)
  printer.print()
  const body = printer.bodies.get(name)
  if (body === undefined) throw new InternalError(`the module has no function ${name}`)
  return body.join('\n')
}

class Printer {
  readonly bodies = new Map<string, readonly string[]>()
  readonly #module: Uint8Array
  readonly #types: Signature[] = []
  readonly #typesOfFunctions: number[] = []
  #importedFunctions = 0
  readonly #names: Names

  constructor(module: Uint8Array) {
    this.#module = module
    this.#names = readNames(module)
  }

  print(): string[] {
    const lines = ['(module']
    for (const { id, source } of sectionsOf(this.#module)) {
      if (id !== SECTIONS.custom) for (const line of this.#section(id, source)) lines.push(line)
    }
    return [...lines, ')']
  }

  #section(id: number, source: ByteSource): readonly string[] {
    switch (id) {
      case SECTIONS.type:
        return source.vector((_, index) => this.#type(source, index))
      case SECTIONS.import:
        return source.vector(() => this.#import(source))
      case SECTIONS.function:
        source.vector(() => this.#typesOfFunctions.push(source.u32()))
        return []
      case SECTIONS.table:
        return source.vector(() => `  (table ${tableType(source)})`)
      case SECTIONS.memory:
        return source.vector(() => `  (memory ${limits(source)})`)
      case SECTIONS.global:
        return source.vector((_, index) => global(source, index))
      case SECTIONS.export:
        return source.vector(() => {
          const name = source.name()
          const kind = KIND_OF.get(source.byte())
          return `  (export "${name}" (${kind} ${source.u32()}))`
        })
      case SECTIONS.element:
        return source.vector(() => this.#element(source))
      case SECTIONS.code:
        return source.vector((_, index) => this.#function(source, index)).flat()
      default:
        throw new InternalError(`section ${id} is none that we write`)
    }
  }

  #type(source: ByteSource, index: number): string {
    source.byte()
    const read = () => source.vector(() => valueType(source))
    const type = { params: read(), results: read() }
    this.#types.push(type)
    return `  (type ${index} (func${signature(type)}))`
  }

  #import(source: ByteSource): string {
    const from = `"${source.name()}" "${source.name()}"`
    switch (source.byte()) {
      case EXTERNAL_KINDS.func: {
        const type = source.u32()
        this.#typesOfFunctions.push(type)
        const name = this.#nameOf(this.#importedFunctions++)
        return `  (import ${from} (func $${name} (type ${type})))`
      }
      case EXTERNAL_KINDS.table:
        return `  (import ${from} (table ${tableType(source)}))`
      default:
        return `  (import ${from} (memory ${limits(source)}))`
    }
  }

  #element(source: ByteSource): string {
    source.byte()
    const offset = constant(source)
    const functions = source.vector(() => `$${this.#nameOf(source.u32())}`)
    return `  (elem (${offset}) func ${functions.join(' ')})`
  }

  #function(source: ByteSource, index: number): string[] {
    const functionIndex = this.#importedFunctions + index
    const name = this.#nameOf(functionIndex)
    const type = this.#types[this.#typesOfFunctions[functionIndex] as number] as Signature
    const body = source.slice(source.u32())
    const named = this.#names.locals.get(functionIndex)
    const localName = (local: number) => named?.get(local) ?? `${local}`
    const types = body
      .vector(() => ({ count: body.u32(), type: valueType(body) }))
      .flatMap(({ count, type: local }) => Array<string>(count).fill(local))
    const locals = types.map(
      (local, i) => `    (local $${localName(type.params.length + i)} ${local})`,
    )
    const instructions = this.#instructions(body, localName)
    this.bodies.set(name, instructions)
    return [
      `  (func $${name} (type ${this.#typesOfFunctions[functionIndex]})${signature(type, localName)}`,
      ...locals,
      ...instructions.map((line) => `    ${line}`),
      '  )',
    ]
  }

  #instructions(body: ByteSource, localName: (index: number) => string): string[] {
    const lines: string[] = []
    let depth = 0
    while (true) {
      const byte = body.byte()
      if (byte === CONTROL.end && depth === 0) return lines
      const isClosing = byte === CONTROL.end || byte === CONTROL.else
      if (isClosing) depth--
      lines.push('  '.repeat(depth) + this.#instruction(body, byte, depth, localName))
      if (OPENING.includes(byte) || byte === CONTROL.else) depth++
    }
  }

  #instruction(
    body: ByteSource,
    byte: number,
    depth: number,
    localName: (index: number) => string,
  ): string {
    const opcode = OPCODES.get(byte)
    if (opcode === undefined) throw new InternalError(`opcode ${byte} is none that we write`)
    const { mnemonic, immediate } = opcode
    switch (immediate) {
      case 'none':
        return mnemonic
      case 'memory': {
        body.u32()
        const offset = body.u32()
        return offset === 0 ? mnemonic : `${mnemonic} offset=${offset}`
      }
      case 'index': {
        const index = body.u32()
        return `${mnemonic} ${mnemonic.startsWith('local') ? `$${localName(index)}` : index}`
      }
      case 'constant':
        return `${mnemonic} ${byte === CONSTANT['i32.const'] ? body.s32() : body.s64()}`
      case 'control':
        return `${mnemonic}${this.#controlImmediate(body, byte, depth)}`
    }
  }

  /** Labels are named by the nesting level of their block, so that they read the same everywhere. */
  #controlImmediate(body: ByteSource, byte: number, depth: number): string {
    const label = () => ` $${depth - 1 - body.u32()}`
    switch (byte) {
      case CONTROL.block:
      case CONTROL.loop:
      case CONTROL.if:
        body.byte()
        return ` $${depth}`
      case CONTROL.br:
      case CONTROL.br_if:
        return label()
      case CONTROL.br_table:
        return [...body.vector(label), label()].join('')
      case CONTROL.call:
      case CONTROL.return_call:
        return ` $${this.#nameOf(body.u32())}`
      case CONTROL.call_indirect:
      case CONTROL.return_call_indirect: {
        const type = body.u32()
        body.u32()
        return ` (type ${type})`
      }
      default:
        return ''
    }
  }

  #nameOf(functionIndex: number): string {
    return this.#names.functions.get(functionIndex) ?? `${functionIndex}`
  }
}

function sectionsOf(module: Uint8Array): { id: number; source: ByteSource }[] {
  const source = new ByteSource(module.subarray(HEADER_BYTES))
  const sections: { id: number; source: ByteSource }[] = []
  while (!source.isAtEnd) {
    sections.push({ id: source.byte(), source: source.slice(source.u32()) })
  }
  return sections
}

function readNames(module: Uint8Array): Names {
  const names: Names = { functions: new Map(), locals: new Map() }
  const custom = sectionsOf(module).find(({ id }) => id === SECTIONS.custom)?.source
  if (custom === undefined) return names
  custom.name()
  const readMap = (source: ByteSource) =>
    source.vector(() => [source.u32(), source.name()] as [number, string])
  custom.byte()
  for (const [index, name] of readMap(custom.slice(custom.u32()))) names.functions.set(index, name)
  custom.byte()
  const locals = custom.slice(custom.u32())
  locals.vector(() => names.locals.set(locals.u32(), new Map(readMap(locals))))
  return names
}

function signature({ params, results }: Signature, nameOf?: (index: number) => string): string {
  const named = params.map((type, i) => (nameOf === undefined ? type : `$${nameOf(i)} ${type}`))
  const text = nameOf === undefined ? named.join(' ') : named.join(') (param ')
  return `${params.length > 0 ? ` (param ${text})` : ''}${
    results.length > 0 ? ` (result ${results.join(' ')})` : ''
  }`
}

function global(source: ByteSource, index: number): string {
  const type = valueType(source)
  const isMutable = source.byte() === 1
  return `  (global ${index} ${isMutable ? `(mut ${type})` : type} (${constant(source)}))`
}

function constant(source: ByteSource): string {
  const byte = source.byte()
  const value = byte === CONSTANT['i32.const'] ? source.s32() : source.s64()
  source.byte() // end
  return `${OPCODES.get(byte)?.mnemonic} ${value}`
}

function valueType(source: ByteSource): string {
  return MNEMONIC_OF_TYPE.get(source.byte()) ?? 'unknown'
}

function limits(source: ByteSource): string {
  return source.byte() === 0 ? `${source.u32()}` : `${source.u32()} ${source.u32()}`
}

function tableType(source: ByteSource): string {
  source.byte()
  return `${limits(source)} funcref`
}
