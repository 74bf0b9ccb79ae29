/**
 * Names of Rust functions as people write them, from both mangling schemes: `legacy` (`_ZN…17h…E`) and
 * `v0` (`_R…`, RFC 2603). Hashes of crates, lifetimes and binders are left out.
 * What is neither, or uses more than is read here, stays as it is.
 */

/** Back references can make a short symbol a very long name. */
const MAX_LENGTH = 1000
const MAX_DEPTH = 64

/** Never throws; a name it cannot read it returns. */
export function demangle(symbol: string): string {
  return demangleV0(symbol) ?? demangleLegacy(symbol) ?? symbol
}

const LEGACY_ESCAPES: Readonly<Record<string, string>> = {
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
  RF: '&',
  BP: '*',
  SP: '@',
}

function demangleLegacy(symbol: string): string | undefined {
  const mangled = /^_ZN(.*)E(?:\.|$)/s.exec(symbol)?.[1]
  if (mangled === undefined) return undefined
  const parts: string[] = []
  for (let at = 0; at < mangled.length; ) {
    const length = /^[1-9]\d{0,4}/.exec(mangled.slice(at, at + 5))?.[0]
    if (length === undefined) return undefined
    const end = at + length.length + Number(length)
    if (end > mangled.length) return undefined
    parts.push(unescapeLegacy(mangled.slice(at + length.length, end)))
    at = end
  }
  if (/^h[0-9a-f]{16}$/.test(parts.at(-1) ?? '')) parts.pop()
  return parts.length === 0 ? undefined : parts.join('::').slice(0, MAX_LENGTH)
}

function unescapeLegacy(part: string): string {
  return part
    .replace(/^_(?=\$)/, '')
    .replace(/\$(?:u([0-9a-f]{1,5})|([A-Z]{1,2}))\$/g, (whole, code, name) =>
      code === undefined
        ? (LEGACY_ESCAPES[name] ?? whole)
        : String.fromCodePoint(Number.parseInt(code, 16)),
    )
    .replace(/\.\./g, '::')
}

