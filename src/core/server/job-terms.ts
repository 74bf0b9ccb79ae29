/** On what terms this server takes work: releases, limits, schemes. */
import { DEFAULT_LIMITS, type ExecuteLimits } from '../executor/execute.js'
import type { ReleaseChoice } from '../executor/release.js'
import type { RequestChoice } from './job-codec.js'
import type { SchemeOffer } from './scheme-offer.js'
import type { JobOptions, ServiceOptions } from './service-options.js'

const CHOSEN_LIMITS = ['cycles', 'memoryMib', 'timeoutMs'] as const

export class JobTerms {
  readonly #offer: SchemeOffer
  readonly #limits: ExecuteLimits
  readonly #fallbackSp1: string | undefined

  constructor({ limits, fallbackSp1 }: ServiceOptions, offer: SchemeOffer) {
    this.#offer = offer
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#fallbackSp1 = fallbackSp1
  }

  /**
   * @throws InputError a scheme that is not signed here, or a choice that does not fit it
   * @throws UnavailableError `SIGNER_NOT_READY`
   */
  choose({ limits, scheme = 'automata', teeVersion }: JobOptions): RequestChoice {
    const choice = { scheme, ...(teeVersion !== undefined && { teeVersion }) }
    this.#offer.check(choice)
    return { ...choice, limits: this.capped(limits) }
  }

  release(sp1: string | undefined): ReleaseChoice {
    return { sp1, fallbackSp1: this.#fallbackSp1 }
  }

  /** What was asked for, within what may be asked for. */
  capped(asked: JobOptions['limits'] = {}): ExecuteLimits {
    const capped = { ...this.#limits }
    for (const name of CHOSEN_LIMITS) {
      capped[name] = Math.min(capped[name], asked[name] ?? capped[name])
    }
    return capped
  }
}
