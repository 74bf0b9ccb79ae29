/**
 * An end to waiting for what may never come, so that it fails, is tried again, and its operator hears of
 * it. Whatever was asked may still be at work: a request in a host cannot be taken back.
 */
import { UnavailableError } from '../errors.js'
import type { QuoteProvider } from '../tdx/provider.js'

/** Longer than the kernel and quote services wait themselves. */
const QUOTE_TIMEOUT_MS = 120_000

export interface Deadline {
  readonly timeoutMs: number
  readonly error: () => UnavailableError
  /** Ends the wait, too. */
  readonly stop?: AbortSignal
}

/**
 * @param work - its signal aborts when nobody waits any more
 * @throws `error` it took too long, or `stop` aborted
 */
export async function beforeDeadline<T>(
  { timeoutMs, error, stop }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, ...(stop ? [stop] : [])])
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    const end = () => reject(error())
    timer = setTimeout(end, timeoutMs)
    stop?.addEventListener('abort', end, { once: true, signal: over.signal })
  })
  try {
    return await Promise.race([work(signal), deadline])
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

/** A provider that gives up on a quote that never comes, so that a rotation fails. */
export function withDeadline(provider: QuoteProvider): QuoteProvider {
  const seconds = QUOTE_TIMEOUT_MS / 1000
  const error = () => new UnavailableError('QUOTE_TIMEOUT', { provider: provider.name, seconds })
  const deadline = { timeoutMs: QUOTE_TIMEOUT_MS, error }
  return {
    ...provider,
    attest: (...args) => beforeDeadline(deadline, () => provider.attest(...args)),
    quote: (...args) => beforeDeadline(deadline, () => provider.quote(...args)),
  }
}
