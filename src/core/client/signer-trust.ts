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
import type { Proof } from '../signer/proof.js'
import { parseQuote, type Quote } from '../tdx/quote.js'
import { type ServerConnection, serverText } from './server-connection.js'

const ADDRESS_BYTES = 20

/** What a signer's attestation is judged by. */
export interface TrustOptions {
  readonly policy: Policy
  /** Default: Intel's. */
  readonly root?: TrustedRoot
  /** Where the caller has collateral from. It is asked even where a quote comes with some. */
  readonly collateral?: (quote: Quote) => Promise<Collateral>
  /** Take what a quote comes with, and ask for `collateral` only where there is none. */
  readonly carriedFirst?: boolean
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
  attestation: Attestation,
  options: JudgeSignerOptions,
): Promise<SignerVerdict> {
  return judgeEvidence(signer, parseEvidence(attestation, options), options)
}

interface SignerVerdict {
  readonly verdict: QuoteVerdict
  readonly collateral: Collateral
}

interface Evidence {
  readonly quote: Quote
  /** What the quote came with, if that is to be used. */
  readonly carried: Collateral | undefined
  /** How the quote is said to be bound to the signer. */
  readonly binding: Pick<Attestation, 'reportData' | 'reference' | 'runtimeData'>
}

/** Its fields by name: whoever made the attestation has no say in how it is judged. */
function parseEvidence(
  { quote, collateral, reportData, reference, runtimeData }: Attestation,
  { collateral: named, carriedFirst = false }: Omit<TrustOptions, 'policy'>,
): Evidence {
  const isUsed = collateral !== undefined && (named === undefined || carriedFirst)
  return {
    quote: parseQuote(fromHex(quote)),
    carried: isUsed ? parseCollateral(encodeJson(collateral)) : undefined,
    binding: { reportData, reference, ...(runtimeData !== undefined && { runtimeData }) },
  }
}

async function judgeEvidence(
  signer: Hex,
  { quote, carried, binding }: Evidence,
  { policy, root = INTEL_ROOT, collateral: find, now, workloadId }: JudgeSignerOptions,
): Promise<SignerVerdict> {
  const collateral = carried ?? (await find?.(quote))
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
  readonly #server: Pick<ServerConnection, 'ask' | 'reading'>

  constructor(
    options: TrustOptions,
    now: () => Date,
    server: Pick<ServerConnection, 'ask' | 'reading'>,
  ) {
    this.#options = options
    this.#now = now
    this.#server = server
  }

  /**
   * @param asked - undefined: the one that signs now; its workload, if it says which it is
   * @throws RejectedError `SIGNER_REFUSED`
   * @throws UnavailableError `ATTESTATION_UNKNOWN`, `COLLATERAL_ABSENT`, and what the server says
   */
  async signer(
    asked: Pick<Proof, 'signer' | 'workloadId'> | undefined,
    signal?: AbortSignal,
  ): Promise<TrustedSigner> {
    return (await this.#find(asked, signal)).signer
  }

  /** The key for private inputs, of a signer that is trusted. @throws as `signer`; `PRIVATE_…` */
  async privateInputKey(signal?: AbortSignal): Promise<PrivateInputKey> {
    const { signer, answer } = await this.#find(undefined, signal)
    const { privateInputs } = answer
    if (privateInputs === undefined) throw new UnavailableError('PRIVATE_INPUTS_OFF', {})
    const statement = await this.#server.reading(() => parsePrivateInputStatement(privateInputs))
    return verifyPrivateInputStatement(statement, signer.address, this.#now().getTime() / 1000)
  }

  async #find(
    asked: Pick<Proof, 'signer' | 'workloadId'> | undefined,
    signal: AbortSignal | undefined,
  ) {
    const { ask, reading } = this.#server
    const query = asked === undefined ? '' : `?signer=${asked.signer}`
    const answer = Object(await ask('GET', `/v1/attestation${query}`, { signal })) as Record<
      string,
      unknown
    >
    const { attestation, evidence } = await reading(() => {
      const attestation = parseAttestation(encodeJson(answer))
      return { attestation, evidence: parseEvidence(attestation, this.#options) }
    })
    const address = asked?.signer ?? addressOf(answer.address)
    const { verdict, collateral } = await judgeEvidence(address, evidence, {
      ...this.#options,
      now: this.#now(),
      ...(asked?.workloadId !== undefined && { workloadId: asked.workloadId }),
    })
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
  return new RejectedError('SIGNER_REFUSED', { signer, reason: serverText(reason) })
}

function encodeJson(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
