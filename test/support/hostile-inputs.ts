/** Broken programs and stdin files, made from the guests by a seeded generator. */
import { readFileSync } from 'node:fs'
import { guestElf, guestInput } from './cli.js'
import { pick, type Random, randomOf } from './random.js'

export interface HostileInput {
  readonly elf: Uint8Array
  readonly stdin: Uint8Array
}

const GUESTS = [
  ...['fibonacci', 'inputs', 'hashes', 'unconstrained', 'cycle-tracker', 'panics', 'probe'],
  ...['hooks', 'json', 'merkle', 'pattern'],
]
const HEADER_BYTES = 52 + 4 * 32
/** Where the code of all guests begins, or a little before. */
const CODE_OFFSET = 0x1000

export function hostileInput(seed: number, sp1: string): HostileInput {
  const random = randomOf(seed)
  const guest = pick(random, GUESTS)
  const mutate = pick(random, MUTATIONS)
  const elf = fileOf(guestElf(guest, sp1))
  const stdin = fileOf(guestInput(guest))
  return random(5) === 0
    ? { elf, stdin: mutate(stdin, random) }
    : { elf: mutate(elf, random), stdin }
}

const files = new Map<string, Uint8Array>()

function fileOf(path: string): Uint8Array {
  // A Buffer's `slice` would share its bytes.
  const known = files.get(path) ?? new Uint8Array(readFileSync(path))
  files.set(path, known)
  return known
}

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array

/** Most leave the file's structure alone, so that most cases reach execution. */
const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => flip(bytes, random, 1),
  (bytes, random) => flip(bytes, random, 30),
  (bytes, random) => flipWithin(bytes, random, HEADER_BYTES, 2),
  (bytes, random) => flipInstructions(bytes, random, 1),
  (bytes, random) => flipInstructions(bytes, random, 5),
  (bytes, random) => flipInstructions(bytes, random, 20),
  (bytes, random) => flipInstructions(bytes, random, 50),
  (bytes, random) => flipInstructions(bytes, random, 200),
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => repeatPart(bytes, random),
]

function flip(bytes: Uint8Array, random: Random, count: number): Uint8Array {
  return flipWithin(bytes, random, bytes.length, count)
}

/** Bits of the first `length` bytes. */
function flipWithin(bytes: Uint8Array, random: Random, length: number, count: number) {
  const changed = bytes.slice()
  for (let i = 0; i < count; i++) {
    changed[random(Math.min(length, bytes.length))] ^= 1 << random(8)
  }
  return changed
}

/** Bits of words that stay instructions: not their low seven. */
function flipInstructions(bytes: Uint8Array, random: Random, count: number): Uint8Array {
  const changed = bytes.slice()
  const words = Math.max(1, Math.floor((bytes.length - CODE_OFFSET) / 4) - 1)
  for (let i = 0; i < count; i++) {
    const word = CODE_OFFSET + 4 * random(words)
    const bit = 7 + random(25)
    const at = word + (bit >>> 3)
    if (at < changed.length) changed[at] ^= 1 << (bit & 7)
  }
  return changed
}

function repeatPart(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice()
  changed.copyWithin(random(bytes.length), random(bytes.length), random(bytes.length))
  return changed
}
