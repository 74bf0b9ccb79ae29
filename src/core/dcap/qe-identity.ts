/**
 * The identity of a quoting enclave (QE): which enclave may vouch for attestation keys, by Intel.
 *
 * Source: Intel PCS API version 4, "Get QE Identity".
 */
import { JsonFields } from './json-fields.js'
import { type IsvLevel, parseIsvLevels } from './tcb-info.js'
import { QE_STATUSES, type QeStatus } from './tcb-status.js'

const DOCUMENT = 'qe_identity'
const VERSION = 2
const MAX_U16 = 65_535
const MAX_EVALUATION_NUMBER = 2 ** 32 - 1

export interface QeIdentity {
  /** `QE` vouches for keys of SGX quotes, `TD_QE` for those of TDX. */
  readonly id: 'QE' | 'TD_QE'
  readonly issueDate: Date
  readonly nextUpdate: Date
  readonly evaluationNumber: number
  /** 4 bytes each. */
  readonly miscSelect: Uint8Array
  readonly miscSelectMask: Uint8Array
  /** 16 bytes each. */
  readonly attributes: Uint8Array
  readonly attributesMask: Uint8Array
  /** 32 bytes. */
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  /** Highest first. */
  readonly levels: readonly IsvLevel<QeStatus>[]
}

/** @throws InputError `COLLATERAL_MALFORMED` */
export function parseQeIdentity(text: string): QeIdentity {
  const fields = JsonFields.parse(DOCUMENT, text)
  const id = fields.choice('id', ['QE', 'TD_QE'])
  if (fields.unsigned('version', VERSION) !== VERSION) {
    throw fields.malformed('version', `is not ${VERSION}`)
  }
  return {
    id,
    issueDate: fields.date('issueDate'),
    nextUpdate: fields.date('nextUpdate'),
    evaluationNumber: fields.unsigned('tcbEvaluationDataNumber', MAX_EVALUATION_NUMBER),
    miscSelect: fields.hex('miscselect', 4),
    miscSelectMask: fields.hex('miscselectMask', 4),
    attributes: fields.hex('attributes', 16),
    attributesMask: fields.hex('attributesMask', 16),
    mrSigner: fields.hex('mrsigner', 32),
    isvProdId: fields.unsigned('isvprodid', MAX_U16),
    levels: parseIsvLevels(fields, QE_STATUSES),
  }
}
