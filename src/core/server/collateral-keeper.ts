/**
 * Has the collateral of the live signer's quote at hand, for clients that cannot fetch it, and knows
 * by it what Intel says of this platform. All in the background: nothing waits for it, and nothing
 * here is believed because of it, for clients check what Intel signed themselves.
 */

import { Backoff } from '../backoff.js'
import { fromHex } from '../bytes.js'
import type { Collateral } from '../dcap/collateral.js'
import { collateralKeyOf } from '../dcap/collateral-key.js'
import type { TcbStatus } from '../dcap/tcb-status.js'
import type { TrustedRoot } from '../dcap/trusted-root.js'
import { verifyQuote } from '../dcap/verify-quote.js'
import { UnavailableError } from '../errors.js'
import { parseTdQuote, type TdQuote } from '../tdx/quote.js'
import type { SignerAttestation } from './attestation.js'
import { beforeDeadline } from './deadline.js'

const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000
/** Intel's collateral is good for weeks, and may say earlier that a platform is out of date. */
const LONGEST_RENEWAL_MS = 12 * 3_600_000
const SHORTEST_RENEWAL_MS = 60_000
/** Longer than all retries of one fetch take. */
const FETCH_TIMEOUT_MS = 300_000

export interface CollateralSource {
  /** @param isRenewal - what was fetched before does not do. */
  readonly fetch: (
    quote: TdQuote,
    options: { readonly signal: AbortSignal; readonly isRenewal: boolean },
  ) => Promise<Collateral>
  /** Intel's unless given: that of simulated quotes. */
  readonly root?: TrustedRoot
}

export interface CollateralKeeperOptions extends CollateralSource {
  /** Of the live signer. */
  readonly attestation: () => SignerAttestation | undefined
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
  readonly onEvent?: (event: CollateralEvent) => void
}

export type CollateralEvent =
  | { readonly kind: 'judged'; readonly status: TcbStatus; readonly expiresAt: number }
  /** It could not be had, or the quote does not verify with it. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryMs: number }

/** What the live signer's quote is worth, by collateral that is still good. */
export interface QuoteTrust {
  readonly status: TcbStatus
  readonly advisoryIds: readonly string[]
  /** When the first part of the collateral, or a certificate, ends to be valid. */
  readonly expiresAt: number
}

interface Kept {
  readonly key: string
  readonly collateral: Collateral
  readonly renewAtMs: number
}

export class CollateralKeeper {
  readonly #options: CollateralKeeperOptions
  readonly #stop = new AbortController()
  #kept: Kept | undefined
  #trust: QuoteTrust | undefined
  #isWorking = false
  #isAskedAgain = false
  #timer: NodeJS.Timeout | undefined
  readonly #backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)

  constructor(options: CollateralKeeperOptions) {
    this.#options = options
  }

