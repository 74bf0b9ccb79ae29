// The two ends of `generate`: cases to requests, and answers to the vectors file.
//
//   vectors.mjs requests ROOT RELEASE            prints one request a line
//   vectors.mjs collect ROOT RELEASE < answers   prints the vectors
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , command, root, release] = process.argv
const FOLDERS = { '3.4.0': 'elf', '5.2.4': 'elf-5.2.4' }
const load = (name) => JSON.parse(readFileSync(join(root, 'test/vectors/guests', name), 'utf8'))
const cases = [...load('cases.json'), ...load('generated-cases.json')].filter(
  ({ releases = [release] }) => releases.includes(release),
)
const guests = [...new Set(cases.map(({ guest }) => guest))]
// A guest's verifying key is asked for under its bare name; the names of cases hold a slash.
const elfOf = (guest) => join(root, 'guests', FOLDERS[release], `${guest}.elf`)

function requests() {
  const keys = guests.map((guest) => ({ name: guest, elf: elfOf(guest), tasks: ['vkey'] }))
  const runs = cases.map(({ guest, about, releases, ...request }) => ({
    ...request,
    elf: elfOf(guest),
    tasks: ['execute'],
  }))
  return [...runs, ...keys].map((request) => `${JSON.stringify(request)}\n`).join('')
}

function collect() {
  const lines = readFileSync(0, 'utf8').trimEnd().split('\n')
  const answers = new Map(lines.map((line) => JSON.parse(line)).map((each) => [each.name, each]))
  const keys = guests.map((guest) => {
    const { elfSha256, vkey } = answers.get(guest)
    return [guest, { elfSha256, vkey }]
  })
  const runs = cases.map(({ name, guest }) => {
    const { cycleLimit, execute } = answers.get(name)
    return { name, guest, cycleLimit, execute }
  })
  const rows = [
    `{\n"sp1": "${release}",\n"guests": {\n`,
    keys.map(([guest, key]) => `${JSON.stringify(guest)}: ${sorted(key)}`).join(',\n'),
    '\n},\n"cases": [\n',
    runs.map(sorted).join(',\n'),
    '\n]\n}\n',
  ]
  return rows.join('')
}

/** JSON on one line, the keys of every object in alphabetical order. */
function sorted(value) {
  return JSON.stringify(value, (_, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

process.stdout.write(command === 'requests' ? requests() : collect())
