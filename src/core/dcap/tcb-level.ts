/**
 * Which of Intel's levels a platform, its TDX module and its quoting enclave reach, and what that
 * makes of the quote's status.
 *
 * Source: intel/confidential-computing.tee.dcap.qvl, Verifiers/Checks/EvaluateTcb.cpp,
 * TdxModuleCheck.cpp and TcbLevelCheck.cpp.
 */
import { RejectedError } from '../errors.js'
import type { PckPlatform } from './pck-extension.js'
import type { IsvLevel, Level, PlatformLevel, TcbInfo, TdxModuleIdentity } from './tcb-info.js'
import {
  considerRelaunch,
  convergeStatuses,
  type ModuleStatus,
  type PlatformStatus,
  type QeStatus,
  type TcbStatus,
} from './tcb-status.js'

/** TEE_TCB_SVN: the TDX module's minor and major version; the loader and others follow. */
const MODULE_MINOR = 0
const MODULE_MAJOR = 1
const FIRST_SVN_AFTER_MODULE = 2

/** What was reached, part by part. */
export interface TcbLevels {
  readonly platform: PlatformLevel
  readonly qe: IsvLevel<QeStatus>
  /** Modules with a major version only; TDX 1.0's is among the platform's components. */
  readonly module?: IsvLevel<ModuleStatus>
}

export interface TcbOutcome {
  readonly status: TcbStatus
  /** The oldest among the parts'. */
  readonly tcbDate: Date
  /** Each once: the platform's, then its module's, then its quoting enclave's. */
  readonly advisoryIds: readonly string[]
}

/** @throws RejectedError `TCB_LEVEL_MISSING` the platform is below everything Intel lists */
export function matchPlatformLevel(
  tcbInfo: TcbInfo,
  platform: PckPlatform,
  teeTcbSvn: Uint8Array | undefined,
): PlatformLevel {
  const { levels } = tcbInfo
  const level = levels.find((row) => platformGap(row, platform, teeTcbSvn).length === 0)
  if (level !== undefined) return level
  const short = platformGap(levels.at(-1), platform, teeTcbSvn)
  throw new RejectedError('TCB_LEVEL_MISSING', { what: 'platform', short })
}

/** What would have to be higher for the platform to reach a level; nothing if it does. */
export function platformGap(
  level: PlatformLevel | undefined,
  { cpuSvn, pceSvn }: PckPlatform,
  teeTcbSvn: Uint8Array | undefined,
): string[] {
  if (level === undefined) return ['there is no level']
  return [
    ...shortfalls('CPU component', cpuSvn, level.cpuSvn, 0),
    ...shortfalls('PCE', [pceSvn], [level.pceSvn], 0),
    ...shortfalls('TDX component', [...(teeTcbSvn ?? [])], level.teeTcbSvn, firstSvn(teeTcbSvn)),
  ]
}

/** The same for a module or an enclave. */
export function isvGap(
  what: string,
  level: IsvLevel<string> | undefined,
  isvSvn: number,
): string[] {
  return shortfalls(`${what} SVN`, [isvSvn], [level?.isvSvn ?? 0], 0)
}

/** From major version 1 on, a module has levels of its own and is not among the components. */
function firstSvn(teeTcbSvn: Uint8Array | undefined): number {
  return (teeTcbSvn?.[MODULE_MAJOR] ?? 0) > 0 ? FIRST_SVN_AFTER_MODULE : 0
}

/** @throws RejectedError `TCB_LEVEL_MISSING` */
export function matchIsvLevel<Status extends string>(
  what: string,
  levels: readonly IsvLevel<Status>[],
  isvSvn: number,
): IsvLevel<Status> {
  const level = levels.find((candidate) => isvSvn >= candidate.isvSvn)
  if (level !== undefined) return level
  const short = levels.length === 0 ? ['there is no level'] : isvGap(what, levels.at(-1), isvSvn)
  throw new RejectedError('TCB_LEVEL_MISSING', { what, short })
}

