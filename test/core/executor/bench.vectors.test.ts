/** The guests that speed is measured by give what SP1 says, in every engine. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { EngineName } from '../../../src/core/executor/engines.js'
import { execute } from '../../../src/core/executor/execute.js'
import { parseStdin } from '../../../src/core/executor/stdin.js'

interface Answer {
  readonly name: string
  readonly elfSha256: string
  readonly publicValues: string
  readonly cycles: number
  readonly syscallCount: number
  readonly syscalls: Record<string, number>
  readonly opcodes: Record<string, number>
}

const ROOT = new URL('../../../', import.meta.url)
const load = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))
const CASES: readonly { name: string; elf: string }[] = load('bench/cases.json')
const ANSWERS: readonly Answer[] = load('test/vectors/bench/sp1-3.4.0.json')

/** Without counts of opcodes, translated code is what speed is measured with. */
const ENGINES: readonly { engine: EngineName; counts: boolean; mostCycles: number }[] = [
  // Some 30 cycles a microsecond.
  { engine: 'interpreter', counts: true, mostCycles: 15_000_000 },
  { engine: 'compiled', counts: false, mostCycles: Number.POSITIVE_INFINITY },
  { engine: 'compiled', counts: true, mostCycles: Number.POSITIVE_INFINITY },
  { engine: 'auto', counts: false, mostCycles: Number.POSITIVE_INFINITY },
  { engine: 'auto', counts: true, mostCycles: Number.POSITIVE_INFINITY },
]

const elfOf = (name: string) =>
  readFileSync(new URL(CASES.find((one) => one.name === name)?.elf ?? '', ROOT))

describe.each(ENGINES)('$engine, opcodes counted: $counts', ({ engine, counts, mostCycles }) => {
  const answers = ANSWERS.filter(({ cycles }) => cycles <= mostCycles)
  it.each(answers.map((answer) => [answer.name, answer] as const))('%s', async (name, answer) => {
    const input = readFileSync(new URL(`guests/bench/inputs/${name}.bin`, ROOT))
    const options = { engine, report: counts }
    const result = await execute(elfOf(name), parseStdin(input, 'sp1'), options)
    expect(result.publicValues).toBe(`0x${answer.publicValues}`)
    expect(result.cycles).toBe(answer.cycles)
    expect(result.syscallCount).toBe(answer.syscallCount)
    expect(result.syscalls).toEqual(answer.syscalls)
    if (counts) expect(result.opcodes).toEqual(answer.opcodes)
    expect(result.unprovable).toBeUndefined()
  })
})

describe('the cases', () => {
  it('are those that SP1 was asked about', () => {
    expect(ANSWERS.map(({ name }) => name)).toEqual(CASES.map(({ name }) => name))
    for (const { name, elfSha256 } of ANSWERS) {
      expect([name, createHash('sha256').update(elfOf(name)).digest('hex')]).toEqual([
        name,
        elfSha256,
      ])
    }
  })

  it('have the inputs that their recipe makes', () => {
    const script = new URL('guests/bench/inputs.mjs', ROOT).pathname
    expect(execFileSync('node', [script, '--check'], { encoding: 'utf8' })).toContain('inputs')
  })
})
