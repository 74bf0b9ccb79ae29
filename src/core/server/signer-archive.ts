/**
 * Attestations of signers, for whoever has a proof by one: also of signers of other servers on the same
 * store, and of those before a restart. What is read back proves itself or nothing: a client verifies it.
 */
import { fromHex, type Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { type JobStore, MAX_ATTESTATIONS } from '../jobs/job-store.js'
import { parseAttestation } from '../signer/attestation.js'
import { parseTdQuote } from '../tdx/quote.js'
import { isSimulatedQuote } from '../tdx/simulated-mark.js'
import { describeAttestation, type SignerAttestation } from './attestation.js'
import { damaged } from './job-codec.js'
import type { LiveSigner } from './live-signer.js'

/** What is told of a signer, whether or not it is still valid. */
export interface AttestedSigner {
  /** Seconds since 1970. */
  readonly expiresAt: number
  readonly attestation: SignerAttestation
}

export class SignerArchive {
  readonly #store: JobStore
  readonly #signer: LiveSigner
  /** What this process has stored. */
  #stored: Hex | undefined

  constructor(store: JobStore, signer: LiveSigner) {
    this.#store = store
    this.#signer = signer
  }

  /**
   * Before anything that the signer has signed is stored.
   *
   * @throws UnavailableError `STORE_UNAVAILABLE`
   */
  async keep(signer: Hex): Promise<void> {
    const { attestation, expiresAt } = this.#signer.registrationOf(signer) ?? {}
    if (signer === this.#stored || attestation === undefined) return
    await this.#store.keepAttestation(signer, JSON.stringify({ expiresAt, ...attestation }))
    this.#stored = signer
  }

  /** @throws UnavailableError `ATTESTATION_UNKNOWN`, `STORE_DAMAGED`, `STORE_UNAVAILABLE` */
  async find(signer: Hex): Promise<AttestedSigner> {
    const { attestation, expiresAt } = this.#signer.registrationOf(signer) ?? {}
    if (attestation !== undefined && expiresAt !== undefined) return { attestation, expiresAt }
    const text = await this.#store.attestation(signer)
    if (text === undefined) {
      throw new UnavailableError('ATTESTATION_UNKNOWN', { signer, kept: MAX_ATTESTATIONS })
    }
    return restore(text)
  }
}

function restore(text: string): AttestedSigner {
  try {
    const attestation = parseAttestation(new TextEncoder().encode(text))
    const { expiresAt, provider } = JSON.parse(text)
    if (!Number.isSafeInteger(expiresAt) || typeof provider !== 'string') return damaged()
    const simulated = isSimulatedQuote(parseTdQuote(fromHex(attestation.quote)))
    return {
      expiresAt,
      attestation: describeAttestation(attestation, { name: provider, simulated }),
    }
  } catch {
    return damaged()
  }
}
