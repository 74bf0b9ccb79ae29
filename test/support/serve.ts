/** The built `serve` in a process of its own, from the line with which it is ready. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export const BIN = new URL('../../bin/run.js', import.meta.url).pathname

export interface Server {
  readonly ready: {
    url: string
    signer: string
    registry: string
    multiProof: string
    rpcUrl: string
    simulated?: true
  }
  readonly stderr: () => string
  readonly process: ChildProcess
  /** Sends SIGTERM. */
  stop(): Promise<number | null>
}

export async function startServe(args: readonly string[], stateDir: string): Promise<Server> {
  const state = ['--state-dir', stateDir, '--json']
  const child = spawn(process.execPath, [BIN, 'serve', ...args, ...state], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(`serve ended: ${stderr}`))),
  ])
  return {
    ready: JSON.parse(line),
    stderr: () => stderr,
    process: child,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      return child.exitCode
    },
  }
}
