/**
 * What a process for guests runs: guests, one at a time. Its other side is execution-process.ts. It has
 * no key and no environment, and lives no longer than the server.
 */
import { readSync, writeFileSync } from 'node:fs'
import { factsOf } from '../errors.js'
import { execute } from '../executor/execute.js'
import type { OutputListener } from '../executor/guest-io.js'
import { BYTES_FD, type RunAnswer, type RunRequest } from './execution-request.js'
import { KnownPrograms } from './known-programs.js'

const programs = new KnownPrograms<Uint8Array>()

preferToDie()
process.on('disconnect', () => process.exit())
// A terminal and systemd tell every process to stop. This one does when the server does, which lets
// jobs end first.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})

process.on('message', (request: RunRequest) => {
  const { elfHash, deferredProofs, options, wantsOutput } = request
  const elf = programs.use(elfHash) ?? receiveProgram(request)
  const { inputs } = request
  const buffers = 'sizes' in inputs ? receiveBuffers(inputs.sizes) : inputs.buffers
  const onProgress = (cycles: number) => answer({ cycles })
  const onOutput: OutputListener = (...output) => answer({ output })
  const listeners = { onProgress, ...(wantsOutput && { onOutput }) }
  execute(elf, { buffers, deferredProofs }, { ...options, ...listeners }).then(
    (result) => answer({ result }),
    (error) => answer({ error: factsOf(error) }),
  )
})

/**
 * When the system runs out of memory, Linux ends what has the highest score first: this, not the server
 * with its signer.
 */
function preferToDie(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000')
}

function receiveProgram({ elfHash, elfBytes = 0 }: RunRequest): Uint8Array {
  const elf = receive(elfBytes)
  programs.add(elfHash, elf)
  return elf
}

function receiveBuffers(sizes: readonly number[]): Uint8Array[] {
  const bytes = receive(sizes.reduce((sum, size) => sum + size, 0))
  let end = 0
  return sizes.map((size) => {
    end += size
    return bytes.subarray(end - size, end)
  })
}

/** Waits: there is nothing else to do. */
function receive(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount)
  for (let have = 0; have < byteCount; ) {
    const count = readSync(BYTES_FD, bytes, have, byteCount - have, null)
    if (count === 0) process.exit()
    have += count
  }
  return bytes
}

/** Nobody is there to be told that nobody is there. */
function answer(message: RunAnswer): void {
  process.send?.(message, undefined, undefined, () => {})
}
