/** What people see on a terminal: numbers, tables, and progress where somebody watches. */
import chalk from 'chalk'
import type { ExecutionResult } from './core/index.js'

/** Beside everything that a simulated quote stands behind. */
export const SIMULATED = chalk.yellow('SIMULATED, fit for development only')

/** 1234567 → 1,234,567 */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A guest's text without what would steer the terminal. */
export function withoutControls(text: string): string {
  return text.replace(/(?!\t)\p{Cc}/gu, '�')
}

export interface CountOptions {
  readonly title: string
  readonly counts: Readonly<Record<string, number>>
  /** What the shares are shares of. */
  readonly total: number
  /** Name → the name below which it is shown, indented. */
  readonly parents?: Readonly<Record<string, string>>
}

/** Named counts, largest first. */
export function formatCounts({ title, counts, total, parents = {} }: CountOptions): string {
  const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  if (sorted.length === 0) return `${title}: none`
  const below = new Map<string | undefined, [string, number][]>()
  for (const [name, count] of sorted) {
    const parent = Object.hasOwn(parents, name) ? parents[name] : undefined
    const siblings = below.get(parent)
    if (siblings === undefined) below.set(parent, [[name, count]])
    else siblings.push([name, count])
  }
  const rowsBelow = (parent: string | undefined, indent: string): [string, number][] =>
    (below.get(parent) ?? []).flatMap(([name, count]) => [
      [`${indent}${withoutControls(name)}`, count],
      ...rowsBelow(name, `${indent}  `),
    ])
  const rows = rowsBelow(undefined, '')
  const nameWidth = widest(rows.map(([name]) => name))
  const countWidth = widest(rows.map(([, count]) => formatCount(count)))
  const lines = rows.map(([name, count]) => {
    const share = `${((100 * count) / total).toFixed(1)} %`
    return `  ${name.padEnd(nameWidth)}  ${formatCount(count).padStart(countWidth)}  ${share.padStart(7)}`
  })
  return `${title}:\n${lines.join('\n')}`
}

/** So many translated units are listed; the rest is counted. */
const SHOWN_UNITS = 20

/** What `--explain` shows. */
export function formatExplanation(result: ExecutionResult): string {
  const { explanation, phases, cycles } = result
  if (explanation === undefined) return ''
  const { cyclesByTier, units, modules, moduleBytes, guestBytes } = explanation
  const tiers = {
    'translated to WebAssembly': cyclesByTier.units,
    'interpreter in WebAssembly': cyclesByTier.stepper,
    'interpreter in TypeScript': cyclesByTier.interpreter,
  }
  const shown = units.slice(0, SHOWN_UNITS).map(({ pc, instructions, function: name = '' }) => {
    return `  ${pc}  ${formatCount(instructions).padStart(6)} instructions  ${withoutControls(name)}`
  })
  const rest = units.length - shown.length
  const { parseMs, translateMs, runMs } = phases
  return [
    formatCounts({ title: 'tiers', counts: tiers, total: cycles }),
    `translated: ${formatCount(units.length)} units in ${modules} modules, ${formatCount(moduleBytes)} bytes`,
    ...shown,
    ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : []),
    `memory: ${formatCount(guestBytes)} bytes, in pages of 4 KiB that the guest used`,
    `time: ${parseMs.toFixed(1)} ms before the first instruction, ${translateMs.toFixed(1)} ms translating, ${runMs.toFixed(1)} ms running`,
  ].join('\n')
}

/** A guest may name more labels than a call takes arguments. */
function widest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0)
}

export interface RunView {
  readonly onProgress: (cycles: number) => void
  readonly onOutput: (stream: 'stdout' | 'stderr', text: string) => void
  /** Show what is left of the output, and take the progress away. */
  end(): void
}

/**
 * A guest at work, on standard error: its output, line by line as it comes, and how far it is where
 * somebody watches. listr2 would hold the output back until the end.
 */
export function viewRun(isSilent: boolean): RunView {
  if (isSilent) return { onProgress() {}, onOutput() {}, end() {} }
  const unfinished = { stdout: '', stderr: '' }
  const takeAway = isWatched(isSilent) ? '\r\x1b[2K' : ''
  const showLine = (stream: string, line: string) =>
    process.stderr.write(`${takeAway}${chalk.dim(`guest ${stream} | ${withoutControls(line)}`)}\n`)
  return {
    onProgress(cycles) {
      if (takeAway !== '') process.stderr.write(`${takeAway}${formatCount(cycles)} cycles`)
    },
    onOutput(stream, text) {
      const lines = `${unfinished[stream]}${text}`.split('\n')
      unfinished[stream] = lines.pop() ?? ''
      for (const line of lines) showLine(stream, line)
    },
    end() {
      process.stderr.write(takeAway)
      for (const stream of ['stdout', 'stderr'] as const) {
        if (unfinished[stream] !== '') showLine(stream, unfinished[stream])
      }
    },
  }
}

/**
 * Do `work` with a spinner beside its title, if somebody watches. A pipe gets results and nothing
 * else.
 */
export function watch<T>(
  title: string,
  isSilent: boolean,
  work: (show: (state: string) => void) => Promise<T>,
): Promise<T> {
  return watchPhases([title], isSilent, (show) => work((state) => show(title, state)))
}

/** As `watch`, for a step among others: what it found stays beside its title. */
export async function watchStep<T>(
  title: string,
  isSilent: boolean,
  work: () => Promise<T>,
  tell: (found: T) => string,
): Promise<T> {
  if (!isWatched(isSilent)) return work()
  const { Listr } = await import('listr2')
  let found: T | undefined
  const task = async (_context: unknown, line: { title: string }) => {
    found = await work()
    line.title = `${title}: ${tell(found)}`
  }
  await new Listr([{ title, task }], { registerSignalListeners: false }).run()
  return found as T
}

/** As `watch`, for one work whose parts go on side by side, a line for each. */
export async function watchPhases<T>(
  titles: readonly string[],
  isSilent: boolean,
  work: (show: (title: string, state: string) => void) => Promise<T>,
): Promise<T> {
  if (!isWatched(isSilent)) return work(() => {})
  const { Listr } = await import('listr2')
  const lines = new Map<string, { title: string }>()
  const working = work((title, state) => {
    const line = lines.get(title)
    if (line !== undefined) line.title = `${title}: ${state}`
  })
  // It may fail before anything waits for it below.
  working.catch(() => {})
  const tasks = titles.map((title) => ({
    title,
    task: async (_context: unknown, line: { title: string }) => {
      lines.set(title, line)
      await working.finally(() => {
        line.title = title
      })
    },
  }))
  await new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    // The command itself answers to Ctrl-C; listr2 would end the process with a code of its own.
    registerSignalListeners: false,
  }).run()
  return working
}

/** Standard output and error are both terminals, and silence was not asked for. */
function isWatched(isSilent: boolean): boolean {
  return process.stdout.isTTY && process.stderr.isTTY && !isSilent
}
