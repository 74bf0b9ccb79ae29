/** Calls of the syscalls that are no precompiles, and of codes that are none at all. */
import { toHex } from '../../src/core/bytes.js'
import type { SyscallCase } from './precompile-cases.js'
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

const TEXT = 0x0040_0000
const MEMORY = 0x0041_0000
const ANSWER = 0x0042_0000
const END = 0x7800_0000
const MAX = 2 ** 32 - 1

const ascii = (text: string) => toHex(new TextEncoder().encode(text))
const ecall = (code: number, ...args: readonly number[]): Step => ({ ecall: code, args })
const keepT0: Step = { keepT0At: ANSWER }
const report = { [ANSWER]: 4 }

/** By name of the syscall; codes that are none under `unknown`. */
export function systemCases(): Map<string, SyscallCase[]> {
  return new Map([
    ['HALT', haltCases()],
    ['WRITE', writeCases()],
    ['ENTER_UNCONSTRAINED', enterCases()],
    ['EXIT_UNCONSTRAINED', exitCases()],
    ['COMMIT', commitCases(COMMIT)],
    ['COMMIT_DEFERRED_PROOFS', commitCases(COMMIT_DEFERRED_PROOFS)],
    ['VERIFY_SP1_PROOF', verifyCases()],
    ['HINT_LEN', hintLenCases()],
    ['HINT_READ', hintReadCases()],
    ['unknown', unknownCases()],
  ])
}

function cases(programs: Readonly<Record<string, SyscallProgram>>): SyscallCase[] {
  return Object.entries(programs).map(([name, program]) => ({ name, program }))
}

function inBlock(...steps: readonly Step[]): Step {
  return { unconstrained: steps }
}

function haltCases(): SyscallCase[] {
  const codes = [0, 1, 2, 255, 256, 0x7800_0000, 0x7800_0001, 2 ** 31, MAX]
  return [
    ...codes.map((code) => ({ name: `code-${code}`, program: { steps: [ecall(HALT, code)] } })),
    ...cases({
      'with-other-arguments': { steps: [ecall(HALT, 0, 1, 2, 3)] },
      unconstrained: { steps: [inBlock(ecall(HALT, 0))] },
      'after-output': {
        data: { [TEXT]: ascii('bye') },
        steps: [ecall(WRITE, 1, TEXT, 3), ecall(HALT, 7)],
      },
    }),
  ]
}

function writeCases(): SyscallCase[] {
  const data = { [TEXT]: ascii('some text\n') }
  const descriptors = [...Array(32).keys(), 99, 2 ** 31, MAX]
  const outputs = [1, 2, 3, 4, 13, 14]
  const texts: readonly [string, string][] = [
    ['no-line-end', 'abc'],
    ['empty-line', '\n'],
    ['two-lines', 'a\nb\n'],
    ['tracker-start', 'cycle-tracker-start: a'],
    ['tracker-end', 'cycle-tracker-end: a'],
    ['tracker-report-end', 'cycle-tracker-report-end: a'],
    ['tracker-other', 'cycle-tracker-other: a'],
    ['umlaut', 'ä\n'],
  ]
  const invalid: readonly [string, `0x${string}`][] = [
    ['lone-continuation', '0x80'],
    ['cut-short', '0xe282'],
    ['surrogate', '0xeda080'],
    ['overlong', '0xc080'],
    ['byte-order-mark', '0xefbbbf61'],
  ]
  return [
    ...descriptors.map((fd) => ({
      name: `fd-${fd}`,
      program: { data, steps: [ecall(WRITE, fd, TEXT, 10)] },
    })),
    ...outputs.flatMap((fd) => whereCases(fd)),
    ...texts.flatMap(([name, text]) => textCases(name, ascii(text))),
    ...invalid.flatMap(([name, text]) => textCases(name, text)),
    ...cases({
      'keeps-t0': { data, report, steps: [ecall(WRITE, 2, TEXT, 10), keepT0] },
      'tracker-report': {
        data: {
          [TEXT]: ascii('cycle-tracker-report-start:x'),
          [MEMORY]: ascii('cycle-tracker-report-end:x'),
        },
        steps: [ecall(WRITE, 1, TEXT, 28), ecall(WRITE, 1, MEMORY, 26)],
      },
      'too-much': { data, steps: [ecall(WRITE, 99, TEXT, MAX - 15)] },
    }),
  ]
}

