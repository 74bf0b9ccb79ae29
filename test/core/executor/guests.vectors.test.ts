/**
 * Every guest case as SP1 answered it, in both releases and every engine: public values, cycles, counts,
 * labels and output are equal, and what SP1 refuses is refused. Where we refuse more, the case is listed
 * here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../src/core/bytes.js'
import { GuestError, InputError } from '../../../src/core/errors.js'
import { ENGINES, type EngineName } from '../../../src/core/executor/engines.js'
import { type ExecutionResult, execute } from '../../../src/core/executor/execute.js'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { guestElf } from '../../support/cli.js'
import { codeOf } from '../../support/sp1-errors.js'

interface Success {
  readonly publicValues: string
  readonly cycles: number
  readonly syscallCount: number
  readonly opcodes: Record<string, number>
  readonly syscalls: Record<string, number>
  readonly cycleTracker: Record<string, number>
  readonly stdout: string
  readonly stderr: string
  /** Eight little-endian words. */
  readonly committedValueDigest: number[]
}
interface Refusal {
  readonly error?: string
  readonly panic?: string
  readonly pc: number
  readonly globalClk: number
  readonly stdout: string
  readonly stderr: string
}
interface Answer {
  readonly name: string
  readonly guest: string
  readonly cycleLimit?: number
  readonly execute: Success | Refusal
}

const FOLDER = new URL('../../vectors/guests/', import.meta.url)
const load = (name: string) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))
const CASES: { name: string; guest: string; buffers?: string[] }[] = [
  ...load('cases.json'),
  ...load('generated-cases.json'),
]
const BUFFERS = new Map(CASES.map(({ name, buffers }) => [name, buffers ?? []]))

/** SP1's executor goes on where we refuse these by name (ARCHITECTURE.md says why). */
const STRICTER = new Map([['probe/hint-read-registers', 'UNPROVABLE']])
/** A limit of 0 makes no sense to a caller, so it is refused before the run. */
const REFUSED_LIMIT = 'fibonacci/limit-0'

type Running = (answer: Answer) => Promise<ExecutionResult>

const runningIn =
  (sp1: string, engine: EngineName): Running =>
  async ({ name, guest, cycleLimit }) => {
    const buffers = (BUFFERS.get(name) ?? []).map((hex) => fromHex(`0x${hex}`))
    return execute(
      readFileSync(guestElf(guest, sp1)),
      { buffers, deferredProofs: 0n },
      { sp1, engine, report: true, limits: cycleLimit === undefined ? {} : { cycles: cycleLimit } },
    )
  }

function isSuccess(answer: Success | Refusal): answer is Success {
  return !('error' in answer || 'panic' in answer)
}

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  const answers: Answer[] = load(`sp1-${sp1}.json`).cases

  describe.each(ENGINES)('%s', (engine) => {
    const run = runningIn(sp1, engine)

    it.each(answers.map((answer) => [answer.name, answer] as const))('%s', async (_, answer) => {
      const stricter = STRICTER.get(answer.name)
      if (answer.name === REFUSED_LIMIT) {
        await expect(run(answer)).rejects.toMatchObject({ code: 'FLAG_INVALID' })
      } else if (stricter !== undefined) {
        await expect(run(answer)).rejects.toMatchObject({ code: stricter })
      } else if (isSuccess(answer.execute)) {
        expectSuccess(await run(answer), answer.execute, sp1)
      } else {
        expectRefusal(await run(answer).catch((thrown) => thrown), answer.execute)
      }
    })
  })

  it('has cases for every guest', () => {
    const guests = readdirSync(guestElf('', sp1).replace(/[^/]*$/, ''))
      .filter((file) => file.endsWith('.elf'))
      .map((file) => file.replace(/\.elf$/, ''))
    expect([...new Set(answers.map(({ guest }) => guest))].sort()).toEqual(guests.sort())
  })
})

function expectSuccess(result: ExecutionResult, expected: Success, sp1: string): void {
  const { publicValues, committedValueDigest, ...counts } = expected
  expect(result.publicValues).toBe(`0x${publicValues}`)
  for (const key of COMPARED) expect([key, result[key]]).toEqual([key, counts[key]])
  if (!isCommitted(fromHex(`0x${publicValues}`), committedValueDigest, sp1)) {
    expect(result.unprovable).toBeDefined()
  }
}

function expectRefusal(error: unknown, expected: Refusal): void {
  expect(error).toBeInstanceOf(GuestError)
  expect(error).not.toBeInstanceOf(InputError)
  const { code, details } = error as GuestError
  const { pc, globalClk, stdout, stderr } = expected
  if (expected.error !== undefined) expect(code).toBe(codeOf(expected.error))
  expect(details).toMatchObject({ pc, cycles: globalClk, stdout, stderr })
}

const COMPARED = [
  'cycles',
  'syscallCount',
  'opcodes',
  'syscalls',
  'cycleTracker',
  'stdout',
  'stderr',
] as const

function isCommitted(publicValues: Uint8Array, words: number[], sp1: string): boolean {
  const committed = Buffer.from(Uint32Array.from(words).buffer)
  const { publicValuesDigests } = releaseOf(sp1)
  return publicValuesDigests.some(({ hash }) => committed.equals(hash(publicValues)))
}
