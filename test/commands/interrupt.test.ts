import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { guestElf } from '../support/cli.js'

const ROOT = new URL('../..', import.meta.url).pathname

describe('Ctrl-C', () => {
  it.each([
    ['a run', ['execute', guestElf('endless')]],
    ['a verifying key', ['vkey', guestElf('hashes')]],
  ])('ends %s with exit code 130 and one sentence', async (_name, args) => {
    const running = execa('node', [`${ROOT}bin/run.js`, ...args, '--json'], { reject: false })
    // Long enough to be at work, far from done.
    setTimeout(() => running.kill('SIGINT'), 1000)
    const { exitCode, stdout } = await running
    expect(exitCode).toBe(130)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'INTERRUPTED' })
  })
})