function textCases(name: string, text: `0x${string}`): SyscallCase[] {
  const bytes = (text.length - 2) / 2
  return [1, 2, 3, 13].map((fd) => ({
    name: `fd-${fd}/${name}`,
    program: { data: { [TEXT]: text }, steps: [ecall(WRITE, fd, TEXT, bytes)] },
  }))
}

/** Where the bytes come from, and from where they are written. */
function whereCases(fd: number): SyscallCase[] {
  const data = { [TEXT]: ascii('0123456789abcdef') }
  const hint = ecall(HINT_READ, MEMORY, 8)
  const hinted = { buffers: [ascii('hinted!\n')] }
  const programs: Readonly<Record<string, SyscallProgram>> = {
    nothing: { data, steps: [ecall(WRITE, fd, TEXT, 0)] },
    'nothing-from-anywhere': { data, steps: [ecall(WRITE, fd, MAX, 0)] },
    misaligned: { data, steps: [ecall(WRITE, fd, TEXT + 3, 6)] },
    'from-untouched-memory': { data, steps: [ecall(WRITE, fd, MEMORY, 5)] },
    'over-the-edge-of-data': { data, steps: [ecall(WRITE, fd, TEXT + 12, 9)] },
    'from-registers': { data, steps: [ecall(WRITE, fd, 8, 16)] },
    'up-to-the-end': { data, steps: [ecall(WRITE, fd, END - 4, 4)] },
    'over-the-end': { data, steps: [ecall(WRITE, fd, END - 2, 4)] },
    'beyond-the-end': { data, steps: [ecall(WRITE, fd, 2 ** 31, 4)] },
    wrapping: { data, steps: [ecall(WRITE, fd, MAX, 4)] },
    'a-hint': { ...hinted, steps: [hint, ecall(WRITE, fd, MEMORY, 8)] },
    'a-loaded-hint': {
      ...hinted,
      steps: [hint, { loadFrom: MEMORY }, ecall(WRITE, fd, MEMORY, 8)],
    },
    unconstrained: { data, steps: [inBlock(ecall(WRITE, fd, TEXT, 5))] },
    'then-read': {
      data,
      buffers: [ascii('given')],
      report: { [ANSWER]: 4, [ANSWER + 4]: 8 },
      steps: [
        ecall(WRITE, fd, TEXT, 6),
        ecall(WRITE, fd, TEXT, 7),
        ecall(HINT_LEN),
        keepT0,
        ecall(HINT_READ, MEMORY, 5),
        ecall(HINT_LEN),
        { keepT0At: ANSWER + 4 },
      ],
    },
    'unconstrained-then-length': {
      data,
      buffers: [ascii('given')],
      report,
      steps: [inBlock(ecall(WRITE, fd, TEXT, 7)), ecall(HINT_LEN), keepT0],
    },
  }
  return cases(programs).map(({ name, program }) => ({ name: `fd-${fd}/${name}`, program }))
}

function enterCases(): SyscallCase[] {
  const value = 0x1234_5678
  const enter = ecall(ENTER_UNCONSTRAINED)
  const [data, store] = [{ [MEMORY]: ascii('abcd') }, { storeAt: MEMORY, value } as const]
  return cases({
    'answer-after-the-block': { report, steps: [inBlock(), keepT0] },
    'answer-in-the-block': { report, steps: [inBlock(keepT0, ecall(WRITE, 2, ANSWER, 4))] },
    'arguments-do-not-matter': {
      report,
      steps: [ecall(ENTER_UNCONSTRAINED, 1, 2, 3), ecall(EXIT_UNCONSTRAINED, 4, 5, 6)],
    },
    'undoes-a-store': { data, report: { [MEMORY]: 8 }, steps: [inBlock(store)] },
    'undoes-a-first-store': { report: { [MEMORY]: 8 }, steps: [inBlock(store)] },
    'undoes-no-earlier-store': {
      report: { [MEMORY]: 8 },
      steps: [store, inBlock({ storeAt: MEMORY, value: 1 })],
    },
    'then-a-store': { report: { [MEMORY]: 8 }, steps: [inBlock(), store] },
    'two-blocks': {
      report: { [MEMORY]: 8 },
      steps: [inBlock(store), { storeAt: MEMORY + 4, value }, inBlock(store)],
    },
    'inside-a-block': { steps: [inBlock(inBlock())] },
    'twice-without-exit': { steps: [enter, enter] },
    'without-exit': { steps: [enter] },
    'loads-a-hint': {
      buffers: [ascii('hint')],
      report: { [MEMORY]: 4 },
      steps: [ecall(HINT_READ, MEMORY, 4), inBlock({ loadFrom: MEMORY })],
    },
  })
}

