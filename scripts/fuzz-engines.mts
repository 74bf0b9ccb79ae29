/**
 * Looks for random programs on which engines disagree, and prints the first of them.
 *
 *   npx tsx scripts/fuzz-engines.mts [FIRST_SEED [COUNT]]
 *
 * Ends with exit code 1 if there is one. The programs are those of test/support/random-program.ts; the
 * suite runs the first thousands.
 */
import { differenceAt } from '../test/support/engine-fuzz.js'

const [first = 0, count = 100_000] = process.argv.slice(2).map(Number)
const PROGRESS = 10_000

for (let seed = first; seed < first + count; seed++) {
  const difference = differenceAt(seed)
  if (difference !== undefined) {
    console.log(JSON.stringify(difference, undefined, 2))
    process.exitCode = 1
    break
  }
  const done = seed + 1 - first
  if (done % PROGRESS === 0 || done === count) console.log(`${done} programs, no difference`)
}
