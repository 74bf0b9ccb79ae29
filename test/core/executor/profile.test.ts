/** Call stacks from jumps, exact weights, bounds, and the file that speedscope opens. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { execute } from '../../../src/core/executor/execute.js'
import type { Profile } from '../../../src/core/executor/profile.js'
import { SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { encodeSpeedscope } from '../../../src/core/executor/speedscope.js'
import { parseStdin } from '../../../src/core/executor/stdin.js'
import { elfOf, encode, li, TEXT_ADDRESS } from '../../support/assembler.js'
import { guestElf, guestInput } from '../../support/cli.js'
import { elfWithSymbols, type SymbolTable } from '../../support/symbol-table.js'

const [ZERO, RA, SP, T0, S0, S1] = [0, 1, 2, 5, 8, 9]
const NOP = encode('addi', { rd: 0, rs1: 0, imm: 0 })
const HALT = [...li(T0, 0), ...li(10, 0), encode('ecall')]
const RETURN = encode('jalr', { rd: ZERO, rs1: RA, imm: 0 })
const KEEP_RA = encode('addi', { rd: S0, rs1: RA, imm: 0 })
const RESTORE_RA = encode('addi', { rd: RA, rs1: S0, imm: 0 })
const NO_INPUT = { buffers: [], deferredProofs: 0n }

/** An instruction, or one made from where it is and where every function is, in bytes. */
type Line = number | ((at: number, addressOf: (name: string) => number) => number)

const jump =
  (rd: number, to: string): Line =>
  (at, addressOf) =>
    encode('jal', { rd, imm: addressOf(to) - at })
const call = (to: string) => jump(RA, to)
const tail = (to: string) => jump(ZERO, to)

/** Functions one behind the other, the first one the entry. */
function assemble(functions: Readonly<Record<string, readonly Line[]>>) {
  const addresses = new Map<string, number>()
  let end = TEXT_ADDRESS
  for (const [name, lines] of Object.entries(functions)) {
    addresses.set(name, end)
    end += 4 * lines.length
  }
  const addressOf = (name: string) => addresses.get(name) ?? 0
  const text = Object.values(functions)
    .flat()
    .map((line, i) => (typeof line === 'number' ? line : line(TEXT_ADDRESS + 4 * i, addressOf)))
  const symbols = Object.entries(functions).map(([name, lines]) => {
    return { name, address: addressOf(name), bytes: 4 * lines.length }
  })
  return { text, symbols }
}

async function profileOf(functions: Readonly<Record<string, readonly Line[]>>) {
  const { text, symbols } = assemble(functions)
  return profile(elfWithSymbols({ text }, { symbols }))
}

async function profile(elf: Uint8Array): Promise<Profile> {
  const { profile, cycles } = await execute(elf, NO_INPUT, { profile: true })
  expect(total(profile as Profile)).toBe(cycles)
  return profile as Profile
}

const total = ({ weights }: Profile) => weights.reduce((sum, weight) => sum + weight, 0)

/** Instructions by stack. */
function stacksOf({ frames, samples, weights }: Profile): Record<string, number> {
  const sums: Record<string, number> = {}
  samples.forEach((sample, i) => {
    const stack = sample.map((frame) => frames[frame]).join(' ')
    sums[stack] = (sums[stack] ?? 0) + (weights[i] ?? 0)
  })
  return sums
}

describe('stacks', () => {
  it('follow calls, returns and tail calls, in their order', async () => {
    const found = await profileOf({
      main: [call('f'), call('f'), ...HALT],
      f: [KEEP_RA, call('g'), RESTORE_RA, RETURN],
      g: [NOP, tail('h')],
      h: [RETURN],
    })
    const once = ['main', 'main f', 'main f g', 'main f h', 'main f']
    const names = found.samples.map((sample) => sample.map((i) => found.frames[i]).join(' '))
    expect(names).toEqual([...once, ...once, 'main'])
    expect(found.weights).toEqual([1, 2, 2, 1, 2, 1, 2, 2, 1, 2, 5])
  })

  it('follow calls that link t0, as outlined code does', async () => {
    const found = await profileOf({
      main: [call('f'), ...HALT],
      f: [jump(T0, 'save'), RETURN],
      save: [NOP, encode('jalr', { rd: ZERO, rs1: T0, imm: 0 })],
    })
    expect(stacksOf(found)).toEqual({ main: 6, 'main f': 2, 'main f save': 2 })
  })

  it('stay, for jumps within a function', async () => {
    const skip = encode('jal', { rd: ZERO, imm: 8 })
    expect(stacksOf(await profileOf({ main: [NOP, skip, NOP, ...HALT] }))).toEqual({ main: 7 })
  })

  it('lose the frames that a return goes past', async () => {
    const found = await profileOf({
      main: [call('f'), ...HALT],
      f: [KEEP_RA, call('g'), NOP],
      g: [RESTORE_RA, RETURN],
    })
    expect(stacksOf(found)).toEqual({ main: 6, 'main f': 2, 'main f g': 2 })
  })

  it('take a return that nobody waits for as a jump', async () => {
    const start = assemble({ main: [NOP], f: [NOP] })
    const f = start.symbols[1]?.address ?? 0
    const found = await profileOf({
      main: [...li(RA, f + 8), RETURN],
      f: [...HALT],
    })
    expect(stacksOf(found)).toEqual({ main: 3, f: 5 })
  })

  it('have no unconstrained block', async () => {
    // ENTER (3), and unless t0 is 0 then, a call and EXIT (4).
    const found = await profileOf({
      main: [
        ...li(T0, 3),
        encode('ecall'),
        encode('beq', { rs1: T0, rs2: ZERO, imm: 20 }),
        call('f'),
        ...li(T0, 4),
        encode('ecall'),
        call('f'),
        ...HALT,
      ],
      f: [RETURN],
    })
    expect(stacksOf(found)).toEqual({ main: 10, 'main f': 1 })
  })
})