/**
 * @returns undefined for a module without a major version, which has no identity of its own
 * @throws RejectedError `TDX_MODULE_MISMATCH` Intel lists no such module
 */
export function findModuleIdentity(
  { tdxModuleIdentities }: TcbInfo,
  teeTcbSvn: Uint8Array,
): TdxModuleIdentity | undefined {
  const major = teeTcbSvn[MODULE_MAJOR]!
  if (major === 0) return undefined
  const id = `TDX_${major.toString(16).padStart(2, '0').toUpperCase()}`
  const identity = tdxModuleIdentities.find((candidate) => candidate.id === id)
  if (identity !== undefined) return identity
  throw new RejectedError('TDX_MODULE_MISMATCH', { reason: `Intel lists no module ${id}` })
}

/** @throws RejectedError `TDX_MODULE_MISMATCH`, `TCB_LEVEL_MISSING` */
export function matchModuleLevel(
  tcbInfo: TcbInfo,
  teeTcbSvn: Uint8Array,
): IsvLevel<ModuleStatus> | undefined {
  const identity = findModuleIdentity(tcbInfo, teeTcbSvn)
  if (identity === undefined) return undefined
  return matchIsvLevel(`TDX module ${identity.id}`, identity.levels, teeTcbSvn[MODULE_MINOR]!)
}

/**
 * @param launch - what the TD was launched on.
 * @param current - what runs now, where the quote says it (TD 1.5).
 * @throws RejectedError `TCB_REVOKED`, whichever of the two it is
 */
export function decideOutcome(launch: TcbLevels, current: TcbLevels | undefined): TcbOutcome {
  const launched = convergedStatus(launch)
  const running = current === undefined ? launched : convergedStatus(current)
  for (const [when, status] of [
    ['at launch', launched],
    ['now', running],
  ] as const) {
    if (status === 'Revoked') throw new RejectedError('TCB_REVOKED', { when })
  }
  const status = considerRelaunch(launched, running)
  // What runs now is as much to be told if it is what decided.
  const isWorse = current !== undefined && status === running && status !== launched
  const parts = [...partsOf(launch), ...(isWorse ? partsOf(current) : [])]
  return {
    status,
    tcbDate: new Date(Math.min(...parts.map(({ tcbDate }) => tcbDate.getTime()))),
    advisoryIds: [...new Set(parts.flatMap(({ advisoryIds }) => advisoryIds))],
  }
}

function partsOf({ platform, module, qe }: TcbLevels): Level<string>[] {
  return module === undefined ? [platform, qe] : [platform, module, qe]
}

/** The SVNs that a level needs, without zeros at their ends; dots are not compared. */
export function describeLevel(level: PlatformLevel, teeTcbSvn: Uint8Array | undefined): string {
  const from = firstSvn(teeTcbSvn)
  const shown = (svns: readonly (number | string)[]) =>
    svns.slice(0, svns.findLastIndex((svn) => svn !== 0) + 1).join('.') || '0'
  const tdx = level.teeTcbSvn.map((svn, i) => (i < from ? '·' : svn))
  const parts = [`CPU ${shown(level.cpuSvn)}`, `PCE ${level.pceSvn}`]
  return [...parts, ...(tdx.length === 0 ? [] : [`TDX ${shown(tdx)}`])].join(', ')
}

function convergedStatus({ platform, module, qe }: TcbLevels): PlatformStatus {
  const parts = module === undefined ? [qe.status] : [module.status, qe.status]
  return convergeStatuses(platform.status, parts)
}

function shortfalls(
  name: string,
  have: readonly number[],
  need: readonly number[],
  from: number,
): string[] {
  const isSingle = need.length === 1
  return need.flatMap((svn, i) => {
    const own = have[i] ?? 0
    if (i < from || own >= svn) return []
    return [`${isSingle ? name : `${name} ${i + 1}`} is ${own} and needs ${svn}`]
  })
}