function exitCases(): SyscallCase[] {
  const exit = ecall(EXIT_UNCONSTRAINED)
  return cases({
    'without-a-block': { report, steps: [exit, keepT0] },
    'without-a-block-with-arguments': { report, steps: [ecall(EXIT_UNCONSTRAINED, 1, 2), keepT0] },
    'after-a-block': { report, steps: [inBlock(), exit, keepT0] },
    'twice-in-a-block': { report, steps: [inBlock(exit), keepT0] },
    'then-halt-1': { steps: [exit, ecall(HALT, 1)] },
  })
}

function commitCases(code: number): SyscallCase[] {
  const indices = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 256, 2 ** 31, MAX]
  const words = [0, 1, 0x1234_5678, 0x7800_0000, 0x7800_0001, 2 ** 31, MAX]
  return [
    ...indices.map((index) => ({
      name: `index-${index}`,
      program: { steps: [ecall(code, index, 0)] },
    })),
    ...words.map((word) => ({ name: `word-${word}`, program: { steps: [ecall(code, 3, word)] } })),
    ...cases({
      'keeps-t0': { report, steps: [ecall(code, 0, 0), keepT0] },
      'same-word-twice': { steps: [ecall(code, 1, 5), ecall(code, 1, 5)] },
      'two-words-for-one-index': { steps: [ecall(code, 1, 5), ecall(code, 1, 6)] },
      unconstrained: { steps: [inBlock(ecall(code, 0, 0))] },
    }),
  ]
}

function verifyCases(): SyscallCase[] {
  return cases({
    'without-a-proof': { steps: [ecall(VERIFY_SP1_PROOF, TEXT, MEMORY)] },
    'misaligned-key': { steps: [ecall(VERIFY_SP1_PROOF, TEXT + 1, MEMORY)] },
    'misaligned-digest': { steps: [ecall(VERIFY_SP1_PROOF, TEXT, MEMORY + 2)] },
    'no-pointers': { steps: [ecall(VERIFY_SP1_PROOF, 0, 0)] },
    'beyond-the-end': { steps: [ecall(VERIFY_SP1_PROOF, 2 ** 31, 2 ** 31)] },
    unconstrained: { steps: [inBlock(ecall(VERIFY_SP1_PROOF, TEXT, MEMORY))] },
  })
}

function hintLenCases(): SyscallCase[] {
  const length = [ecall(HINT_LEN), keepT0]
  return cases({
    'no-input': { report, steps: length },
    empty: { buffers: ['0x'], report, steps: length },
    'one-byte': { buffers: ['0x05'], report, steps: length },
    '300-bytes': { buffers: [`0x${'ab'.repeat(300)}`], report, steps: length },
    'first-of-two': { buffers: ['0x0102', '0x03'], report, steps: length },
    'second-of-two': {
      buffers: ['0x0102', '0x03'],
      report,
      steps: [ecall(HINT_READ, MEMORY, 2), ...length],
    },
    'none-left': { buffers: ['0x0102'], report, steps: [ecall(HINT_READ, MEMORY, 2), ...length] },
    'none-left-twice': {
      buffers: ['0x0102'],
      report,
      steps: [ecall(HINT_READ, MEMORY, 2), ecall(HINT_LEN), ...length],
    },
    twice: { buffers: ['0x0102'], report, steps: [ecall(HINT_LEN, 1, 2), ...length] },
    unconstrained: { buffers: ['0x0102'], report, steps: [inBlock(ecall(HINT_LEN))] },
  })
}

