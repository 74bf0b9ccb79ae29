// What generators of answers.json share: a run of SP1 as a row, and the file.
import { writeFileSync } from 'node:fs'

/** How a run ended in SP1: ok, cycles and a digest; or the kind of failure, clock and pc. */
export function rowOf(execute, digestOf) {
  const { error, panic, globalClk, pc } = execute
  if (error === undefined && panic === undefined) return ['ok', execute.cycles, digestOf(execute)]
  return [error === undefined ? 'panic' : error.split('(')[0], globalClk ?? 0, pc ?? 0]
}

/** A row a line, by release. */
export function writeAnswers(url, answers) {
  const parts = Object.entries(answers).map(([sp1, { elfs, rows }]) => {
    const lines = rows.map((row) => JSON.stringify(row)).join(',\n')
    return `"${sp1}": {\n"elfs": "${elfs}",\n"answers": [\n${lines}\n]}`
  })
  writeFileSync(url, `{\n${parts.join(',\n')}\n}\n`)
}
