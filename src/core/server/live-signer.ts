/**
 * The signer of a service, and its life: made in memory, registered, replaced in time. The next one
 * signs only when the registry knows it; the last one stays valid until its registration expires, so
 * nobody ever holds a proof by a signer that no contract accepts.
 */

import { Backoff } from '../backoff.js'
import type { Hex } from '../bytes.js'
import type { RegistrationStep } from '../chain/registration.js'
import { InterruptedError, UnavailableError } from '../errors.js'
import type { Signer } from '../signer/signer.js'
import type { SignerAttestation, SignerRegistration } from './attestation.js'

/** First wait after a rotation that failed; it doubles up to the longest. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000
/** Between questions to the registry whether it still lists the signer. */
const CHECK_EVERY_MS = 30_000
/** An operator should hear of it when so little is left. */
const ALARM_SECONDS = 600
/** A signer this close to its expiry signs nothing more: its proofs would die on the way. */
const EXPIRY_MARGIN_SECONDS = 30
/** Signers whose attestations are kept: more than can be valid at the same time, if all goes well. */
const REMEMBERED_SIGNERS = 8

export interface Rotation {
  readonly previous: Hex
  readonly current: Hex
  readonly txHash: Hex
}

export interface SignerFacts {
  readonly address: Hex
  readonly expiresAt: number
  /** When it was registered, by this machine's clock. */
  readonly sinceSeconds: number
  readonly attestation: SignerAttestation | undefined
}

/** A registration that was tried, whatever came of it. Milliseconds since 1970. */
export interface SignerAttempt {
  readonly address: Hex
  readonly beganMs: number
  readonly endedMs: number
  readonly steps: readonly { readonly name: RegistrationStep; readonly beganMs: number }[]
  readonly error?: unknown
}

export type SignerEvent =
  | { readonly kind: 'rotated'; readonly rotation: Rotation }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryMs: number }
  /** No rotation has succeeded, and soon nothing can be signed. */
  | { readonly kind: 'expiring'; readonly secondsLeft: number }
  /** The registry lists the signer no more: it was revoked, or a reorganisation took its registration. */
  | { readonly kind: 'unlisted'; readonly address: Hex }
  | { readonly kind: 'checkFailed'; readonly error: unknown }

export interface LiveSignerOptions {
  /** A new key, in memory only. */
  readonly newSigner: () => Signer
  /** Resolves when the registration is confirmed and readable. */
  readonly register: (
    address: Hex,
    signal: AbortSignal,
    onStep: (step: RegistrationStep) => void,
  ) => Promise<SignerRegistration>
  /**
   * When the registration of a signer expires, in seconds since 1970; undefined if the registry does
   * not list it. Asked now and then; without it a registration is believed until it expires.
   */
  readonly check?: (address: Hex) => Promise<number | undefined>
  readonly rotateEveryMs: number
  /** Seconds since 1970; a clock that lies costs liveness only, for the contract has its own. */
  readonly nowSeconds: () => number
  readonly onEvent?: (event: SignerEvent) => void
  readonly onAttempt?: (attempt: SignerAttempt) => void
}

interface Registered {
  readonly signer: Signer
  readonly registration: SignerRegistration
  readonly sinceSeconds: number
  /** With less left than that it is replaced. */
  readonly halfLifeSeconds: number
}

export class LiveSigner {
  readonly #options: LiveSignerOptions
  readonly #abort = new AbortController()
  #live: Registered | undefined
  /** The latest last. */
  readonly #remembered = new Map<Hex, SignerRegistration>()
  #rotation: Promise<Rotation> | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
  #checks: NodeJS.Timeout | undefined
  /** Whoever waits for a signer that is ready. */
  #waiting = new Set<() => void>()

  constructor(options: LiveSignerOptions) {
    this.#options = options
  }

  /**
   * Make and register the first signer, then rotate on the timer.
   *
   * @throws UnavailableError no quote, or the chain did not take the registration
   */
  async start(): Promise<SignerRegistration> {
    const first = await this.#registerNew()
    this.#adopt(first)
    if (this.#options.check !== undefined) {
      this.#checks = setInterval(() => this.#check(), CHECK_EVERY_MS)
    }
    return first.registration
  }

  /** No more rotation; one under way is abandoned, and with it a signer that has signed nothing. */
  stop(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#checks)
    this.#abort.abort()
  }

