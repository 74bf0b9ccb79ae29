/**
 * Random guests that call syscalls: one after the other on the same memory, with pointers, lengths and
 * descriptors of every kind, hints between them, and unconstrained blocks around them. About half end well.
 */
import { toHex } from '../../src/core/bytes.js'
import type { Sp1Release } from '../../src/core/executor/release.js'
import type { Syscall } from '../../src/core/syscalls/syscall.js'
import { operandsOf } from './precompile-cases.js'
import { anyWord, pick, type Random, randomOf } from './random.js'
import type { Step, SyscallProgram } from './syscall-program.js'

const HALT = 0x00
const WRITE = 0x02
const ENTER_UNCONSTRAINED = 0x03
const EXIT_UNCONSTRAINED = 0x04
const COMMIT = 0x10
const COMMIT_DEFERRED_PROOFS = 0x1a
const VERIFY_SP1_PROOF = 0x1b
const HINT_LEN = 0xf0
const HINT_READ = 0xf1

/** Initial memory: operands of precompiles, one after the other. */
const DATA = 0x0030_0000
/** Nothing is there at first. */
const EMPTY = 0x0031_0000
const ANSWERS = 0x0032_0000
const EMPTY_BYTES = 1024
const REGISTERS_END = 32
const END = 0x7800_0000
/** Where the memory of SP1's executor ends. */
const ENDS = [END, 0x7801_0000, 0x7801_ffa0]
const MAX_UNUSUAL_FD = 30

const hasOwnTable = ({ code }: Syscall) => ((code >> 8) & 0xff) !== 0

interface Area {
  readonly address: number
  readonly bytes: number
}

/** What the steps of a program share. */
interface Scene {
  readonly random: Random
  readonly release: Sp1Release
  readonly areas: readonly Area[]
  /** Lengths of the buffers that were not read yet, as far as that can be told. */
  readonly lengths: number[]
  readonly answers: { count: number }
}

export function randomCalls(seed: number, release: Sp1Release): SyscallProgram {
  const random = randomOf(seed)
  const precompiles = [...release.syscalls.values()].filter(hasOwnTable)
  const chosen = Array.from({ length: 1 + random(3) }, () => pick(random, precompiles))
  const { areas, contents } = operandAreas(random, chosen)
  const buffers = Array.from({ length: random(5) }, () => anyBytes(random, 4 * random(12)))
  const lengths = buffers.map(({ length }) => length)
  const scene: Scene = { random, release, areas, lengths, answers: { count: 0 } }
  const steps = Array.from({ length: 2 + random(8) }, () => anyStep(scene, chosen)).flat()
  const empty = random(2) === 0 ? {} : { [EMPTY]: 256 }
  return {
    data: { [DATA]: toHex(contents) },
    buffers: buffers.map(toHex),
    steps,
    report: { [DATA]: contents.length, ...empty, [ANSWERS]: 4 * (1 + scene.answers.count) },
  }
}

/** Operands for each of the precompiles, in a row. */
function operandAreas(random: Random, precompiles: readonly Syscall[]) {
  const areas: Area[] = []
  const parts: number[] = []
  for (const { name } of precompiles) {
    const { args } = pick(random, operandsOf(name))
    for (const arg of args) {
      if (typeof arg === 'number') continue
      areas.push({ address: DATA + parts.length, bytes: arg.length })
      parts.push(...arg)
    }
  }
  return { areas, contents: Uint8Array.from(parts) }
}

function anyBytes(random: Random, count: number): Uint8Array {
  const isText = random(2) === 0
  return Uint8Array.from({ length: count }, () => (isText ? 0x20 + random(95) : random(256)))
}

function anyStep(scene: Scene, precompiles: readonly Syscall[]): Step[] {
  const { random } = scene
  const chance = random(100)
  if (chance < 45) return [precompileCall(scene, pick(random, precompiles))]
  if (chance < 90) return systemCall(scene)
  if (chance < 95) return [memoryAccess(scene)]
  return [{ unconstrained: Array.from({ length: random(4) }, () => inBlock(scene)).flat() }]
}

/** Mostly on the operands that are there for it. */
function precompileCall(scene: Scene, { name, code }: Syscall): Step {
  const { random, areas } = scene
  const [{ args: sample } = { args: [] }] = operandsOf(name)
  const first = areas.findIndex(({ bytes }) => bytes === (sample[0] as Uint8Array).length)
  const args = sample.map((arg, i) => {
    if (typeof arg === 'number') return random(12) === 0 ? anyNumber(scene) : random(2) && arg
    const own = areas[Math.max(first, 0) + i] ?? pick(random, areas)
    return random(12) === 0 ? anyPointer(scene) : own.address
  })
  return { ecall: code, args }
}

