/** A job as server-sent events, until it has ended or its client goes away. */
import type { FastifyReply } from 'fastify'
import { isBug, problemOf } from './problem.js'
import { jobView } from './proof-routes.js'
import type { Context } from './route.js'
import type { Caller } from './service-options.js'

/** Progress is told so often; a comment at least so often keeps proxies from cutting the connection. */
const PROGRESS_MS = 250
const ALIVE_MS = 15_000

/** @throws UnavailableError `QUEUE_FULL` too many wait already */
export function eventStream(
  { service, onBug }: Pick<Context, 'service' | 'onBug'>,
  id: string,
  caller: Caller,
  reply: FastifyReply,
): Promise<unknown> {
  return service.waiting(caller, async () => {
    const gone = new AbortController()
    const { raw } = reply
    raw.on('close', () => gone.abort())
    reply.hijack()
    const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream' }
    raw.writeHead(200, { ...headers, 'cache-control': 'no-store' } as Record<string, string>)
    const alive = setInterval(() => raw.write(':\n\n'), ALIVE_MS)
    try {
      let state = ''
      for await (const job of service.jobs.changes(id, gone.signal, PROGRESS_MS)) {
        const event = job.state === state ? 'progress' : 'state'
        state = job.state
        // A client that does not read misses progress, so that little is kept for it.
        if (event === 'progress' && raw.writableNeedDrain) continue
        raw.write(encodeEvent(event, jobView({ job })))
      }
      if (!gone.signal.aborted) {
        const result = await service.result(await service.jobs.get(id))
        raw.write(encodeEvent('result', jobView(result)))
      }
    } catch (error) {
      if (isBug(error)) onBug(error, reply.log)
      raw.write(encodeEvent('error', problemOf(error)))
    } finally {
      clearInterval(alive)
      raw.end()
    }
  })
}

function encodeEvent(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
