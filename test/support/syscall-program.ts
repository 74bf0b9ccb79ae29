/**
 * Small guests that make a few syscalls and report what memory holds afterwards: described as data,
 * so that a vector says what it does and can be run without the code that thought of it.
 */
import { fromHex } from '../../src/core/bytes.js'
import { elfOf, encode, li } from './assembler.js'

const T0 = 5
const T1 = 6
const T2 = 7
const A0 = 10

const HALT = 0x00
const WRITE = 0x02
const ENTER_UNCONSTRAINED = 0x03
const EXIT_UNCONSTRAINED = 0x04

export type Step =
  /** A syscall: its code, and the arguments from a0 on. */
  | { readonly ecall: number; readonly args: readonly number[] }
  /** Store t0, which has the last syscall's answer. */
  | { readonly keepT0At: number }
  | { readonly loadFrom: number }
  | { readonly storeAt: number; readonly value: number }
  /** What an unconstrained block does; its end is part of it. */
  | { readonly unconstrained: readonly Step[] }

export interface SyscallProgram {
  /** Initial memory: hex by address. */
  readonly data?: Readonly<Record<string, `0x${string}`>>
  /** Input buffers. */
  readonly buffers?: readonly `0x${string}`[]
  readonly steps: readonly Step[]
  /** Byte counts by address: written to the public values at the end. */
  readonly report?: Readonly<Record<string, number>>
}

export function elfOfProgram(program: SyscallProgram, publicValuesFd: number): Uint8Array {
  const { data = {}, report = {}, steps } = program
  const reports = Object.entries(report).map(([address, bytes]) => ({
    ecall: WRITE,
    args: [publicValuesFd, Number(address), bytes],
  }))
  const text = textOf([...steps, ...reports, { ecall: HALT, args: [0] }])
  const segments = Object.entries(data)
    .map(([address, hex]) => ({ address: Number(address), contents: fromHex(hex) }))
    .sort((a, b) => a.address - b.address)
  return elfOf({ text, segments })
}

/** Largest address a program names. */
export function lastAddressOf({ data = {}, report = {}, steps }: SyscallProgram): number {
  const addresses = [...Object.keys(data), ...Object.keys(report)].map(Number)
  return Math.max(...addresses, ...numbersOf(steps))
}

function numbersOf(steps: readonly Step[]): number[] {
  return steps.flatMap((step) => {
    if ('ecall' in step) return step.args
    if ('unconstrained' in step) return numbersOf(step.unconstrained)
    if ('keepT0At' in step) return [step.keepT0At]
    return ['loadFrom' in step ? step.loadFrom : step.storeAt]
  })
}

function textOf(steps: readonly Step[]): number[] {
  return steps.flatMap((step) => {
    if ('ecall' in step) return call(step.ecall, step.args)
    if ('unconstrained' in step) return block(textOf(step.unconstrained))
    if ('keepT0At' in step) return [...li(T1, step.keepT0At), store(T0)]
    if ('loadFrom' in step) {
      return [...li(T1, step.loadFrom), encode('lw', { rd: T2, rs1: T1, imm: 0 })]
    }
    return [...li(T1, step.storeAt), ...li(T2, step.value), store(T2)]
  })
}

function call(code: number, args: readonly number[]): number[] {
  return [...li(T0, code), ...args.flatMap((arg, i) => li(A0 + i, arg)), encode('ecall')]
}

/** The end of the block comes back to its beginning with t0 = 0, where the branch leaves it. */
function block(body: readonly number[]): number[] {
  const exit = call(EXIT_UNCONSTRAINED, [])
  const imm = 4 * (1 + body.length + exit.length)
  return [
    ...call(ENTER_UNCONSTRAINED, []),
    encode('beq', { rs1: T0, rs2: 0, imm }),
    ...body,
    ...exit,
  ]
}

function store(register: number): number {
  return encode('sw', { rs1: T1, rs2: register, imm: 0 })
}