  /** Look at the live signer's quote now: at the beginning, and when there is another one. */
  follow(): void {
    if (this.#stop.signal.aborted) return
    clearTimeout(this.#timer)
    this.#isAskedAgain = true
    if (!this.#isWorking) this.#followAll()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
  }

  /** Undefined if there is none, or none any more, or the quote does not verify with it. */
  get trust(): QuoteTrust | undefined {
    const isGood = this.#trust !== undefined && this.#nowSeconds() < this.#trust.expiresAt
    return isGood ? this.#trust : undefined
  }

  /** When each document has to be replaced, in seconds since 1970, expired or not. */
  get nextUpdates(): Readonly<Record<string, number>> {
    return this.#kept === undefined ? {} : nextUpdatesOf(this.#kept.collateral)
  }

  /** The documents to verify this quote with, if they are at hand and still good. */
  documentsFor({ quote }: SignerAttestation): Collateral['documents'] | undefined {
    if (this.trust === undefined) return undefined
    const isOfPlatform = this.#kept?.key === keyOf(parseTdQuote(fromHex(quote)))
    return isOfPlatform ? this.#kept?.collateral.documents : undefined
  }

  async #followAll(): Promise<void> {
    this.#isWorking = true
    while (this.#isAskedAgain && !this.#stop.signal.aborted) {
      this.#isAskedAgain = false
      try {
        await this.#followOnce()
        this.#backoff.reset()
      } catch (error) {
        this.#onFailure(error)
      }
    }
    this.#isWorking = false
  }

  async #followOnce(): Promise<void> {
    const attestation = this.#options.attestation()
    if (attestation === undefined) return
    const quote = parseTdQuote(fromHex(attestation.quote))
    const key = keyOf(quote)
    if (this.#kept?.key !== key) this.#forget()
    try {
      if (this.#isDue()) await this.#renew(quote, key)
    } finally {
      // What there was before stays good until it expires.
      if (this.#kept !== undefined) this.#judge(quote, this.#kept)
    }
    this.#followIn((this.#kept?.renewAtMs ?? 0) - this.#options.dateMs())
  }

  #isDue(): boolean {
    return this.#kept === undefined || this.#options.dateMs() >= this.#kept.renewAtMs
  }

  async #renew(quote: TdQuote, key: string): Promise<void> {
    const collateral = await this.#fetch(quote, this.#kept !== undefined)
    this.#kept = { key, collateral, renewAtMs: this.#renewalOf(collateral) }
  }

  #judge(quote: TdQuote, { collateral }: Kept): void {
    const { root, dateMs, onEvent } = this.#options
    const before = this.#trust
    this.#trust = undefined
    try {
      const now = new Date(dateMs())
      const verified = verifyQuote({ quote, collateral, now, ...(root && { root }) })
      const { status, advisoryIds, expires } = verified
      const expiresAt = expires.getTime() / 1000
      this.#trust = { status, advisoryIds, expiresAt }
      const isKnown = before?.status === status && before.expiresAt === expiresAt
      if (!isKnown) onEvent?.({ kind: 'judged', status, expiresAt })
    } catch (error) {
      // It may be the fault of what was fetched.
      if (this.#kept) this.#kept = { ...this.#kept, renewAtMs: dateMs() }
      throw error
    }
  }

  /** Whatever it is that fetches: it has an end. */
  #fetch(quote: TdQuote, isRenewal: boolean): Promise<Collateral> {
    const seconds = FETCH_TIMEOUT_MS / 1000
    const error = () => new UnavailableError('COLLATERAL_TIMEOUT', { seconds })
    const deadline = { timeoutMs: FETCH_TIMEOUT_MS, error, stop: this.#stop.signal }
    return beforeDeadline(deadline, (signal) => this.#options.fetch(quote, { signal, isRenewal }))
  }

  /** Half of what is left of it, so that half is left for retries. */
  #renewalOf(collateral: Collateral): number {
    const nowMs = this.#options.dateMs()
    const leftMs = 1000 * Math.min(...Object.values(nextUpdatesOf(collateral))) - nowMs
    return nowMs + Math.min(Math.max(leftMs / 2, SHORTEST_RENEWAL_MS), LONGEST_RENEWAL_MS)
  }

  #onFailure(error: unknown): void {
    if (this.#stop.signal.aborted) return
    const retryMs = this.#backoff.next()
    this.#options.onEvent?.({ kind: 'failed', error, retryMs })
    this.#followIn(retryMs)
  }

  #followIn(delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#stop.signal.aborted) return
    // Within bounds, whatever clocks do: a timer that is set too far fires at once.
    const boundedMs = Math.min(Math.max(delayMs, 0), LONGEST_RENEWAL_MS)
    this.#timer = setTimeout(() => this.follow(), boundedMs)
  }

  #forget(): void {
    this.#kept = undefined
    this.#trust = undefined
  }

  #nowSeconds(): number {
    return this.#options.dateMs() / 1000
  }
}

function keyOf(quote: TdQuote): string {
  const { tee, fmspc, ca } = collateralKeyOf(quote)
  return `${tee} ${fmspc} ${ca}`
}

function nextUpdatesOf({ tcbInfo, qeIdentity, pckCrl, rootCrl }: Collateral) {
  const ends = {
    tcb_info: tcbInfo.value.nextUpdate,
    qe_identity: qeIdentity.value.nextUpdate,
    pck_crl: pckCrl.nextUpdate,
    root_crl: rootCrl.nextUpdate,
  }
  return Object.fromEntries(Object.entries(ends).map(([kind, end]) => [kind, end.getTime() / 1000]))
}
