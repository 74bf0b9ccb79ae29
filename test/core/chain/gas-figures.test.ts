/** The gas that docs/contracts.md names is what the contracts' tests measured. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const ROOT = new URL('../../../', import.meta.url)
const docs = readFileSync(new URL('docs/contracts.md', ROOT), 'utf8')
const figures: Record<string, string> = JSON.parse(
  readFileSync(new URL('contracts/snapshots/gas.json', ROOT), 'utf8'),
)

it.each(Object.entries(figures))('%s: %s', (_call, gas) => {
  expect(docs).toContain(Number(gas).toLocaleString('en-US'))
})

it('keeps the bounds that were promised', () => {
  const gasOf = (call: string) => Number(figures[call])
  const first = gasOf('verifyTEEProof of the first contracts')
  expect(gasOf('verifyTEEProof')).toBeLessThanOrEqual(first + 5_000)
  const typed = gasOf('verifyProof, 1 signature')
  expect(typed).toBeLessThanOrEqual(gasOf('verifyTEEProof') + 25_000)
})