function anyNumber(scene: Scene): number {
  return pick(scene.random, [0, 1, 2, 2 ** 31, 2 ** 32 - 1, anyPointer(scene)])
}

/** Around operands, where nothing is yet, in registers, at the ends of memory, and anywhere. */
function anyPointer({ random, areas }: Scene): number {
  const chance = random(100)
  const odd = random(10) === 0 ? 1 + random(3) : 0
  const area = pick(random, areas)
  if (chance < 35) return area.address + 4 * random(area.bytes / 4) + odd
  if (chance < 70) return EMPTY + 4 * random(EMPTY_BYTES / 4) + odd
  if (chance < 80) return random(48)
  if (chance < 92) return pick(random, ENDS) + 4 * (random(100) - 80) + odd
  if (chance < 96) return 2 ** 32 - 1 - random(256)
  return anyWord(random)
}

function systemCall(scene: Scene): Step[] {
  const { random } = scene
  switch (random(16)) {
    case 0:
      return random(6) > 0 ? [] : [{ ecall: HALT, args: [random(3) === 0 ? random(3) : 0] }]
    case 1:
    case 2:
    case 3:
      return [write(scene)]
    case 4:
      return [{ ecall: COMMIT, args: [anyIndex(scene), anyNumber(scene)] }]
    case 5:
      return [
        { ecall: COMMIT_DEFERRED_PROOFS, args: [anyIndex(scene), random(2) && anyNumber(scene)] },
      ]
    case 6:
      return random(4) > 0
        ? []
        : [{ ecall: VERIFY_SP1_PROOF, args: [anyPointer(scene), anyPointer(scene)] }]
    case 7:
    case 8:
      return [{ ecall: HINT_LEN, args: [] }, keepT0(scene)]
    case 9:
      return [{ ecall: EXIT_UNCONSTRAINED, args: [random(2), random(2)] }]
    case 10:
      return random(8) > 0 ? [] : [{ ecall: ENTER_UNCONSTRAINED, args: [] }, keepT0(scene)]
    case 11:
      return random(8) > 0 ? [] : [{ ecall: anyCode(random), args: [anyPointer(scene), 0] }]
    default:
      return hintRead(scene)
  }
}

function keepT0({ answers }: Scene): Step {
  return { keepT0At: ANSWERS + 4 * answers.count++ }
}

function anyIndex({ random }: Scene): number {
  return random(20) === 0 ? pick(random, [8, 9, 2 ** 31, 2 ** 32 - 1]) : random(8)
}

/** A code that is near one. */
function anyCode(random: Random): number {
  const near = pick(random, [0, 0x10, 0x1b, 0xf0, 0x0030_0105, 0x0001_010a, 0x0100])
  return (near + random(9) - 4) >>> 0
}

function write(scene: Scene): Step {
  const { random, lengths } = scene
  const { descriptors } = scene.release
  const usual = [1, 2, descriptors.publicValues, descriptors.hint, ...descriptors.hooks.keys()]
  const unusual = [random(MAX_UNUSUAL_FD), 1234, 2 ** 31, 2 ** 32 - 1]
  const fd = random(5) === 0 ? pick(random, unusual) : pick(random, usual)
  const length = pick(random, [0, 1, 2, 3, 4, random(64), random(300), 4096])
  if (fd === descriptors.hint) {
    if (descriptors.hintGoesTo === 'front') lengths.unshift(length)
    else lengths.push(length)
  }
  return { ecall: WRITE, args: [fd, anyPointer(scene), length] }
}

/** Mostly of the length that the next buffer has; never into registers, which we refuse and SP1 does not. */
function hintRead(scene: Scene): Step[] {
  const { random, lengths } = scene
  const length = lengths.shift()
  if (length === undefined && random(10) > 0) return []
  const anywhere = anyPointer(scene)
  const isUnusual = random(4) === 0 && anywhere >= REGISTERS_END
  const pointer = isUnusual ? anywhere : EMPTY + 4 * random(EMPTY_BYTES / 4)
  const read: Step = {
    ecall: HINT_READ,
    args: [pointer, random(20) === 0 ? random(50) : (length ?? 0)],
  }
  const isLoaded = length !== undefined && length > 0 && pointer % 4 === 0 && random(3) > 0
  return isLoaded ? [read, { loadFrom: pointer + 4 * random(length / 4) }] : [read]
}

function memoryAccess(scene: Scene): Step {
  const { random } = scene
  const address = anyPointer(scene)
  const at = random(20) === 0 ? address : address - (address % 4)
  return random(2) === 0 ? { loadFrom: at } : { storeAt: at, value: anyWord(random) }
}

/** What a block may do, and now and then what it may not. */
function inBlock(scene: Scene): Step[] {
  const { random } = scene
  if (random(12) === 0) return systemCall(scene)
  return [random(2) === 0 ? write(scene) : memoryAccess(scene)]
}
