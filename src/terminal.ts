/** What people see on a terminal: numbers, tables, and progress where somebody watches. */
import { Listr } from 'listr2'

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

/** A piece of work that can say how far it is. */
export type Work<T> = (show: (state: string) => void) => Promise<T>

/**
 * Do `work` with a spinner beside its title, if somebody watches: standard output and error are both
 * terminals and `isSilent` is false. A pipe gets results and nothing else.
 */
export async function watch<T>(title: string, isSilent: boolean, work: Work<T>): Promise<T> {
  const [result] = await watchAll([{ title, work }], isSilent)
  return result as T
}

/** The same for several works that go on side by side. */
export async function watchAll<T>(
  items: readonly { readonly title: string; readonly work: Work<T> }[],
  isSilent: boolean,
): Promise<T[]> {
  const isWatched = process.stdout.isTTY && process.stderr.isTTY && !isSilent
  const results: T[] = []
  const tasks = items.map(({ title, work }, index) => ({
    title,
    task: async (_context: unknown, task: { title: string }) => {
      results[index] = await work((state) => {
        task.title = `${title}: ${state}`
      })
    },
  }))
  await new Listr(tasks, { concurrent: true, renderer: isWatched ? 'default' : 'silent' }).run()
  return results
}
