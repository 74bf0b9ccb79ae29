/**
 * The signer of a service, and its life: made in memory, registered, replaced in time. The next one
 * signs only when the registry knows it; the last one stays valid until its registration expires, so
 * nobody ever holds a proof by a signer that no contract accepts.
 */
import type { Hex } from '../bytes.js'
import type { Registration } from '../chain/registration.js'
import { InterruptedError, UnavailableError } from '../errors.js'
import type { Signer } from '../signer/signer.js'

/** First wait after a rotation that failed; it doubles up to the longest. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000
/** A signer this close to its expiry signs nothing more: its proofs would die on the way. */
const EXPIRY_MARGIN_SECONDS = 30

export interface Rotation {
  readonly previous: Hex
  readonly current: Hex
  readonly txHash: Hex
}

export type SignerEvent =
  | { readonly kind: 'rotated'; readonly rotation: Rotation }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryMs: number }

export interface LiveSignerOptions {
  /** A new key, in memory only. */
  readonly newSigner: () => Signer
  /** Resolves when the registration is confirmed and readable. */
  readonly register: (address: Hex, signal: AbortSignal) => Promise<Registration>
  readonly rotateEveryMs: number
  /** Seconds since 1970; a clock that lies costs liveness only, for the contract has its own. */
  readonly nowSeconds: () => number
  readonly onEvent?: (event: SignerEvent) => void
}

interface Registered {
  readonly signer: Signer
  readonly registration: Registration
}

export class LiveSigner {
  readonly #options: LiveSignerOptions
  readonly #abort = new AbortController()
  #live: Registered | undefined
  #rotation: Promise<Rotation> | undefined
  #timer: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS

  constructor(options: LiveSignerOptions) {
    this.#options = options
  }

  /**
   * Make and register the first signer, then rotate on the timer.
   *
   * @throws UnavailableError no quote, or the chain did not take the registration
   */
  async start(): Promise<Registration> {
    const first = await this.#registerNew()
    this.#live = first
    this.#rotateIn(this.#options.rotateEveryMs)
    return first.registration
  }

  /** No more rotation; one under way is abandoned, and with it a signer that has signed nothing. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#abort.abort()
  }

  /**
   * The signer to sign with now.
   *
   * @throws UnavailableError `SIGNER_NOT_READY`
   */
  get signer(): Signer {
    return this.#ready().signer
  }

  /** @throws UnavailableError `SIGNER_NOT_READY` */
  get registration(): Registration {
    return this.#ready().registration
  }

  /** Replace the signer now; whoever asks while one is under way gets that one. */
  rotate(): Promise<Rotation> {
    if (this.#abort.signal.aborted) throw new InterruptedError({ during: 'the rotation' })
    this.#rotation ??= this.#replace().finally(() => {
      this.#rotation = undefined
    })
    return this.#rotation
  }

  async #replace(): Promise<Rotation> {
    // Also when the live one has expired: this is what mends it.
    const previous = (this.#live ?? this.#ready()).signer.address
    const next = await this.#registerNew()
    this.#live = next
    this.#retryMs = FIRST_RETRY_MS
    const { address: current, txHash } = next.registration
    const rotation = { previous, current, txHash }
    this.#options.onEvent?.({ kind: 'rotated', rotation })
    this.#rotateIn(this.#options.rotateEveryMs)
    return rotation
  }

  async #registerNew(): Promise<Registered> {
    const signer = this.#options.newSigner()
    const registration = await this.#options.register(signer.address, this.#abort.signal)
    return { signer, registration }
  }

  #rotateIn(delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#abort.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.rotate().catch((error) => this.#onFailure(error))
    }, delayMs)
  }

  #onFailure(error: unknown): void {
    if (this.#abort.signal.aborted) return
    const retryMs = this.#retryMs
    this.#retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)
    this.#options.onEvent?.({ kind: 'failed', error, retryMs })
    this.#rotateIn(retryMs)
  }

  #ready(): Registered {
    if (this.#live === undefined) {
      throw new UnavailableError('SIGNER_NOT_READY', { reason: 'none is registered yet' })
    }
    const { expiresAt } = this.#live.registration
    if (this.#options.nowSeconds() + EXPIRY_MARGIN_SECONDS >= expiresAt) {
      throw new UnavailableError('SIGNER_NOT_READY', { reason: 'its registration expires' })
    }
    return this.#live
  }
}