describe('names', () => {
  const functions = { main: [call('f'), ...HALT], f: [RETURN] }
  const { text, symbols } = assemble(functions)
  const f = `0x${(TEXT_ADDRESS + 24).toString(16)}`

  it('are demangled', async () => {
    const mangled = symbols.map((symbol) => ({
      ...symbol,
      name: `_RNvC1a${symbol.name.length}${symbol.name}`,
    }))
    const found = await profile(elfWithSymbols({ text }, { symbols: mangled }))
    expect(found.frames).toEqual(['a::main', 'a::f'])
  })

  it('are addresses without a symbol table', async () => {
    expect(stacksOf(await profile(elfOf({ text })))).toEqual({
      '0x200800': 6,
      [`0x200800 ${f}`]: 1,
    })
  })

  it.each<[string, Partial<SymbolTable>]>([
    ['names in no section', { link: 9 }],
    ['more symbols than the file has', { symbolBytes: 2 ** 31 }],
    ['offsets beyond the names', { nameOffset: 2 ** 31 }],
  ])('are addresses with a table that has %s', async (_name, change) => {
    const found = await profile(elfWithSymbols({ text }, { symbols, ...change }))
    expect(found.frames).toEqual(['0x200800', f])
  })
})

describe('bounds', () => {
  /** Calls itself until s1 is 0, with return addresses on a stack in memory. */
  const recursion = (depth: number) => ({
    main: [...li(S1, depth), ...li(SP, 0x0100_0000), call('r'), ...HALT],
    r: [
      encode('addi', { rd: SP, rs1: SP, imm: -4 }),
      encode('sw', { rs1: SP, rs2: RA, imm: 0 }),
      encode('addi', { rd: S1, rs1: S1, imm: -1 }),
      encode('beq', { rs1: S1, rs2: ZERO, imm: 8 }),
      call('r'),
      encode('lw', { rd: RA, rs1: SP, imm: 0 }),
      encode('addi', { rd: SP, rs1: SP, imm: 4 }),
      RETURN,
    ],
  })

  it.each([100, 1000, 70_000])('%d calls deep comes back to where it began', async (depth) => {
    const found = await profileOf(recursion(depth))
    expect(Math.max(...found.samples.map(({ length }) => length))).toBe(Math.min(depth + 1, 128))
    expect(found.samples.at(-1)).toEqual(found.samples[0])
    expect(stacksOf(found).main).toBe(10)
  })

  it('a long run loses order and no weight', async () => {
    const times = 100_000
    const found = await profileOf({
      main: [
        ...li(S1, times),
        call('f'),
        encode('addi', { rd: S1, rs1: S1, imm: -1 }),
        encode('bne', { rs1: S1, rs2: ZERO, imm: -8 }),
        ...HALT,
      ],
      f: [RETURN],
    })
    expect(found.samples.length).toBeLessThanOrEqual(2 ** 16)
    expect(stacksOf(found)).toEqual({ main: 7 + 3 * times, 'main f': times })
  })
})

describe.each(SP1_VERSIONS)('guests of SP1 %s', (sp1) => {
  it.each(['cycle-tracker', 'unconstrained', 'json', 'ecrecover'])(
    'every instruction of %s is in its profile',
    async (guest) => {
      const elf = readFileSync(guestElf(guest, sp1))
      const stdin = parseStdin(readFileSync(guestInput(guest)), 'sp1')
      const { profile, ...result } = await execute(elf, stdin, { profile: true })
      const {
        durationMs: _d,
        phases: _p,
        mhz: _m,
        ...plain
      } = await execute(elf, stdin, {
        engine: 'interpreter',
      })
      expect(result).toMatchObject(plain)
      expect(total(profile as Profile)).toBe(result.cycles)
      expect(profile?.frames).toContain('main')
      expectSpeedscope(encodeSpeedscope(profile as Profile, guest), result.cycles)
    },
  )
})

/** The rules of https://www.speedscope.app/file-format-schema.json, and of what it draws. */
function expectSpeedscope(bytes: Uint8Array, cycles: number): void {
  const file = JSON.parse(new TextDecoder().decode(bytes))
  expect(file).toEqual({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'sp1-tee',
    name: expect.any(String),
    shared: { frames: expect.any(Array) },
    profiles: [
      {
        type: 'sampled',
        name: expect.any(String),
        unit: 'none',
        startValue: 0,
        endValue: cycles,
        samples: expect.any(Array),
        weights: expect.any(Array),
      },
    ],
  })
  const [{ samples, weights }] = file.profiles
  const { frames } = file.shared
  expect(frames.every(({ name }: { name: unknown }) => typeof name === 'string' && name)).toBe(true)
  expect(weights).toHaveLength(samples.length)
  expect(weights.every((weight: number) => Number.isSafeInteger(weight) && weight > 0)).toBe(true)
  const isFrame = (index: number) => Number.isInteger(index) && index >= 0 && index < frames.length
  expect(samples.every((sample: number[]) => sample.length > 0 && sample.every(isFrame))).toBe(true)
  expect(new Set(samples.flat()).size).toBe(frames.length)
}
