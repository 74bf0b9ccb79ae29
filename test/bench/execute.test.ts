/** The benchmark of execution runs without SP1, and says what it could not measure. */
import { execa } from 'execa'
import { expect, it } from 'vitest'

const ROOT = new URL('../..', import.meta.url).pathname

function bench(...flags: string[]) {
  return execa('node', [`${ROOT}bench/execute.mjs`, ...flags], {
    reject: false,
    env: { SP1_ORACLE: '', SP1_ORACLE_JIT: '' },
  })
}

it('measures one case', async () => {
  const { stdout } = await bench('--only', 'fibonacci-small', '--repeat', '1', '--json')
  const { rows, goals } = JSON.parse(stdout)
  expect(rows[0].beyondBytes).toBe(rows[0].peakBytes - rows[0].guestBytes)
  expect(rows).toEqual([
    {
      name: 'fibonacci-small',
      isInList: false,
      engine: expect.any(String),
      cycles: 5173,
      syscallCount: 22,
      coldMs: expect.any(Number),
      warmMs: expect.any(Number),
      processMs: expect.any(Number),
      peakBytes: expect.any(Number),
      guestBytes: 69_632,
      beyondBytes: expect.any(Number),
    },
  ])
  const judged = goals.filter((goal: { value?: number }) => goal.value !== undefined)
  expect(judged.map(({ name }: { name: string }) => name)).toEqual([
    'fibonacci-small, whole process',
    "memory beyond the guest's pages, the most",
  ])
  for (const { holdsLeast, holdsAim } of judged) {
    expect([typeof holdsLeast, typeof holdsAim]).toEqual(['boolean', 'boolean'])
  }
})

it('knows its cases', async () => {
  const { exitCode, stderr } = await bench('--only', 'nothing')
  expect(exitCode).not.toBe(0)
  expect(stderr).toContain('fibonacci-small')
})
