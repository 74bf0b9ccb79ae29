/**
 * Random guests of RV32IM: every instruction with any operands, jumps, loops, calls of syscalls. Most end
 * well after a few hundred instructions; some end in every other way there is. In one of three, control
 * goes anywhere.
 */
import { elfOf, encode, li, TEXT_ADDRESS, type TestSegment, wordsToBytes } from './assembler.js'
import { anyWord, type Random, randomOf } from './random.js'
import { flowBody, TABLE_ADDRESS } from './random-flow.js'
import {
  A2,
  anyBranch,
  anyComputation,
  anyValue,
  BASE,
  call,
  DATA,
  destination,
  FUEL,
  HALT,
  MIDDLE,
  memoryAccess,
  SP,
  syscall,
  unconstrained,
  unusual,
} from './random-instructions.js'

export { DATA, HINTS } from './random-instructions.js'

export interface RandomProgram {
  readonly elf: Uint8Array
  readonly buffers: readonly Uint8Array[]
}

export const CYCLE_LIMIT = 3000
const STACK_END = 0x0034_0000
/** How often loops of a program that goes anywhere go on. */
const MAX_FUEL = 60

/** @param publicValuesFd - the descriptor of public values in the release it is for. */
export function randomProgram(seed: number, publicValuesFd: number): RandomProgram {
  const random = randomOf(seed)
  const before = registers(random)
  const data = Array.from({ length: DATA.words }, () => anyWord(random))
  const segments: TestSegment[] = [{ address: DATA.address, contents: wordsToBytes(data) }]
  const text = [...before]
  if (random(3) === 0) {
    const { words, table } = flowBody(random, publicValuesFd, TEXT_ADDRESS + 4 * before.length)
    text.push(...words)
    segments.push({ address: TABLE_ADDRESS, contents: wordsToBytes(table) })
  } else {
    text.push(...straightBody(random, publicValuesFd))
  }
  const elf = elfOf({ text: [...text, ...ending(random)], segments })
  const buffers = Array.from({ length: 1 + random(4) }, () =>
    Uint8Array.from({ length: random(20) }, () => random(256)),
  )
  return { elf, buffers }
}

/** Values for x1 to x31. */
function registers(random: Random): number[] {
  const special = new Map([
    [SP, STACK_END],
    [BASE, MIDDLE],
    [A2, random(40)],
    [FUEL, 1 + random(MAX_FUEL)],
  ])
  return Array.from({ length: 31 }, (_, i) => i + 1).flatMap((rd) =>
    li(rd, special.get(rd) ?? anyValue(random)),
  )
}

function straightBody(random: Random, publicValuesFd: number): number[] {
  const words: number[] = []
  const length = 20 + random(150)
  while (words.length < length) words.push(...piece(random, publicValuesFd))
  return words
}

/** A few instructions that belong together. */
function piece(random: Random, publicValuesFd: number): number[] {
  const chance = random(100)
  if (chance < 55) return [anyComputation(random)]
  if (chance < 75) return [memoryAccess(random)]
  if (chance < 86) return [branch(random)]
  if (chance < 89) return [encode('jal', { rd: destination(random), imm: 4 * (1 + random(8)) })]
  if (chance < 94) return indirectJump(random)
  if (chance < 96) return syscall(random, publicValuesFd)
  if (chance < 97) return unconstrained(random)
  return random(20) === 0 ? [unusual(random)] : [anyComputation(random)]
}

/** Mostly ahead. One that goes back may loop until the cycle limit. */
function branch(random: Random): number {
  const steps = random(16) === 0 ? -random(6) : 1 + random(8)
  return anyBranch(random)(4 * steps + (random(100) === 0 ? 2 : 0))
}

/** To an address from the pc; now and then with low bits, or out of the program. */
function indirectJump(random: Random): number[] {
  const rs1 = 1 + random(7)
  const far = random(40) === 0 ? 0x10_0000 : 0
  const imm = 8 + 4 * random(6) + (random(30) === 0 ? random(4) : 0)
  return [
    encode('auipc', { rd: rs1, imm: far }),
    encode('jalr', { rd: destination(random), rs1, imm }),
  ]
}

function ending(random: Random): number[] {
  if (random(30) === 0) return [] // it runs out of the program
  return call(HALT, random(30) === 0 ? random(3) : 0)
}
