/**
 * 2,000 broken programs and stdin files, made from the guests by a seeded generator: every one gives
 * a typed error or a run, within the cycle limit.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GuestError, InputError } from '../../../src/core/errors.js'
import { execute } from '../../../src/core/executor/execute.js'
import { detectStdin } from '../../../src/core/executor/stdin.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { guestElf, guestInput } from '../../support/cli.js'

const CASES = 2000
const SEED = 0x5eed
const CYCLE_LIMIT = 100_000
const GUESTS = [
  'fibonacci',
  'inputs',
  'hashes',
  'unconstrained',
  'cycle-tracker',
  'panics',
  'probe',
]

/** A small generator with a period that suffices: xorshift32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

type Random = (below: number) => number
type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array

/** Most leave the file's structure alone, so that most cases reach execution. */
const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => flip(bytes, random, 1),
  (bytes, random) => flip(bytes, random, 30),
  (bytes, random) => flipWithin(bytes, random, 0, 52 + 4 * 32, 2),
  (bytes, random) => flipInstructions(bytes, random, 1),
  (bytes, random) => flipInstructions(bytes, random, 20),
  (bytes, random) => flipInstructions(bytes, random, 200),
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => repeatPart(bytes, random),
]

function flip(bytes: Uint8Array, random: Random, count: number): Uint8Array {
  return flipWithin(bytes, random, 0, bytes.length, count)
}

function flipWithin(bytes: Uint8Array, random: Random, from: number, to: number, count: number) {
  const changed = bytes.slice()
  for (let i = 0; i < count; i++) {
    const at = Math.min(from + random(Math.max(1, to - from)), changed.length - 1)
    if (at >= 0) changed[at] = (changed[at] as number) ^ (1 << random(8))
  }
  return changed
}

/** Bits of words that stay instructions: not their low seven. */
function flipInstructions(bytes: Uint8Array, random: Random, count: number): Uint8Array {
  const changed = bytes.slice()
  const start = 0x1000
  for (let i = 0; i < count; i++) {
    const word = start + 4 * random(Math.max(1, Math.floor((bytes.length - start) / 4) - 1))
    const bit = 7 + random(25)
    const at = word + (bit >>> 3)
    if (at < changed.length) changed[at] = (changed[at] as number) ^ (1 << (bit & 7))
  }
  return changed
}

function repeatPart(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice()
  changed.copyWithin(random(bytes.length), random(bytes.length), random(bytes.length))
  return changed
}

describe('hostile input', () => {
  it('gives typed errors or runs, nothing else', async () => {
    const random = randomOf(SEED)
    const outcomes = { loaded: 0, ended: 0, refused: 0 }
    for (let i = 0; i < CASES; i++) {
      const guest = GUESTS[random(GUESTS.length)] as string
      const mutate = MUTATIONS[random(MUTATIONS.length)] as Mutation
      const isStdin = random(5) === 0
      const [elf, stdin] = [readFileSync(guestElf(guest)), readFileSync(guestInput(guest))]
      const outcome = await attempt(
        isStdin ? elf : mutate(elf, random),
        isStdin ? mutate(stdin, random) : stdin,
      )
      expect(outcome.error === undefined || isTyped(outcome.error), String(outcome.error)).toBe(
        true,
      )
      outcomes.loaded += Number(outcome.hasLoaded)
      outcomes[outcome.error === undefined ? 'ended' : 'refused'] += 1
    }
    expect(outcomes.ended + outcomes.refused).toBe(CASES)
    // The corpus is worth something only if it gets beyond the loader, and both ways of ending occur.
    expect(outcomes.loaded).toBeGreaterThan(CASES / 2)
    expect(outcomes.ended).toBeGreaterThan(CASES / 20)
  }, 300_000)
})

async function attempt(elf: Uint8Array, stdin: Uint8Array) {
  let hasLoaded = false
  try {
    const input = detectStdin(stdin)
    parseElf(elf)
    hasLoaded = true
    await execute(elf, input, { limits: { cycles: CYCLE_LIMIT, memoryMib: 64, timeoutMs: 20_000 } })
    return { hasLoaded }
  } catch (error) {
    return { hasLoaded, error }
  }
}

function isTyped(error: unknown): boolean {
  return error instanceof InputError || error instanceof GuestError
}
