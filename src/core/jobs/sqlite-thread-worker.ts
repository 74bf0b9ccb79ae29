/** What the thread of a store runs: the store itself. Its other side is sqlite-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { factsOf, InternalError } from '../errors.js'
import type { JobStore } from './job-store.js'
import { openSqliteJobStore } from './sqlite-job-store.js'
import {
  inBatches,
  OPEN_ID,
  type StoreAnswer,
  type StoreCall,
  type ThreadOptions,
} from './sqlite-thread.js'

if (parentPort === null) throw new InternalError('this runs in a thread only')
const port = parentPort
const answer = inBatches<StoreAnswer>((answers) => port.postMessage(answers))
/** By the clock of whoever calls, as of the last call. */
let nowMs = 0

try {
  const store = openSqliteJobStore({ ...(workerData as ThreadOptions), nowMs: () => nowMs })
  port.on('message', (calls: readonly StoreCall[]) => {
    for (const call of calls) void perform(store, call)
  })
  answer({ id: OPEN_ID, value: undefined })
} catch (error) {
  refuse(OPEN_ID, error)
}

async function perform(store: JobStore, call: StoreCall): Promise<void> {
  nowMs = call.nowMs
  const { id, method, args } = call
  const work = store[method] as (...args: unknown[]) => Promise<unknown>
  try {
    answer({ id, value: await work.apply(store, [...args]) })
    if (method === 'close') setImmediate(() => port.close())
  } catch (error) {
    refuse(id, error)
  }
}

function refuse(id: number, error: unknown): void {
  const facts = factsOf(error)
  answer({
    id,
    error: facts,
    stack: facts.code === 'INTERNAL' ? (error as Error).stack : undefined,
  })
}
