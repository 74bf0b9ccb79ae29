/**
 * The keys that private inputs are encrypted to: made here, announced by the live signer, and in no file.
 * A key takes new jobs for a while, and is forgotten when the last of them has ended. With the process all
 * of them are gone, and with them what was encrypted to them.
 */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { createInputKey, type InputKey } from '../private-inputs/sealed-inputs.js'
import { type PrivateInputStatement, signPrivateInputKey } from '../private-inputs/statement.js'
import type { Signer } from '../signer/signer.js'
import { damaged, type SealedRequest } from './job-codec.js'

/** For which a key takes jobs. */
const LIFE_SECONDS = 1200
/** Far more than wait and run. */
const MAX_JOBS = 2 ** 16
const RETRY_SECONDS = 60
const CLEAN_EVERY_MS = 60_000

export interface PrivateInputKeysOptions {
  readonly registry: { readonly chainId: number; readonly address: Hex }
  readonly entropy: (byteCount: number) => Uint8Array
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
  /**
   * Whether a job has ended, perhaps by another server's doing.
   *
   * @throws UnavailableError `JOB_UNKNOWN` so long ago that it is kept no longer
   */
  readonly hasEnded: (job: string) => Promise<boolean>
}

interface Held {
  readonly key: InputKey
  /** What the job was taken with. */
  readonly sealed: SealedRequest['sealed']
  /** Whether the job is in the store, or was. */
  isStored: boolean
}

interface Made {
  readonly key: InputKey
  readonly madeMs: number
  /** Seconds since 1970. */
  readonly expiresAt: number
}

export class PrivateInputKeys {
  readonly #options: PrivateInputKeysOptions
  /** In the order in which they were made. */
  readonly #made = new Map<Hex, Made>()
  readonly #jobs = new Map<string, Held>()
  readonly #cleaning: NodeJS.Timeout
  #making: Promise<Made> | undefined
  #announced: { readonly signer: Hex; readonly statement: PrivateInputStatement } | undefined

  constructor(options: PrivateInputKeysOptions) {
    this.#options = options
    this.#cleaning = setInterval(() => this.#clean(), CLEAN_EVERY_MS).unref()
  }

  close(): void {
    clearInterval(this.#cleaning)
  }

  /**
   * The key to encrypt to now, by a statement of the signer.
   *
   * @param expiresAt - of the signer's registration, in seconds since 1970
   */
  async announce(signer: Signer, expiresAt: number): Promise<PrivateInputStatement> {
    const { key, expiresAt: keyExpiresAt } = await this.#current()
    const known = this.#announced
    if (known?.signer === signer.address && known.statement.publicKey === key.publicKey) {
      return known.statement
    }
    const { chainId, address: registry } = this.#options.registry
    const statement = signPrivateInputKey(signer, {
      publicKey: key.publicKey,
      expiresAt: Math.floor(Math.min(keyExpiresAt, expiresAt)),
      ...{ chainId, registry },
    })
    this.#announced = { signer: signer.address, statement }
    return statement
  }

  /** @throws UnavailableError `PRIVATE_KEY_UNKNOWN` it was never this process's, or takes no jobs any more */
  find(publicKey: Hex): InputKey {
    this.#forgetOld()
    const made = this.#made.get(publicKey)
    if (made === undefined) throw new UnavailableError('PRIVATE_KEY_UNKNOWN', {})
    return made.key
  }

  /** Keep a key for a job until `release`. @throws UnavailableError `QUEUE_FULL` */
  hold(job: string, key: InputKey, sealed: SealedRequest['sealed']): void {
    if (this.#jobs.size >= MAX_JOBS) {
      const facts = { queued: this.#jobs.size, retryAfterSeconds: RETRY_SECONDS }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    this.#jobs.set(job, { key, sealed, isStored: false })
  }

  /** The job is in the store. Until then it is unknown there, but not over. */
  onStored(job: string): void {
    const held = this.#jobs.get(job)
    if (held !== undefined) held.isStored = true
  }

  /** The job has ended. */
  release(job: string): void {
    this.#jobs.delete(job)
  }

  /**
   * @param sealed - as the store has it
   * @throws UnavailableError `PRIVATE_KEY_LOST` another process took the job; `STORE_DAMAGED` it was taken
   *   with other inputs
   */
  keyOf(job: string, { blob, encapsulatedKey }: SealedRequest['sealed']): InputKey {
    const held = this.#jobs.get(job)
    if (held === undefined) throw new UnavailableError('PRIVATE_KEY_LOST', {})
    const { sealed, key } = held
    if (sealed.blob !== blob || sealed.encapsulatedKey !== encapsulatedKey) damaged()
    return key
  }

  /** One that will still take jobs for half of its life. */
  #current(): Promise<Made> {
    const newest = [...this.#made.values()].at(-1)
    if (newest !== undefined && this.#ageSeconds(newest) < LIFE_SECONDS / 2) {
      return Promise.resolve(newest)
    }
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #make(): Promise<Made> {
    const { entropy, nowMs, dateMs } = this.#options
    const key = await createInputKey(entropy)
    const made = { key, madeMs: nowMs(), expiresAt: dateMs() / 1000 + LIFE_SECONDS }
    this.#made.set(key.publicKey, made)
    this.#forgetOld()
    return made
  }

  async #clean(): Promise<void> {
    this.#forgetOld()
    for (const [job, { isStored }] of [...this.#jobs]) {
      if (isStored && (await this.#options.hasEnded(job).catch(isUnknown))) this.release(job)
    }
  }

  #forgetOld(): void {
    for (const [publicKey, made] of this.#made) {
      if (this.#ageSeconds(made) >= LIFE_SECONDS) this.#made.delete(publicKey)
    }
  }

  #ageSeconds({ madeMs }: Made): number {
    return (this.#options.nowMs() - madeMs) / 1000
  }
}

/** A store that is away says nothing about the job; one that knows it no longer says that it is over. */
function isUnknown(error: unknown): boolean {
  return error instanceof UnavailableError && error.code === 'JOB_UNKNOWN'
}
