/** Processes of this machine, as Linux shows them. */
import { readdirSync, readFileSync } from 'node:fs'

interface ProcessFacts {
  readonly parent: number
  readonly state: string
  /** Of the processor, in clock ticks. */
  readonly ticks: number
}

/** @returns undefined if there is none, or only its parent has yet to hear of its end. */
export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc(5): after the name, which may hold anything, state, parent, …, utime, stime.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state = '', parent] = fields
    if (state === 'Z') return undefined
    return { parent: Number(parent), state, ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return undefined
  }
}

export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((child) => processFacts(child)?.parent === pid)
}

/** The child that has worked most; of a server, the process whose guest runs longest. */
export function busiestChildOf(pid: number): number {
  const ticks = (child: number) => processFacts(child)?.ticks ?? 0
  const [busiest] = [...childrenOf(pid)].sort((a, b) => ticks(b) - ticks(a))
  if (busiest === undefined) throw new RangeError(`process ${pid} has no children`)
  return busiest
}
