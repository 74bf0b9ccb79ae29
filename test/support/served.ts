/** A server in a process of its own, without a chain: to be killed, filled and measured. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const SCRIPT = new URL('./kill-server.mjs', import.meta.url).pathname

export interface Served {
  readonly url: string
  readonly port: number
  readonly process: ChildProcess
  kill(): Promise<void>
  /** Resident memory, MiB: now, or the most since the last `forgetPeak`. */
  memoryMib(which: 'now' | 'peak'): number
  forgetPeak(): void
}

export async function startServed(
  folder: string,
  seed: number,
  databaseUrl?: string,
  { bucket, inside = [] }: { bucket?: object; inside?: readonly string[] } = {},
): Promise<Served> {
  const args = [SCRIPT, folder, String(seed), ...(databaseUrl ? [databaseUrl] : [])]
  const [program = '', ...rest] = [...inside, process.execPath, ...args]
  const env = { ...process.env, ...(bucket && { BUCKET: JSON.stringify(bucket) }) }
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const line = once(createInterface(child.stdout), 'line')
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ended with code ${code}`)
  })
  exit.catch(() => {})
  const [url] = (await Promise.race([line, exit])) as [string]
  return {
    url,
    port: Number(new URL(url).port),
    process: child,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    memoryMib(which) {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const name = which === 'now' ? 'VmRSS' : 'VmHWM'
      const [, kib = ''] = new RegExp(`${name}:\\s+(\\d+) kB`).exec(status) ?? []
      return Number(kib) / 1024
    },
    // proc(5): 5 resets the peak.
    forgetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, '5'),
  }
}
