/** What a process has in the machine's memory. */
import { readFileSync } from 'node:fs'

/** Of x86-64, which has TDX. */
const PAGE_BYTES = 4096

/** @returns undefined if it has ended, or the system does not tell: only Linux does. */
export function residentBytes(pid: number): number | undefined {
  try {
    // proc(5) statm: size, resident, …, in pages.
    const [, pages] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')
    return Number(pages) * PAGE_BYTES
  } catch {
    return undefined
  }
}
