/**
 * Whether a server's signer is one that the caller's policy accepts: its attestation is asked for and
 * judged here. Nothing that the server says of it is believed.
 */
import { fromHex, type Hex, isLowerHex } from '../bytes.js'
import { type Collateral, parseCollateral } from '../dcap/collateral.js'
import { INTEL_ROOT, type TrustedRoot } from '../dcap/trusted-root.js'
import { RejectedError, UnavailableError } from '../errors.js'
import { judgeAttestation } from '../policy/judge-attestation.js'
import type { QuoteVerdict } from '../policy/judge-quote.js'
import type { Policy } from '../policy/policy.js'
import {
  type PrivateInputKey,
  parsePrivateInputStatement,
  verifyPrivateInputStatement,
} from '../private-inputs/statement.js'
import { type Attestation, parseAttestation } from '../signer/attestation.js'
import { parseQuote, type Quote } from '../tdx/quote.js'

const ADDRESS_BYTES = 20

/** What a signer's attestation is judged by. */
export interface TrustOptions {
  readonly policy: Policy
  /** Default: Intel's. */
  readonly root?: TrustedRoot
  /** For quotes that come without collateral. */
  readonly collateral?: (quote: Quote) => Promise<Collateral>
}

export interface TrustedSigner {
  readonly address: Hex
  /** With the collateral it was judged by. */
  readonly attestation: Attestation
  /** It verified under another root than Intel's, or says so itself. */
  readonly simulated: boolean
}

export interface JudgeSignerOptions extends TrustOptions {
  readonly now: Date
  /** What the signer says it is, if it says so. */
  readonly workloadId?: Hex
}

/**
 * The verdict on an attestation as proof files and servers carry it.
 *
 * @throws InputError its quote or collateral does not parse
 * @throws UnavailableError there is no collateral
 */
export async function judgeSigner(
  signer: Hex,
  { quote: bytes, collateral: carried, ...binding }: Attestation,
  { policy, root = INTEL_ROOT, collateral: find, now, workloadId }: JudgeSignerOptions,
): Promise<{ readonly verdict: QuoteVerdict; readonly collateral: Collateral }> {
  const quote = parseQuote(fromHex(bytes))
  const collateral =
    carried !== undefined ? parseCollateral(encodeDocuments(carried)) : await find?.(quote)
  if (collateral === undefined) throw new UnavailableError('COLLATERAL_ABSENT', { signer })
  const verdict = judgeAttestation({
    ...{ quote, collateral, policy, now, root, signer },
    ...binding,
    ...(workloadId !== undefined && { workloadId }),
  })
  return { verdict, collateral }
}

export class SignerTrust {
  readonly #options: TrustOptions
  readonly #now: () => Date
  readonly #ask: (path: string, signal: AbortSignal | undefined) => Promise<unknown>

  /** @param ask - GET of the server, its JSON */
  constructor(
    options: TrustOptions,
    now: () => Date,
    ask: (path: string, signal: AbortSignal | undefined) => Promise<unknown>,
  ) {
    this.#options = options
    this.#now = now
    this.#ask = ask
  }

  /**
   * @param address - undefined: the one that signs now
   * @throws RejectedError `SIGNER_REFUSED`
   * @throws UnavailableError `ATTESTATION_UNKNOWN`, `COLLATERAL_ABSENT`, and what the server says
   */
  async signer(address: Hex | undefined, signal?: AbortSignal): Promise<TrustedSigner> {
    return (await this.#find(address, signal)).signer
  }

  /** The key for private inputs, of a signer that is trusted. @throws as `signer`; `PRIVATE_…` */
  async privateInputKey(signal?: AbortSignal): Promise<PrivateInputKey> {
    const { signer, answer } = await this.#find(undefined, signal)
    if (answer.privateInputs === undefined) throw new UnavailableError('PRIVATE_INPUTS_OFF', {})
    const statement = parsePrivateInputStatement(answer.privateInputs)
    return verifyPrivateInputStatement(statement, signer.address, this.#now().getTime() / 1000)
  }

  async #find(asked: Hex | undefined, signal: AbortSignal | undefined) {
    const query = asked === undefined ? '' : `?signer=${asked}`
    const answer = Object(await this.#ask(`/v1/attestation${query}`, signal)) as Record<
      string,
      unknown
    >
    const attestation = parseAttestation(new TextEncoder().encode(JSON.stringify(answer)))
    const address = asked ?? addressOf(answer.address)
    const options = { ...this.#options, now: this.#now() }
    const { verdict, collateral } = await judgeSigner(address, attestation, options)
    if (!verdict.valid) throw refused(address, verdict)
    const signer: TrustedSigner = {
      address,
      attestation: { ...attestation, collateral: { ...collateral.documents } },
      simulated: verdict.simulated === true,
    }
    return { signer, answer }
  }
}

function addressOf(value: unknown): Hex {
  if (isLowerHex(value, ADDRESS_BYTES)) return value
  throw new RejectedError('SIGNER_REFUSED', { signer: 'the server', reason: 'it names no address' })
}

function refused(signer: Hex, { checks }: QuoteVerdict): RejectedError {
  const failed = checks.filter(({ ok, code }) => !ok && code !== undefined)
  const reason = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ')
  return new RejectedError('SIGNER_REFUSED', { signer, reason })
}

function encodeDocuments(documents: Readonly<Record<string, string>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(documents))
}
