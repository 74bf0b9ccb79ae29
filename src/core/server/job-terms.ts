/** On what terms this server takes work: releases, limits, schemes. Of stored requests it asks the same again. */
import { InputError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecuteLimits } from '../executor/execute.js'
import type { ReleaseChoice } from '../executor/release.js'
import type { JobRecord } from '../jobs/job-store.js'
import { checkSchemeChoice } from '../prover/prove.js'
import type { SchemeName } from '../signer/schemes.js'
import { type JobRequest, parseRequest, type RequestChoice } from './job-codec.js'
import type { JobOptions, ServiceOptions } from './service-options.js'

const CHOSEN_LIMITS = ['cycles', 'memoryMib', 'timeoutMs'] as const

export class JobTerms {
  readonly schemes: readonly SchemeName[]
  readonly #limits: ExecuteLimits
  readonly #fallbackSp1: string | undefined

  constructor({ schemes, limits, fallbackSp1 }: ServiceOptions) {
    this.schemes = schemes ?? ['automata']
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#fallbackSp1 = fallbackSp1
  }

  /** @throws InputError a scheme that is not signed here, or a choice that does not fit it */
  choose({ limits, scheme = 'automata', teeVersion }: JobOptions): RequestChoice {
    const choice = { scheme, ...(teeVersion !== undefined && { teeVersion }) }
    this.#requireScheme(scheme)
    checkSchemeChoice(choice)
    return { ...choice, limits: this.capped(limits) }
  }

  /** What the store says is to be done. @throws InputError `SCHEME_REFUSED`; UnavailableError `STORE_DAMAGED` */
  read(job: JobRecord): JobRequest {
    const request = parseRequest(job.request)
    this.#requireScheme(request.scheme)
    return request
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

  #requireScheme(scheme: SchemeName): void {
    if (this.schemes.includes(scheme)) return
    throw new InputError('SCHEME_REFUSED', { scheme, signs: this.schemes.join(', ') })
  }
}