  /**
   * Wait for a signer that is ready, however long the chain is away.
   *
   * @throws InterruptedError `signal` aborts
   */
  async ready(signal: AbortSignal): Promise<void> {
    while (!this.isReady) {
      if (signal.aborted) throw new InterruptedError({ during: 'the wait for a signer' })
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
  }

  get isReady(): boolean {
    return this.#live !== undefined && this.#secondsLeft(this.#live) > EXPIRY_MARGIN_SECONDS
  }

  /** Of the signer there is, ready or not. */
  get facts(): SignerFacts | undefined {
    if (this.#live === undefined) return undefined
    const { registration, sinceSeconds } = this.#live
    const { address, expiresAt, attestation } = registration
    return { address, expiresAt, sinceSeconds, attestation }
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
  get registration(): SignerRegistration {
    return this.#ready().registration
  }

  /** Of this signer or one of its last predecessors, whether or not it is still valid. */
  registrationOf(address: Hex): SignerRegistration | undefined {
    return this.#remembered.get(address)
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
    this.#adopt(next)
    const { address: current, txHash } = next.registration
    const rotation = { previous, current, txHash }
    this.#options.onEvent?.({ kind: 'rotated', rotation })
    return rotation
  }

  #adopt(next: Registered): void {
    this.#live = next
    this.#remember(next.registration)
    this.#backoff.reset()
    // A registry whose registrations are short makes rotations early.
    const halfLifeMs = 1000 * next.halfLifeSeconds
    this.#rotateIn(Math.min(this.#options.rotateEveryMs, Math.max(halfLifeMs, FIRST_RETRY_MS)))
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  async #check(): Promise<void> {
    const { check, onEvent } = this.#options
    const checked = this.#live
    if (check === undefined || checked === undefined) return
    try {
      const { address } = checked.registration
      const expiresAt = await check(address)
      if (this.#live !== checked || this.#abort.signal.aborted) return
      const registration = { ...checked.registration, expiresAt: expiresAt ?? 0 }
      this.#live = { ...checked, registration }
      this.#remember(registration)
      if (expiresAt === undefined) onEvent?.({ kind: 'unlisted', address })
      // Listed again, for example.
      if (this.isReady) this.#wake()
      if (this.#rotation !== undefined) return
      // Its life was cut short, or the clock has jumped. What failed waits for its turn.
      const isLate =
        this.#secondsLeft(this.#live) < checked.halfLifeSeconds && this.#backoff.isFirst
      if (expiresAt === undefined || isLate) this.#rotateIn(0)
    } catch (error) {
      // A chain that does not answer says nothing about the registration.
      onEvent?.({ kind: 'checkFailed', error })
    }
  }

  #remember(registration: SignerRegistration): void {
    this.#remembered.set(registration.address, registration)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > REMEMBERED_SIGNERS && oldest) this.#remembered.delete(oldest)
  }

  #secondsLeft({ registration }: Registered): number {
    return registration.expiresAt - this.#options.nowSeconds()
  }

  async #registerNew(): Promise<Registered> {
    const signer = this.#options.newSigner()
    const { address } = signer
    const nowMs = () => 1000 * this.#options.nowSeconds()
    const beganMs = nowMs()
    const steps: SignerAttempt['steps'][number][] = []
    const tell = (failure: { readonly error?: unknown }) => {
      const attempt = { address, beganMs, endedMs: nowMs(), steps, ...failure }
      this.#options.onAttempt?.(attempt)
    }
    try {
      const registration = await this.#options.register(address, this.#abort.signal, (name) =>
        steps.push({ name, beganMs: nowMs() }),
      )
      tell({})
      const sinceSeconds = this.#options.nowSeconds()
      const halfLifeSeconds = (registration.expiresAt - sinceSeconds) / 2
      return { signer, registration, sinceSeconds, halfLifeSeconds }
    } catch (error) {
      tell({ error })
      throw error
    }
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
    const retryMs = this.#backoff.next()
    const { onEvent } = this.#options
    onEvent?.({ kind: 'failed', error, retryMs })
    const secondsLeft = this.#live === undefined ? 0 : this.#secondsLeft(this.#live)
    if (secondsLeft < ALARM_SECONDS) onEvent?.({ kind: 'expiring', secondsLeft })
    this.#rotateIn(retryMs)
  }

  #ready(): Registered {
    if (this.#live === undefined) {
      throw new UnavailableError('SIGNER_NOT_READY', { reason: 'none is registered yet' })
    }
    if (!this.isReady) {
      throw new UnavailableError('SIGNER_NOT_READY', { reason: 'its registration expires' })
    }
    return this.#live
  }
}
