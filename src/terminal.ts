/** What people see on a terminal: numbers, tables, and progress where somebody watches. */
import chalk from 'chalk'
import { Listr } from 'listr2'

/** Beside everything that a simulated quote stands behind. */
export const SIMULATED = chalk.yellow('SIMULATED, fit for development only')

/** 1234567 → 1,234,567 */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Named counts, largest first, with their share of `total`. */
export function formatCounts(
  title: string,
  counts: Readonly<Record<string, number>>,
  total: number,
): string {
  const rows = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  if (rows.length === 0) return `${title}: none`
  const nameWidth = Math.max(...rows.map(([name]) => name.length))
  const countWidth = Math.max(...rows.map(([, count]) => formatCount(count).length))
  const lines = rows.map(([name, count]) => {
    const share = `${((100 * count) / total).toFixed(1)} %`
    return `  ${name.padEnd(nameWidth)}  ${formatCount(count).padStart(countWidth)}  ${share.padStart(7)}`
  })
  return `${title}:\n${lines.join('\n')}`
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
  let found: T | undefined
  const task = async (_context: unknown, line: { title: string }) => {
    found = await work()
    line.title = `${title}: ${tell(found)}`
  }
  await new Listr([{ title, task }], {
    renderer: isWatched(isSilent) ? 'default' : 'silent',
    registerSignalListeners: false,
  }).run()
  return found as T
}

/** As `watch`, for one work whose parts go on side by side, a line for each. */
export async function watchPhases<T>(
  titles: readonly string[],
  isSilent: boolean,
  work: (show: (title: string, state: string) => void) => Promise<T>,
): Promise<T> {
  const lines = new Map<string, { title: string }>()
  const working = work((title, state) => {
    const line = lines.get(title)
    if (line !== undefined) line.title = `${title}: ${state}`
  })
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
    renderer: isWatched(isSilent) ? 'default' : 'silent',
    // The command itself answers to Ctrl-C; listr2 would end the process with a code of its own.
    registerSignalListeners: false,
  }).run()
  return working
}

/** Standard output and error are both terminals, and silence was not asked for. */
function isWatched(isSilent: boolean): boolean {
  return process.stdout.isTTY && process.stderr.isTTY && !isSilent
}
