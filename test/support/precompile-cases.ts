/**
 * Calls of every precompile: with the operands of precompile-operands.ts, and for one sample of each
 * with pointers, memory and surroundings of every unusual kind.
 */
import { toHex } from '../../src/core/bytes.js'
import { SYSCALLS_5_2_4 } from '../../src/core/syscalls/table.js'
import {
  additionOperands,
  type CurveName,
  decompressionOperands,
  doublingOperands,
  fieldOperands,
  hashOperands,
  type Operands,
  uint256Operands,
  wideOperands,
} from './precompile-operands.js'
import type { Step, SyscallProgram } from './syscall-program.js'

export interface SyscallCase {
  readonly name: string
  readonly program: SyscallProgram
}

/** Where the memory of a0 lies; that of each further pointer a stride behind. */
const FIRST_ADDRESS = 0x0040_0000
const STRIDE = 0x1_0000
/** Memory that nothing else names. */
const UNTOUCHED = 0x0060_0000
const PROVABLE_END = 0x7800_0000
const HINT_READ = 0xf1

const OPERANDS: Readonly<Record<string, () => Operands[]>> = {
  SHA_EXTEND: () => hashOperands([256], 0),
  SHA_COMPRESS: () => hashOperands([256, 32]),
  KECCAK_PERMUTE: () => hashOperands([200], 0),
  ED_ADD: () => additionOperands('ed25519'),
  ED_DECOMPRESS: () => decompressionOperands('ed25519'),
  SECP256K1_DECOMPRESS: () => decompressionOperands('secp256k1'),
  SECP256R1_DECOMPRESS: () => decompressionOperands('secp256r1'),
  BLS12381_DECOMPRESS: () => decompressionOperands('bls12381'),
  UINT256_MUL: uint256Operands,
  U256XU2048_MUL: wideOperands,
}

/** By name of the syscall. */
export function precompileCases(): Map<string, SyscallCase[]> {
  const syscalls = [...SYSCALLS_5_2_4.values()].filter(({ code }) => (code & 0xff00) !== 0)
  return new Map(
    syscalls.map(({ name, code }) => {
      const operands = operandsOf(name)
      const [sample] = operands as readonly [Operands]
      const calls = operands.map((each) => ({
        name: each.name,
        program: programOf(code, place(each.args)),
      }))
      return [
        name,
        [...calls, ...surroundings(code, sample.args), ...inRegisters(name, code, sample.args)],
      ]
    }),
  )
}

const made = new Map<string, readonly Operands[]>()

/** Contents of the memory that a syscall's pointers lead to, and its numbers: made once, since curves take long. */
export function operandsOf(name: string): readonly Operands[] {
  const operands = made.get(name) ?? makeOperands(name)
  made.set(name, operands)
  return operands
}

function makeOperands(name: string): Operands[] {
  const make = OPERANDS[name]
  if (make !== undefined) return make()
  const [curve, ...rest] = name.toLowerCase().split('_')
  switch (rest.join('_')) {
    case 'add':
      return additionOperands(curve as CurveName)
    case 'double':
      return doublingOperands(curve as CurveName)
    default:
      return fieldOperands(curve as CurveName, rest[0] === 'fp2' ? 2 : 1)
  }
}

/** One argument: a number, or a pointer to some contents. */
interface Placed {
  readonly value: number
  /** What lies there; nothing for a number and for memory that is not to be initialized. */
  readonly contents?: Uint8Array
  /** What the syscall can change there. */
  readonly bytes: number
}

function place(args: Operands['args']): Placed[] {
  return args.map((arg, i) =>
    typeof arg === 'number'
      ? { value: arg, bytes: 0 }
      : { value: FIRST_ADDRESS + i * STRIDE, contents: arg, bytes: arg.length },
  )
}

function programOf(code: number, placed: readonly Placed[]): SyscallProgram {
  return { steps: [{ ecall: code, args: placed.map(({ value }) => value) }], ...memoryOf(placed) }
}

function memoryOf(placed: readonly Placed[]): Required<Pick<SyscallProgram, 'data' | 'report'>> {
  const data = placed.flatMap(({ value, contents }) =>
    contents === undefined ? [] : [[value, toHex(contents)] as const],
  )
  const report = placed.flatMap(({ value, bytes }) =>
    bytes === 0 ? [] : [[value, bytes] as const],
  )
  return { data: Object.fromEntries(data), report: Object.fromEntries(report) }
}

/** A valid call under every circumstance that has nothing to do with its numbers. */
function surroundings(code: number, args: Operands['args']): SyscallCase[] {
  const placed = place(args)
  const pointers = args.flatMap((arg, i) => (typeof arg === 'number' ? [] : [i]))
  return [
    ...pointers.flatMap((i) => elsewhere(code, placed, i)),
    ...pointers.flatMap((i) =>
      pointers.filter((j) => j !== i).flatMap((j) => sharing(code, placed, i, j)),
    ),
    ...pointers.flatMap((i) => hinted(code, placed, i)),
    ...inBlocks(code, placed),
  ]
}

