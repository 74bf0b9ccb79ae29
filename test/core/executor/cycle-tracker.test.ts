/** How labels add up and nest; what SP1 makes of each line is in the vectors of the guest cycle-tracker. */
import { describe, expect, it } from 'vitest'
import { CycleTracker } from '../../../src/core/executor/cycle-tracker.js'

/** `(a` begins a, `)a` ends it; each takes 10 cycles. */
function track(...lines: string[]): CycleTracker {
  const tracker = new CycleTracker()
  lines.forEach((line, i) => {
    const command = line.startsWith('(') ? 'start' : 'end'
    tracker.handle(`cycle-tracker-report-${command}: ${line.slice(1)}`, 10 * i)
  })
  return tracker
}

describe('cycles', () => {
  it('of a label add up, whatever lies in between', () => {
    const tracker = track('(a', '(b', ')b', ')a', '(a', ')a')
    expect(tracker.report()).toEqual({ a: 40, b: 10 })
  })

  it('are safe for any name', () => {
    expect(Object.keys(track('(__proto__', ')__proto__').report())).toEqual(['__proto__'])
  })
})

describe('parents', () => {
  it.each<[string, string[], Record<string, string>]>([
    ['none', ['(a', ')a', '(b', ')b'], {}],
    ['the innermost', ['(a', '(b', '(c', ')c', ')b', ')a'], { b: 'a', c: 'b' }],
    ['of every span alike', ['(a', '(b', ')b', '(b', ')b', ')a'], { b: 'a' }],
    ['not of spans in different ones', ['(a', '(b', ')b', ')a', '(b', ')b'], {}],
    ['not of spans that overlap', ['(a', '(b', ')a', ')b'], {}],
    ['not a label that is never reported', ['(a', '(b', ')b'], {}],
    ['since its last start', ['(a', '(b', '(a', ')a', ')b'], { a: 'b' }],
  ])('%s', (_name, lines, parents) => {
    expect(track(...lines).parents()).toEqual(parents)
  })

  it('are not looked for among very many open labels', () => {
    const open = Array.from({ length: 300 }, (_, i) => `(${i}`)
    expect(
      track(...open, '(a', ')a', ...open.map((line) => line.replace('(', ')'))).parents(),
    ).toEqual({})
  })
})
