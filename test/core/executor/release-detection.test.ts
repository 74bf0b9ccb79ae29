/** For which release a program was built: every outcome, by crate paths and by descriptors. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadProgram, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { detectRelease } from '../../../src/core/executor/release-detection.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'

const [T0, A0] = [5, 10]
const WRITE = 2

const constant = (rd: number, imm: number) => encode('addi', { rd, rs1: 0, imm })
/** A call in one piece, as compilers make it. */
const writeTo = (fd: number, ...between: number[]) => [
  constant(T0, WRITE),
  constant(A0, fd),
  ...between,
  encode('ecall'),
]

function elfWith(paths: string, text: number[] = [encode('ecall')]): Uint8Array {
  const contents = Uint8Array.from(paths, (char) => char.charCodeAt(0))
  return elfOf({ text, segments: [{ address: 0x0030_0000, contents }] })
}

function detect(elf: Uint8Array) {
  return detectRelease(elf, parseElf)
}

describe('by the crates that panic messages name', () => {
  it.each([
    ['sp1-zkvm-1.2.0/src/lib.rs', 3],
    ['registry/src/x/sp1-zkvm-3.4.0/src/lib.rs', 3],
    ['sp1-lib-2.0.0', 3],
    ['sp1_primitives-4.0.1', 5],
    ['sp1-zkvm-5.2.4/src/syscalls/halt.rs', 5],
    ['\xff\x80sp1-zkvm-5.0.0', 5],
    ['sp1-zkvm-6.10.0', 6],
    ['sp1-lib-12.0.0/src/lib.rs', 6],
  ])('%j is of line %i', (path, line) => {
    const sign = `it names ${/sp1[-_].*?-\d+\.\d+\.\d+/.exec(path)?.[0]}`
    expect(detect(elfWith(path))).toEqual({ line, sign })
  })

  it.each(['sp1-zkvm-0.0.0', 'sp1-zkvm', 'sp1-build-5.2.4', ''])('%j tells nothing', (path) => {
    expect(detect(elfWith(path))).toBeUndefined()
  })

  it('goes before descriptors', () => {
    expect(detect(elfWith('sp1-zkvm-5.2.4', writeTo(3)))?.line).toBe(5)
  })
})

describe('by the width of registers', () => {
  const wide = (fields: object) => elfOf({ text: [encode('ecall')], elfClass: 2, ...fields })

  it('64-bit RISC-V is of line 6', () => {
    const sign = { line: 6, sign: 'it is for 64-bit RISC-V' }
    expect(detect(wide({}))).toEqual(sign)
    expect(detect(wide({ programHeaderCount: 60_000 }))).toEqual(sign)
  })

  it('another machine tells nothing, and neither does what is no ELF', () => {
    const refusal = (code: string) => expect.objectContaining({ code })
    expect(() => detect(wide({ machine: 62 }))).toThrow(refusal('ELF_NOT_RV32'))
    expect(() => detect(wide({}).fill(0, 0, 4))).toThrow(refusal('ELF_NOT_ELF'))
    expect(() => detect(wide({}).subarray(0, 18))).toThrow(refusal('ELF_TRUNCATED'))
  })
})

describe('by the descriptor of public values', () => {
  const nop = encode('addi', { rd: 0, rs1: 0, imm: 0 })

  it.each([
    [3, 3],
    [13, 5],
  ])('descriptor %i is of line %i', (fd, line) => {
    const sign = `it writes public values to descriptor ${fd}`
    expect(detect(elfWith('', writeTo(fd)))).toEqual({ line, sign })
    expect(detect(elfWith('', [...writeTo(fd), ...writeTo(1), ...writeTo(fd)]))?.line).toBe(line)
  })

  it.each<[string, number[]]>([
    ['another descriptor', writeTo(1)],
    ['another syscall', [constant(T0, 0xf0), constant(A0, 3), encode('ecall')]],
    ['both descriptors', [...writeTo(3), ...writeTo(13)]],
    ['a descriptor that is computed', writeTo(3, encode('addi', { rd: A0, rs1: A0, imm: 1 }))],
    ['a syscall that is loaded', writeTo(3, encode('lw', { rd: T0, rs1: 2, imm: 0 }))],
    ['a call too far away', writeTo(3, ...Array(12).fill(nop))],
    ['no call', [constant(T0, WRITE), constant(A0, 3)]],
  ])('%s tells nothing', (_name, text) => {
    expect(detect(elfWith('', text))).toBeUndefined()
  })
})

describe('loadProgram', () => {
  const [old, recent, silent] = [elfWith('sp1-zkvm-3.4.0'), elfWith('sp1-zkvm-5.2.4'), elfWith('')]
  const versionOf = (...args: Parameters<typeof loadProgram>) =>
    loadProgram(...args).release.version

  it('takes the release that the program tells, whatever the fallback', () => {
    expect(versionOf(old, {})).toBe('3.4.0')
    expect(versionOf(recent, {})).toBe('5.2.4')
    expect(versionOf(recent, { fallbackSp1: '3.4.0' })).toBe('5.2.4')
  })

  it('takes the fallback for a program that does not tell, by default the oldest', () => {
    expect(versionOf(silent, {})).toBe('3.4.0')
    expect(versionOf(silent, { fallbackSp1: '5.2.4' })).toBe('5.2.4')
    expect(versionOf(silent, { sp1: '5.2.4' })).toBe('5.2.4')
  })

  it('refuses a choice that the program contradicts, and names the likely one', () => {
    expect(() => loadProgram(recent, { sp1: '3.4.0' })).toThrow(
      expect.objectContaining({
        code: 'RELEASE_MISMATCH',
        exitCode: 2,
        details: { asked: '3.4.0', likely: '5.2.4', sign: 'it names sp1-zkvm-5.2.4' },
      }),
    )
    expect(versionOf(recent, { sp1: '5.2.4' })).toBe('5.2.4')
  })

  it.each([
    ['it is for 64-bit RISC-V', elfOf({ text: [encode('ecall')], elfClass: 2 })],
    ['it names sp1-zkvm-6.10.0', elfWith('sp1-zkvm-6.10.0')],
  ])('refuses what was built for a release that is not there: %s', (sign, elf) => {
    const details = { likely: '6.x', sign, known: '3.4.0, 5.2.4' }
    for (const choice of [{}, { sp1: '5.2.4' }, { fallbackSp1: '5.2.4' }]) {
      expect(() => loadProgram(elf, choice)).toThrow(
        expect.objectContaining({ code: 'RELEASE_UNSUPPORTED', exitCode: 2, details }),
      )
    }
  })

  it.each([{ sp1: '4.0.0' }, { fallbackSp1: '' }])('refuses %j', (choice) => {
    expect(() => loadProgram(silent, choice)).toThrow(
      expect.objectContaining({ code: 'RELEASE_UNKNOWN' }),
    )
  })

  it.each(SP1_VERSIONS)('knows every guest built for %s', (sp1) => {
    const folder = guestElf('', sp1).replace(/[^/]*$/, '')
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.elf'))) {
      expect([name, versionOf(readFileSync(`${folder}${name}`), {})]).toEqual([name, sp1])
    }
  })
})
