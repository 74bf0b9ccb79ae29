/** What stands behind a signer: the attestation it was registered with, as a client can judge it. */
import { fromHex, type Hex, toHex } from '../bytes.js'
import type { AttestedRegistration, Registration } from '../chain/registration.js'
import { computeWorkloadId } from '../policy/workload.js'
import type { Attestation } from '../signer/attestation.js'
import type { QuoteProvider } from '../tdx/provider.js'
import { parseTdQuote } from '../tdx/quote.js'

const MEASUREMENTS = [
  'mrtd',
  'rtmr0',
  'rtmr1',
  'rtmr2',
  'rtmr3',
  'mrConfigId',
  'xfam',
  'tdAttributes',
] as const

/** With what people want to see of it. Only the quote counts; the rest repeats what is in it. */
export interface SignerAttestation extends Attestation {
  readonly provider: string
  readonly simulated: boolean
  readonly workloadId: Hex
  readonly measurements: Readonly<Record<(typeof MEASUREMENTS)[number], Hex>>
}

export interface SignerRegistration extends Registration {
  readonly attestation?: SignerAttestation
}

/** What GET /v1/attestation answers. */
export interface AttestationAnswer extends SignerAttestation {
  readonly address: Hex
  readonly expiresAt: number
}

export function describeRegistration(
  { attestation, ...registration }: AttestedRegistration,
  provider: Pick<QuoteProvider, 'name' | 'simulated'>,
): SignerRegistration {
  if (attestation === undefined) return registration
  return { ...registration, attestation: describeAttestation(attestation, provider) }
}

export function describeAttestation(
  attestation: Attestation,
  { name, simulated }: Pick<QuoteProvider, 'name' | 'simulated'>,
): SignerAttestation {
  const { body } = parseTdQuote(fromHex(attestation.quote))
  const values = MEASUREMENTS.map((field) => [field, toHex(body[field])])
  return {
    ...attestation,
    provider: name,
    simulated,
    workloadId: computeWorkloadId(body),
    measurements: Object.fromEntries(values) as SignerAttestation['measurements'],
  }
}
