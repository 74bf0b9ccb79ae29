/**
 * TCB info: which security versions of a platform's components and of TDX modules are good, by
 * Intel, for one FMSPC. Version 3, of SGX or TDX.
 *
 * Source: Intel PCS API version 4, "Get TCB Info".
 */
import { JsonFields } from './json-fields.js'
import {
  MODULE_STATUSES,
  type ModuleStatus,
  PLATFORM_STATUSES,
  type PlatformStatus,
} from './tcb-status.js'

const DOCUMENT = 'tcb_info'
const VERSION = 3
const COMPONENTS = 16
const MAX_SVN = 255
const MAX_PCE_SVN = 65_535
const MAX_EVALUATION_NUMBER = 2 ** 32 - 1
/** Advisory ids, `INTEL-SA-00837`: letters that are safe to print. */
export const ADVISORY_ID = /^[A-Z0-9-]{1,40}$/

/** What a level says of who reaches it. */
export interface Level<Status extends string> {
  readonly status: Status
  readonly tcbDate: Date
  readonly advisoryIds: readonly string[]
}

export interface PlatformLevel extends Level<PlatformStatus> {
  /** Lowest SVNs of the 16 components. */
  readonly cpuSvn: readonly number[]
  readonly pceSvn: number
  /** Of the TDX module and its loader; empty for SGX. */
  readonly teeTcbSvn: readonly number[]
}

export interface IsvLevel<Status extends string> extends Level<Status> {
  readonly isvSvn: number
}

export interface TdxModule {
  /** 48 bytes. */
  readonly mrSigner: Uint8Array
  /** 8 bytes. */
  readonly attributes: Uint8Array
}

export interface TdxModuleIdentity extends TdxModule {
  /** `TDX_01`, upper case: by the module's major version. */
  readonly id: string
  readonly levels: readonly IsvLevel<ModuleStatus>[]
}

export interface TcbInfo {
  readonly id: 'SGX' | 'TDX'
  readonly issueDate: Date
  readonly nextUpdate: Date
  /** 6 bytes. */
  readonly fmspc: Uint8Array
  /** 2 bytes. */
  readonly pceId: Uint8Array
  readonly evaluationNumber: number
  /** Highest first. */
  readonly levels: readonly PlatformLevel[]
  /** TDX only. */
  readonly tdxModule?: TdxModule
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[]
}

/** @throws InputError `COLLATERAL_MALFORMED` */
export function parseTcbInfo(text: string): TcbInfo {
  const fields = JsonFields.parse(DOCUMENT, text)
  const id = fields.choice('id', ['SGX', 'TDX'])
  if (fields.unsigned('version', VERSION) !== VERSION) {
    throw fields.malformed('version', `is not ${VERSION}`)
  }
  // The only way of comparing levels there is.
  if (fields.unsigned('tcbType', 0) !== 0) throw fields.malformed('tcbType', 'is not 0')
  const isTdx = id === 'TDX'
  return {
    id,
    issueDate: fields.date('issueDate'),
    nextUpdate: fields.date('nextUpdate'),
    fmspc: fields.hex('fmspc', 6),
    pceId: fields.hex('pceId', 2),
    evaluationNumber: fields.unsigned('tcbEvaluationDataNumber', MAX_EVALUATION_NUMBER),
    levels: fields
      .objects('tcbLevels')
      .map((level) => parsePlatformLevel(level, isTdx))
      .sort(byPlatformSvns),
    ...(isTdx && { tdxModule: parseModule(fields.object('tdxModule')) }),
    tdxModuleIdentities:
      isTdx && fields.has('tdxModuleIdentities')
        ? fields.objects('tdxModuleIdentities').map(parseModuleIdentity)
        : [],
  }
}

/** Levels by their enclave's SVN, as modules and quoting enclaves have them; highest first. */
export function parseIsvLevels<const Status extends string>(
  fields: JsonFields,
  statuses: readonly Status[],
): IsvLevel<Status>[] {
  return fields
    .objects('tcbLevels')
    .map((level) => ({
      isvSvn: level.object('tcb').unsigned('isvsvn', MAX_PCE_SVN),
      ...parseLevel(level, statuses),
    }))
    .sort((a, b) => b.isvSvn - a.isvSvn || b.tcbDate.getTime() - a.tcbDate.getTime())
}

function parseLevel<const Status extends string>(
  fields: JsonFields,
  statuses: readonly Status[],
): Level<Status> {
  return {
    status: fields.choice('tcbStatus', statuses),
    tcbDate: fields.date('tcbDate'),
    advisoryIds: fields.texts('advisoryIDs', ADVISORY_ID),
  }
}

function parsePlatformLevel(fields: JsonFields, isTdx: boolean): PlatformLevel {
  const tcb = fields.object('tcb')
  const svnsOf = (name: string) =>
    tcb.objects(name, COMPONENTS).map((component) => component.unsigned('svn', MAX_SVN))
  return {
    cpuSvn: svnsOf('sgxtcbcomponents'),
    pceSvn: tcb.unsigned('pcesvn', MAX_PCE_SVN),
    teeTcbSvn: isTdx ? svnsOf('tdxtcbcomponents') : [],
    ...parseLevel(fields, PLATFORM_STATUSES),
  }
}

function parseModule(fields: JsonFields): TdxModule {
  // The mask is not applied: a module's attributes are all zero, or it is refused.
  fields.hex('attributesMask', 8)
  return { mrSigner: fields.hex('mrsigner', 48), attributes: fields.hex('attributes', 8) }
}

function parseModuleIdentity(fields: JsonFields): TdxModuleIdentity {
  const id = fields.text('id').toUpperCase()
  return { id, ...parseModule(fields), levels: parseIsvLevels(fields, MODULE_STATUSES) }
}

/**
 * In the order of Intel's library (AttestationParsers Json/TcbLevel.cpp, operator>), whatever the
 * order in the document: components of the CPU, then PCESVN, then those of TDX.
 */
function byPlatformSvns(a: PlatformLevel, b: PlatformLevel): number {
  return (
    compareSvns(b.cpuSvn, a.cpuSvn) || b.pceSvn - a.pceSvn || compareSvns(b.teeTcbSvn, a.teeTcbSvn)
  )
}

function compareSvns(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((svn, i) => svn !== b[i])
  return first === -1 ? 0 : a[first]! - b[first]!
}