function demangleV0(symbol: string): string | undefined {
  const mangled = /^_R([A-Z][\w]*)(?:[.$].*)?$/s.exec(symbol)?.[1]
  if (mangled === undefined) return undefined
  try {
    return new V0Reader(mangled).path(true)
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
}
const BASE_62 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Ends the reading of one name; it goes no further than `demangleV0`. */
class Unreadable {}

function unreadable(): never {
  throw new Unreadable()
}

/** Recursive descent, a method for each rule of the grammar. */
class V0Reader {
  #at = 0
  #depth = 0
  #length = 0

  /** @param text - the symbol without `_R`; positions of back references count from here. */
  constructor(readonly text: string) {}

  /** @param isValue - generic arguments are written after `::`, as in an expression */
  path(isValue: boolean): string {
    return this.#nested(() => {
      switch (this.#next()) {
        case 'C':
          return this.#identifier().name
        case 'M':
          this.#implPath()
          return `<${this.#type()}>`
        case 'X':
          this.#implPath()
          return `<${this.#type()} as ${this.path(false)}>`
        case 'Y':
          return `<${this.#type()} as ${this.path(false)}>`
        case 'N':
          return this.#nestedName(isValue)
        case 'I': {
          const generic = this.path(isValue)
          const list = this.#until(() => this.#genericArgument()).filter((argument) => argument)
          return `${generic}${isValue ? '::' : ''}<${list.join(', ')}>`
        }
        case 'B':
          return this.#backReference(() => this.path(isValue))
        default:
          return unreadable()
      }
    })
  }

  #nestedName(isValue: boolean): string {
    const namespace = this.#next()
    const parent = this.path(isValue)
    const { name, index } = this.#identifier()
    if (/[a-z]/.test(namespace)) return name === '' ? parent : `${parent}::${name}`
    const kind = { C: 'closure', S: 'shim' }[namespace] ?? namespace
    return `${parent}::{${kind}${name === '' ? '' : `:${name}`}#${index}}`
  }

  /** Where an impl stands, which its name leaves out. */
  #implPath(): void {
    this.#disambiguator()
    this.path(false)
  }

  #genericArgument(): string {
    if (this.#skip('L')) {
      this.#base62()
      return ''
    }
    return this.#skip('K') ? this.#constant() : this.#type()
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#next()
      const basic = BASIC_TYPES[tag]
      if (basic !== undefined) return basic
      switch (tag) {
        case 'A':
          return `[${this.#type()}; ${this.#constant()}]`
        case 'S':
          return `[${this.#type()}]`
        case 'T': {
          const list = this.#until(() => this.#type())
          return `(${list.join(', ')}${list.length === 1 ? ',' : ''})`
        }
        case 'R':
        case 'Q':
          if (this.#skip('L')) this.#base62()
          return `&${tag === 'Q' ? 'mut ' : ''}${this.#type()}`
        case 'P':
          return `*const ${this.#type()}`
        case 'O':
          return `*mut ${this.#type()}`
        case 'F':
          return this.#functionType()
        case 'D': {
          this.#binder()
          const bounds = this.#until(() => this.#dynTrait()).join(' + ')
          if (!this.#skip('L')) unreadable()
          this.#base62()
          return `dyn ${bounds}`
        }
        case 'B':
          return this.#backReference(() => this.#type())
        default:
          this.#at--
          return this.path(false)
      }
    })
  }

  #functionType(): string {
    this.#binder()
    const unsafe = this.#skip('U') ? 'unsafe ' : ''
    let abi = ''
    if (this.#skip('K')) {
      abi = `extern "${this.#skip('C') ? 'C' : this.#plainIdentifier().replaceAll('_', '-')}" `
    }
    const parameters = this.#until(() => this.#type()).join(', ')
    const result = this.#type()
    return `${unsafe}${abi}fn(${parameters})${result === '()' ? '' : ` -> ${result}`}`
  }

  #dynTrait(): string {
    let trait = this.path(false)
    while (this.#skip('p')) {
      const binding = `${this.#plainIdentifier()} = ${this.#type()}`
      trait = trait.endsWith('>') ? `${trait.slice(0, -1)}, ${binding}>` : `${trait}<${binding}>`
    }
    return trait
  }

  /** Integers, bool, char and what is not known. */
  #constant(): string {
    const type = this.#next()
    if (type === 'p') return '_'
    if (type === 'B') return this.#backReference(() => this.#constant())
    if (!/[abchijlmnostxy]/.test(type)) unreadable()
    const sign = this.#skip('n') ? '-' : ''
    const digits = /[0-9a-f]*_/y
    digits.lastIndex = this.#at
    const match = digits.exec(this.text)?.[0] ?? unreadable()
    this.#at += match.length
    const value = BigInt(`0x0${match.slice(0, -1)}`)
    if (type === 'b') return value === 1n ? 'true' : 'false'
    if (type !== 'c') return `${sign}${value}`
    return value < 0x11_0000n ? `'${String.fromCodePoint(Number(value))}'` : unreadable()
  }

  #identifier(): { name: string; index: number } {
    const index = this.#disambiguator()
    return { name: this.#plainIdentifier(), index }
  }

  #plainIdentifier(): string {
    const isPunycode = this.#skip('u')
    const pattern = /(0|[1-9]\d{0,4})_?/y
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.text) ?? unreadable()
    const start = this.#at + match[0].length
    const end = start + Number(match[1])
    if (end > this.text.length) unreadable()
    this.#at = end
    const name = this.text.slice(start, end)
    return isPunycode ? `punycode{${name}}` : name
  }

  /** 0 where there is none. */
  #disambiguator(): number {
    return this.#skip('s') ? this.#base62() + 1 : 0
  }

  #binder(): void {
    if (this.#skip('G')) this.#base62()
  }

  #backReference(read: () => string): string {
    const start = this.#at - 1
    const target = this.#base62()
    if (target >= start) unreadable()
    const resumeAt = this.#at
    this.#at = target
    const text = this.#nested(read)
    this.#at = resumeAt
    return text
  }

  #base62(): number {
    if (this.#skip('_')) return 0
    let value = 0
    for (let char = this.#next(); char !== '_'; char = this.#next()) {
      const digit = BASE_62.indexOf(char)
      if (digit < 0) unreadable()
      value = 62 * value + digit
    }
    return value + 1
  }

  /** Everything up to the `E` that closes a list. */
  #until(read: () => string): string[] {
    const list: string[] = []
    while (!this.#skip('E')) list.push(read())
    return list
  }

  #nested(read: () => string): string {
    if (++this.#depth > MAX_DEPTH) unreadable()
    const text = read()
    this.#depth--
    // Sum of all texts made on the way: it bounds the work as well as the result.
    this.#length += text.length
    if (text.length > MAX_LENGTH || this.#length > MAX_DEPTH * MAX_LENGTH) unreadable()
    return text
  }

  #next(): string {
    return this.text[this.#at++] ?? unreadable()
  }

  #skip(char: string): boolean {
    if (this.text[this.#at] !== char) return false
    this.#at++
    return true
  }
}
