// Writes calls.json: the calls of test/vectors/syscalls that we mark as unprovable, with our reasons.
// A change in it has to be read, with the constraints beside it: nothing else says that it is right.
//
//   npx tsx test/vectors/provability/generate.ts
import { writeFileSync } from 'node:fs'
import type { Unprovable } from '../../support/syscall-provability.js'
import {
  loadVectorFiles,
  outcomeOf,
  RELEASES,
  verdictOf,
  whyUncommitted,
} from '../../support/syscall-vectors.js'

const found: Unprovable = {}
for (const release of RELEASES) {
  for (const { syscall, vectors } of loadVectorFiles()) {
    for (const vector of vectors) {
      if (outcomeOf(vector, release) === undefined) continue
      const verdict = verdictOf(vector.program, release)
      if ('hasFailed' in verdict || verdict.unprovable === undefined) continue
      if (verdict.unprovable === whyUncommitted(release)) continue
      const reasons = (found[release.version] ??= {})
      const syscalls = (reasons[verdict.unprovable] ??= {})
      const names = (syscalls[syscall] ??= [])
      names.push(vector.name)
    }
  }
}
const text = JSON.stringify(found, null, 1).replace(/\[\n\s+([^\]]*?)\n\s+\]/g, (_, list) =>
  `[${list.replace(/\n\s+/g, ' ')}]`,
)
writeFileSync(new URL('calls.json', import.meta.url), `${text}\n`)
