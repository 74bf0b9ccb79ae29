/**
 * Spans of jobs and of rotations, for OpenTelemetry. Without an SDK, which an operator loads before
 * sp1-tee, all of it does nothing. Attributes say what was done, and nothing of what it was about: no
 * inputs, no outputs, no keys, no quotes, no addresses of clients.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { Sp1TeeError } from '../errors.js'
import type { JobRecord } from '../jobs/job-store.js'
import { parseRequest } from './job-codec.js'
import type { JobEvent } from './job-event.js'
import type { SignerAttempt } from './live-signer.js'

/** Jobs whose submitters sent a trace context; of those that never begin the oldest are forgotten. */
const MAX_PARENTS = 4096
/** W3C Trace Context, version 00: version, trace id, span id, flags. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

export interface TracingOptions {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
}

interface Running {
  readonly span: Span
  readonly context: Context
}

export class Tracing {
  readonly #tracer: Tracer
  readonly #dateMs: () => number
  readonly #parents = new Map<string, Context>()
  readonly #running = new Map<string, Running>()

  constructor({ version, dateMs }: TracingOptions) {
    this.#tracer = trace.getTracer('sp1-tee', version)
    this.#dateMs = dateMs
  }

  onJob(event: JobEvent): void {
    switch (event.kind) {
      case 'asked':
        this.#remember(event.id, event.traceparent)
        return
      case 'began':
        this.#begin(event.job, event.waitedMs)
        return
      case 'step': {
        const { context } = this.#running.get(event.job.id) ?? {}
        if (context === undefined) return
        const endMs = this.#dateMs()
        this.#child(context, event.step, [endMs - event.ranMs, endMs], event.error)
        return
      }
      case 'ended': {
        const { job, state, cycles, error } = event
        this.#parents.delete(job.id)
        this.#end(job, { 'sp1_tee.state': state, 'sp1_tee.cycles': cycles }, error)
        return
      }
      case 'left':
        this.#end(event.job, { 'sp1_tee.state': event.isLost ? 'lost' : 'given back' })
    }
  }

  onAttempt({ beganMs, endedMs, address, steps, error }: SignerAttempt): void {
    const attributes = { 'sp1_tee.signer': address }
    const options = { attributes, startTime: beganMs }
    const span = this.#tracer.startSpan('signer rotation', options, ROOT_CONTEXT)
    const context = trace.setSpan(ROOT_CONTEXT, span)
    for (const [i, step] of steps.entries()) {
      const next = steps[i + 1]
      // The step that was under way is the one that failed.
      const failure = next === undefined ? error : undefined
      this.#child(context, step.name, [step.beganMs, next?.beganMs ?? endedMs], failure)
    }
    if (error !== undefined) fail(span, error)
    span.end(endedMs)
  }

  #remember(id: string, traceparent: string): void {
    const parent = parseTraceparent(traceparent)
    if (parent === undefined) return
    this.#parents.set(id, parent)
    const [oldest] = this.#parents.keys()
    if (this.#parents.size > MAX_PARENTS && oldest !== undefined) this.#parents.delete(oldest)
  }

  #begin(job: JobRecord, waitedMs: number): void {
    const nowMs = this.#dateMs()
    const startTime = nowMs - waitedMs
    const parent = this.#parents.get(job.id) ?? ROOT_CONTEXT
    const options = { kind: SpanKind.CONSUMER, startTime }
    const span = this.#tracer.startSpan('proof job', options, parent)
    const context = trace.setSpan(parent, span)
    this.#running.set(job.id, { span, context })
    if (!span.isRecording()) return
    span.setAttributes({ 'sp1_tee.job.id': job.id, ...releaseOf(job) })
    this.#child(context, 'queue wait', [startTime, nowMs])
  }

  #end({ id }: JobRecord, attributes: Attributes, error?: unknown): void {
    const { span } = this.#running.get(id) ?? {}
    if (span === undefined) return
    this.#running.delete(id)
    span.setAttributes(attributes)
    if (error !== undefined) fail(span, error)
    span.end(this.#dateMs())
  }

  /** A span that is over. */
  #child(parent: Context, name: string, [startTime, endMs]: [number, number], error?: unknown) {
    const span = this.#tracer.startSpan(name, { startTime }, parent)
    if (error !== undefined) fail(span, error)
    span.end(endMs)
  }
}

/**
 * Whoever asks may say which trace the job is part of, and nothing else: other versions, other
 * lengths and zeros are no trace. `tracestate` is not taken.
 */
export function parseTraceparent(text: string): Context | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text) ?? []
  if (!/[1-9a-f]/.test(traceId) || !/[1-9a-f]/.test(spanId)) return undefined
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** The code and no message: messages name inputs. */
function fail(span: Span, error: unknown): void {
  const code = error instanceof Sp1TeeError ? error.code : 'INTERNAL'
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}

function releaseOf({ request }: JobRecord): Attributes {
  try {
    return { 'sp1_tee.sp1': parseRequest(request).sp1 }
  } catch {
    // A store that was tampered with; the job itself fails for it.
    return {}
  }
}
