import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { guestElf } from '../support/cli.js'

const ROOT = new URL('../..', import.meta.url).pathname
/** More than the start takes, far less than the work, however busy the machine is. */
const CPU_SECONDS_AT_WORK = 1

describe('Ctrl-C', () => {
  it.each([
    ['a run', ['execute', guestElf('endless'), '--engine', 'interpreter']],
    ['a verifying key', ['vkey', guestElf('hashes'), '--no-cache']],
  ])('ends %s with exit code 130 and one sentence', async (_name, args) => {
    const running = execa('node', [`${ROOT}bin/run.js`, ...args, '--json'], { reject: false })
    while (cpuSecondsOf(running.pid as number) < CPU_SECONDS_AT_WORK) await sleep(20)
    running.kill('SIGINT')
    const { exitCode, stdout } = await running
    expect(exitCode).toBe(130)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'INTERRUPTED' })
  })
})

/** User and system time of a process that lives, all its threads. Source: proc(5). */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may hold anything; the state is the first field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const TICKS_PER_SECOND = 100
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