function hintReadCases(): SyscallCase[] {
  const buffers = [ascii('eight by'), ascii('then five')]
  const read = ecall(HINT_READ, MEMORY, 8)
  const load: Step = { loadFrom: MEMORY }
  const memory = { [MEMORY]: 12 }
  const lengths = [0, 4, 7, 9, MAX]
  const tail = (bytes: number): SyscallProgram => ({
    buffers: [`0x${'c3'.repeat(bytes)}`],
    data: { [MEMORY + 64]: '0xeeeeeeee' },
    report: { [MEMORY]: 12 },
    steps: [
      ecall(HINT_READ, MEMORY, bytes),
      ...[0, 4, 8].map((at): Step => ({ loadFrom: MEMORY + at })),
    ],
  })
  return [
    ...lengths.map((length) => ({
      name: `length-${length}-of-8`,
      program: { buffers, steps: [ecall(HINT_READ, MEMORY, length)] },
    })),
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((bytes) => ({
      name: `${bytes}-bytes`,
      program: tail(bytes),
    })),
    ...[1, 2, 3].map((by) => ({
      name: `misaligned-${by}`,
      program: { buffers, steps: [ecall(HINT_READ, MEMORY + by, 8)] },
    })),
    ...cases({
      'no-input': { steps: [ecall(HINT_READ, MEMORY, 0)] },
      'none-left': {
        buffers: ['0x'],
        steps: [ecall(HINT_READ, MEMORY, 0), ecall(HINT_READ, MEMORY, 0)],
      },
      'not-loaded': { buffers, report: memory, steps: [read] },
      'loaded-in-part': { buffers, report: memory, steps: [read, load] },
      'keeps-t0': { buffers, report, steps: [read, keepT0] },
      'into-data': {
        buffers,
        data: { [MEMORY]: ascii('01234567') },
        report: memory,
        steps: [read],
      },
      'into-loaded-memory': { buffers, report: memory, steps: [load, read, load] },
      'into-stored-memory': {
        buffers,
        report: memory,
        steps: [{ storeAt: MEMORY, value: 9 }, read, load],
      },
      'zeros-into-stored-memory': {
        buffers: ['0x0000000000000000'],
        report: memory,
        steps: [{ storeAt: MEMORY, value: 9 }, read, load],
      },
      'then-a-store': {
        buffers,
        report: memory,
        steps: [read, { storeAt: MEMORY, value: 9 }, { loadFrom: MEMORY + 4 }],
      },
      'over-an-earlier-hint': {
        buffers: [...buffers, '0x01'],
        steps: [read, ecall(HINT_READ, MEMORY, 9)],
      },
      'beside-an-earlier-hint': {
        buffers,
        report: { [MEMORY]: 20 },
        steps: [read, ecall(HINT_READ, MEMORY + 8, 9), { loadFrom: MEMORY + 8 }],
      },
      'up-to-the-end': {
        buffers,
        report: { [END - 8]: 8 },
        steps: [ecall(HINT_READ, END - 8, 8), { loadFrom: END - 8 }, { loadFrom: END - 4 }],
      },
      'over-the-end': { buffers, steps: [ecall(HINT_READ, END - 4, 8)] },
      'beyond-the-end': { buffers, steps: [ecall(HINT_READ, 2 ** 31, 8)] },
      'into-registers': { buffers, steps: [ecall(HINT_READ, 16, 8)] },
      unconstrained: { buffers, steps: [inBlock(read)] },
    }),
  ]
}

/** Neighbours of codes, with a part of them missing or added. */
function unknownCases(): SyscallCase[] {
  const codes = [
    0x01,
    0x05,
    0x07,
    0x0a,
    0x0d,
    0x11,
    0x19,
    0x1c,
    0x1d,
    0x2c,
    0x30,
    0xf2,
    0xff,
    0x100,
    0x105,
    0x106,
    0x107,
    0x109,
    0x1_0105,
    0x30_0105,
    0x30_0106,
    0x1_0108,
    0x1_010b,
    0x1_010d,
    0x1_0110,
    0x1_011c,
    0x1_0130,
    0x1_01f0,
    0x100_0000,
    0x0101_0107,
    0x0001_0000,
    0x8000_0000,
    MAX,
  ]
  const hex = (code: number) => `0x${code.toString(16).padStart(8, '0')}`
  return [
    ...codes.map((code) => ({ name: hex(code), program: { steps: [ecall(code, TEXT, MEMORY)] } })),
    { name: 'unconstrained', program: { steps: [inBlock(ecall(0x01))] } },
  ]
}
