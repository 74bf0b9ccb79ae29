/**
 * Every guest case as SP1 3.4.0 answered it: public values, cycles, counts, labels and output are
 * equal, and what SP1 refuses is refused. Where we refuse or report more, the case is listed here.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../src/core/bytes.js'
import { GuestError, InputError } from '../../../src/core/errors.js'
import { type ExecutionResult, execute } from '../../../src/core/executor/execute.js'
import { guestElf } from '../../support/cli.js'

interface Success {
  readonly publicValues: string
  readonly cycles: number
  readonly syscallCount: number
  readonly opcodes: Record<string, number>
  readonly syscalls: Record<string, number>
  readonly cycleTracker: Record<string, number>
  readonly stdout: string
  readonly stderr: string
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
const BUFFERS = new Map<string, string[]>(
  load('cases.json').map(({ name, buffers }: { name: string; buffers?: string[] }) => [
    name,
    buffers ?? [],
  ]),
)
const ANSWERS: Answer[] = load('sp1-3.4.0.json').cases

/** SP1's executor accepts these; we refuse them by name (ARCHITECTURE.md says why). */
const STRICTER = new Map([['probe/hint-read-registers', 'UNPROVABLE']])
/** A limit of 0 makes no sense to a caller, so it is refused before the run. */
const REFUSED_LIMIT = 'fibonacci/limit-0'

async function run({ name, guest, cycleLimit }: Answer): Promise<ExecutionResult> {
  const buffers = (BUFFERS.get(name) ?? []).map((hex) => fromHex(`0x${hex}`))
  return execute(
    readFileSync(guestElf(guest)),
    { buffers, deferredProofs: 0n },
    {
      report: true,
      limits: cycleLimit === undefined ? {} : { cycles: cycleLimit },
    },
  )
}

function isSuccess(answer: Success | Refusal): answer is Success {
  return !('error' in answer || 'panic' in answer)
}

describe('SP1 3.4.0', () => {
  for (const answer of ANSWERS) {
    it(answer.name, async () => {
      const expected = answer.execute
      const stricter = STRICTER.get(answer.name)
      if (answer.name === REFUSED_LIMIT) {
        await expect(run(answer)).rejects.toMatchObject({ code: 'FLAG_INVALID' })
      } else if (stricter !== undefined) {
        expect(isSuccess(expected)).toBe(true)
        await expect(run(answer)).rejects.toMatchObject({ code: stricter })
      } else if (isSuccess(expected)) {
        const { publicValues, ...counts } = expected
        const result = await run(answer)
        expect(result.publicValues).toBe(`0x${publicValues}`)
        for (const key of COMPARED) expect([key, result[key]]).toEqual([key, counts[key]])
      } else {
        const error = await run(answer).catch((thrown) => thrown)
        expect(error).toBeInstanceOf(GuestError)
        expect(error).not.toBeInstanceOf(InputError)
        const { pc, globalClk, stdout, stderr } = expected
        expect(error.code).toBe(codeOf(expected, error.code))
        expect(error.details).toMatchObject({ pc, cycles: globalClk, stdout, stderr })
      }
    })
  }

  it('has cases for every guest', () => {
    expect(new Set(ANSWERS.map(({ guest }) => guest)).size).toBe(10)
  })
})

const COMPARED = [
  'cycles',
  'syscallCount',
  'opcodes',
  'syscalls',
  'cycleTracker',
  'stdout',
  'stderr',
] as const

/** The code for an error of SP1's; of a panic only the class is compared. */
function codeOf({ error }: Refusal, ours: string): string {
  if (error === undefined) return ours
  const [kind = ''] = error.split('(')
  const codes: Record<string, string> = {
    HaltWithNonZeroExitCode: 'GUEST_EXIT',
    InvalidMemoryAccess: 'MEMORY_MISALIGNED',
    ExceededCycleLimit: 'CYCLE_LIMIT',
    InvalidSyscallUsage: 'SYSCALL_INVALID',
    Breakpoint: 'GUEST_TRAP',
    Unimplemented: 'GUEST_TRAP',
    EndInUnconstrained: 'GUEST_TRAP',
  }
  return codes[kind] ?? `a code for ${kind}`
}
