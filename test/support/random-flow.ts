/**
 * Code in which control goes anywhere: branches, calls, returns, jump tables and computed jumps, from
 * every place to every other, into the middle of loops and functions.
 */
import { encode, li } from './assembler.js'
import { pick, type Random } from './random.js'
import {
  anyBranch,
  anyComputation,
  FUEL,
  memoryAccess,
  SP,
  syscall,
  unconstrained,
  unusual,
} from './random-instructions.js'

/** Where the addresses of places are that jump tables lead to. */
export const TABLE_ADDRESS = 0x0032_0000
const TABLE_WORDS = 8
const [RA, T0, T2] = [1, 5, 7]
/** Besides RA, T0 is where RISC-V expects return addresses. */
const LINKS = [0, RA, RA, T0]

/** Where control may go. */
interface Places {
  readonly here: number
  /** What ends the program. */
  readonly end: number
  /** Any place. */
  readonly to: () => number
}

type Piece = (places: Places) => number[]

/**
 * @param address - where the words will be
 * @returns them, and the words at TABLE_ADDRESS
 */
export function flowBody(random: Random, publicValuesFd: number, address: number) {
  const pieces = Array.from({ length: 4 + random(36) }, () => anyPiece(random, publicValuesFd))
  const starts: number[] = []
  let end = address
  for (const piece of pieces) {
    starts.push(end)
    end += 4 * piece({ here: end, end, to: () => end }).length
  }
  const to = () => pick(random, [...starts, end])
  const words = pieces.flatMap((piece, i) => piece({ here: starts[i] as number, end, to }))
  return { words, table: Array.from({ length: TABLE_WORDS }, to) }
}

function anyPiece(random: Random, publicValuesFd: number): Piece {
  const chance = random(100)
  if (chance < 25) return always([anyComputation(random)])
  if (chance < 35) return always([memoryAccess(random)])
  if (chance < 50) return branch(random)
  if (chance < 62) return loop
  if (chance < 92) return anyJump(random)
  if (chance < 96) return always(syscall(random, publicValuesFd))
  if (chance < 97) return always(unconstrained(random))
  return always(random(20) === 0 ? [unusual(random)] : PROLOGUE)
}

/** Mostly one that does not go on for ever. */
function anyJump(random: Random): Piece {
  const piece = pick(random, [jump, jump, farCall, computedJump, tableJump, goBack])(random)
  return random(4) === 0 ? piece : fuelled(piece)
}

function always(words: readonly number[]): Piece {
  return () => [...words]
}

function branch(random: Random): Piece {
  const by = anyBranch(random)
  return ({ here, to }) => [by(to() - here)]
}

/** Goes on as long as there is fuel. */
function loop({ here, to }: Places): number[] {
  return [BURN, encode('blt', { rs1: 0, rs2: FUEL, imm: to() - here - 4 })]
}

/** What ends the program when there is no fuel. */
function fuelled(piece: Piece): Piece {
  return ({ here, end, to }) => [
    BURN,
    encode('bge', { rs1: 0, rs2: FUEL, imm: end - here - 4 }),
    ...piece({ here: here + 8, end, to }),
  ]
}

function jump(random: Random): Piece {
  const rd = pick(random, LINKS)
  return ({ here, to }) => [encode('jal', { rd, imm: to() - here })]
}

/** auipc and jalr, as compilers write calls. */
function farCall(random: Random): Piece {
  const rd = pick(random, LINKS)
  return ({ here, to }) => {
    const distance = to() - here
    const low = (distance << 20) >> 20
    return [
      encode('auipc', { rd: T2, imm: (distance - low) | 0 }),
      encode('jalr', { rd, rs1: T2, imm: low }),
    ]
  }
}

/** To an address in a register: now and then behind a place, or into the middle of a word. */
function computedJump(random: Random): Piece {
  const rd = pick(random, LINKS)
  const more = pick(random, [0, 0, 0, 0, 0, 0, 0, 4, 2, 1])
  return ({ to }) => [...li(T2, to() + more), encode('jalr', { rd, rs1: T2, imm: 0 })]
}

function tableJump(random: Random): Piece {
  const rd = pick(random, LINKS)
  const entry = random(TABLE_WORDS)
  return always([
    ...li(T2, TABLE_ADDRESS + 4 * entry),
    encode('lw', { rd: T2, rs1: T2, imm: 0 }),
    encode('jalr', { rd, rs1: T2, imm: 0 }),
  ])
}

/** From a call, or to wherever. */
function goBack(random: Random): Piece {
  const restore = [
    encode('lw', { rd: RA, rs1: SP, imm: 12 }),
    encode('addi', { rd: SP, rs1: SP, imm: 16 }),
  ]
  const rs1 = pick(random, [RA, RA, T0])
  return always([...(random(2) === 0 ? restore : []), encode('jalr', { rd: 0, rs1, imm: 0 })])
}

const BURN = encode('addi', { rd: FUEL, rs1: FUEL, imm: -1 })
/** What a function begins with that calls others, itself perhaps. */
const PROLOGUE = [
  encode('addi', { rd: SP, rs1: SP, imm: -16 }),
  encode('sw', { rs1: SP, rs2: RA, imm: 12 }),
]
