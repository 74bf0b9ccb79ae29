/** What an execution thread runs: guests, one at a time. Its other side is execution-thread.ts. */
import { parentPort } from 'node:worker_threads'
import { Sp1TeeError } from '../errors.js'
import { execute } from '../executor/execute.js'
import type { OutputListener } from '../executor/guest-io.js'
import type { ThreadAnswer, ThreadRequest } from './execution-thread.js'

parentPort?.on('message', ({ elf, stdin, options, wantsOutput }: ThreadRequest) => {
  const onProgress = (cycles: number) => answer({ cycles })
  const onOutput: OutputListener = (...output) => answer({ output })
  execute(elf, stdin, { ...options, onProgress, ...(wantsOutput && { onOutput }) }).then(
    (result) => answer({ result }),
    (error: Error) => answer({ error: errorFacts(error) }),
  )
})

function errorFacts(error: Error) {
  const { code, details } = error instanceof Sp1TeeError ? error : { code: 'INTERNAL', details: {} }
  return { code, message: error.message, details }
}

function answer(message: ThreadAnswer): void {
  parentPort?.postMessage(message)
}
