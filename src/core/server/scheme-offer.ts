/**
 * What a service's signer signs, and what a request leaves open: for which contract, and as which
 * workload. That is taken from the signer that lives when something is signed, and from nowhere else.
 */
import type { Hex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { checkSchemeChoice, type SchemeChoice } from '../prover/prove.js'
import type { Binding } from '../signer/eip712.js'
import { type SchemeName, schemeOf } from '../signer/schemes.js'
import type { LiveSigner } from './live-signer.js'

export interface SchemeOfferOptions {
  readonly schemes: readonly SchemeName[]
  readonly signer: Pick<LiveSigner, 'registration'>
  readonly chainId: number
  readonly multiProof?: Hex | undefined
}

/** What a client may say of how its result is signed. */
export type SchemeRequest = Pick<SchemeChoice, 'scheme' | 'teeVersion'>

export class SchemeOffer {
  readonly schemes: readonly SchemeName[]
  readonly #options: SchemeOfferOptions

  /** @throws InputError `FLAG_INVALID` a scheme needs a contract, and there is none */
  constructor(options: SchemeOfferOptions) {
    this.schemes = options.schemes
    this.#options = options
    if (this.#isBound && options.multiProof === undefined) {
      const reason = 'must be given where the signer signs scheme eip712'
      throw new InputError('FLAG_INVALID', { flag: '--multiproof', reason })
    }
  }

  /**
   * Refuse at once what would be refused when it is signed.
   *
   * @throws InputError `SCHEME_REFUSED`, `FLAG_INVALID`
   * @throws UnavailableError `SIGNER_NOT_READY`
   */
  check(request: SchemeRequest): void {
    checkSchemeChoice(this.choose(request))
  }

  /** @throws InputError `SCHEME_REFUSED` */
  requireOffered(scheme: SchemeName = 'automata'): void {
    if (this.schemes.includes(scheme)) return
    throw new InputError('SCHEME_REFUSED', { scheme, signs: this.schemes.join(', ') })
  }

  /**
   * The whole choice, as the live signer makes it now.
   *
   * @throws InputError `SCHEME_REFUSED`
   * @throws UnavailableError `SIGNER_NOT_READY`
   */
  choose({ scheme = 'automata', teeVersion }: SchemeRequest): SchemeChoice {
    this.requireOffered(scheme)
    return {
      scheme,
      ...(teeVersion !== undefined && { teeVersion }),
      ...(schemeOf(scheme).isBound && { binding: this.#binding }),
    }
  }

  /** What those need to know who want a bound signature; nothing if none is offered. */
  get facts(): { readonly multiProof?: Hex; readonly workloadId?: Hex } {
    if (!this.#isBound) return {}
    const { verifyingContract: multiProof, workloadId } = this.#binding
    return { multiProof, workloadId }
  }

  get #isBound(): boolean {
    return this.schemes.some((name) => schemeOf(name).isBound)
  }

  get #binding(): Binding {
    const { signer, chainId, multiProof } = this.#options
    const workloadId = signer.registration.attestation?.workloadId
    if (multiProof === undefined || workloadId === undefined) {
      throw new UnavailableError('SIGNER_NOT_READY', { reason: 'its workload is not known' })
    }
    return { chainId, verifyingContract: multiProof, workloadId }
  }
}
