/**
 * A provider that gives up on a quote that never comes, so that a rotation fails and is tried again,
 * and its operator hears of it. The device may still be at work: a request in a host cannot be taken
 * back.
 */
import { UnavailableError } from '../errors.js'
import type { QuoteProvider } from '../tdx/provider.js'

/** Longer than the kernel and quote services wait themselves. */
const QUOTE_TIMEOUT_MS = 120_000

export function withDeadline(provider: QuoteProvider): QuoteProvider {
  const { name } = provider
  return {
    ...provider,
    attest: (...args) => beforeDeadline(name, () => provider.attest(...args)),
    quote: (...args) => beforeDeadline(name, () => provider.quote(...args)),
  }
}

async function beforeDeadline<T>(provider: string, request: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    const seconds = QUOTE_TIMEOUT_MS / 1000
    const error = new UnavailableError('QUOTE_TIMEOUT', { provider, seconds })
    timer = setTimeout(() => reject(error), QUOTE_TIMEOUT_MS)
  })
  try {
    return await Promise.race([request(), deadline])
  } finally {
    clearTimeout(timer)
  }
}
