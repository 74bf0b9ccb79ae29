/**
 * Judges mutated quotes and collateral files, as many as asked for: `npx tsx
 * scripts/mutate-quotes.mts 1000000 [first]`. The suite does the first 20,000.
 */
import { describeMutation, type Judgement, judgeMutation } from '../test/support/quote-mutations.js'

const [count = 1_000_000, first = 0] = process.argv.slice(2).map(Number)
const counts: Record<Judgement, number> = { malformed: 0, refused: 0, valid: 0 }
for (let number = first; number < first + count; number++) {
  try {
    counts[judgeMutation(number)] += 1
  } catch (error) {
    throw new Error(describeMutation(number), { cause: error })
  }
  if (number % 10_000 === 9_999) console.log(number + 1, counts)
}
console.log(`${count} mutations`, counts)