/** One pointer leads elsewhere. */
function elsewhere(code: number, placed: readonly Placed[], index: number): SyscallCase[] {
  const { value, contents, bytes } = placed[index] as Placed & { contents: Uint8Array }
  const words = (address: number) => ({ value: address, bytes })
  const moved: [string, Placed][] = [
    ['misaligned-1', words(value + 1)],
    ['misaligned-2', words(value + 2)],
    ['untouched', words(UNTOUCHED)],
    ['at-end', { value: PROVABLE_END - bytes, contents, bytes }],
    ['one-word-over-end', words(PROVABLE_END - bytes + 4)],
    ['two-words-over-end', words(PROVABLE_END - bytes + 8)],
    ['beyond-end', words(PROVABLE_END)],
    ['over-end-of-tables', words(0x7801_ffa0 - bytes + 4)],
    ['at-2^31', words(2 ** 31)],
    ['wrapping', words(2 ** 32 - (bytes >> 1))],
    ['after-registers', words(32)],
    ['last-register', words(28)],
    ['x0', words(0)],
  ]
  return moved.map(([name, argument]) => {
    const memory = memoryOf(placed.with(index, argument))
    const isMisaligned = name.startsWith('misaligned')
    const data = isMisaligned ? { ...memory.data, [value]: toHex(contents) } : memory.data
    const report = isMisaligned ? { ...memory.report, [value]: bytes + 4 } : memory.report
    return {
      name: `a${index}/${name}`,
      program: { ...programOf(code, placed.with(index, argument)), data, report },
    }
  })
}

/** Pointers to registers that are no multiple of 4, for those that round them down. */
function inRegisters(name: string, code: number, args: Operands['args']): SyscallCase[] {
  if (!/^(SHA|KECCAK)/.test(name)) return []
  const placed = place(args)
  const pointers = args.flatMap((arg, i) => (typeof arg === 'number' ? [] : [i]))
  return pointers.flatMap((i) =>
    [1, 2, 3, 5, 9, 10, 11, 13, 14, 15].map((value) => {
      const bytes = (placed[i] as Placed).bytes
      return {
        name: `a${i}/x${value}`,
        program: programOf(code, placed.with(i, { value, bytes })),
      }
    }),
  )
}

/** One pointer leads into the memory of another. */
function sharing(
  code: number,
  placed: readonly Placed[],
  index: number,
  other: number,
): SyscallCase[] {
  const { bytes } = placed[index] as Placed
  const target = placed[other] as Placed & { contents: Uint8Array }
  const shifts: readonly [string, number][] = [
    ['same', 0],
    ['one-word-in', 4],
    ['half-in', (target.bytes >> 3) << 2],
    ['just-behind', target.bytes],
    ['first-word', 4 - bytes],
  ]
  return shifts.map(([name, shift]) => {
    const value = target.value + shift
    const memory = memoryOf(placed.filter((_, i) => i !== index))
    const start = Math.min(value, target.value)
    const end = Math.max(value + bytes, target.value + target.bytes)
    const rest = Object.entries(memory.report).filter(([at]) => Number(at) !== target.value)
    return {
      name: `a${index}-in-a${other}/${name}`,
      program: {
        ...programOf(code, placed.with(index, { value, bytes })),
        data: memory.data,
        report: { ...Object.fromEntries(rest), [start]: end - start },
      },
    }
  })
}

/** The memory of one pointer comes from a hint, which nothing but the syscall has used. */
function hinted(code: number, placed: readonly Placed[], index: number): SyscallCase[] {
  const { value, contents, bytes } = placed[index] as Placed & { contents: Uint8Array }
  const call: Step = { ecall: code, args: placed.map((argument) => argument.value) }
  const read: Step = { ecall: HINT_READ, args: [value, bytes] }
  const memory = memoryOf(placed)
  const { [value]: _, ...data } = memory.data as Record<number, `0x${string}`>
  const program = { buffers: [toHex(contents)], data, report: memory.report }
  const loads = Array.from({ length: bytes / 4 }, (_, i): Step => ({ loadFrom: value + 4 * i }))
  return [
    { name: `a${index}/hinted`, program: { ...program, steps: [read, call] } },
    {
      name: `a${index}/hinted-and-loaded`,
      program: { ...program, steps: [read, ...loads, call] },
    },
    {
      name: `a${index}/hinted-and-half-loaded`,
      program: { ...program, steps: [read, ...loads.slice(loads.length / 2), call] },
    },
  ]
}

function inBlocks(code: number, placed: readonly Placed[]): SyscallCase[] {
  const call: Step = { ecall: code, args: placed.map(({ value }) => value) }
  const memory = memoryOf(placed)
  const keepT0At = UNTOUCHED
  const report = { ...memory.report, [keepT0At]: 4 }
  return [
    { name: 'unconstrained', program: { ...memory, steps: [{ unconstrained: [call] }] } },
    { name: 'after-a-block', program: { ...memory, steps: [{ unconstrained: [] }, call] } },
    { name: 'keeps-t0', program: { data: memory.data, report, steps: [call, { keepT0At }] } },
    { name: 'twice', program: { ...memory, steps: [call, call] } },
  ]
}
