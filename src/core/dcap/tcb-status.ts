/**
 * The statuses that Intel gives, spelled as Intel spells them, and how several become one.
 *
 * Source: intel/confidential-computing.tee.dcap.qvl, Verifiers/Checks/EvaluateTcb.cpp
 * (convergeTcbStatuses) and TDRelaunchCheck.cpp.
 */

/** Of a platform, in TCB info. */
export const PLATFORM_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const
/** Of a TDX module, in TCB info. */
export const MODULE_STATUSES = ['UpToDate', 'OutOfDate', 'Revoked'] as const
/** Of a quoting enclave, in its identity. */
export const QE_STATUSES = [
  'UpToDate',
  'ConfigurationNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const
/** Of a quote. */
export const TCB_STATUSES = [
  ...PLATFORM_STATUSES,
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

export type PlatformStatus = (typeof PLATFORM_STATUSES)[number]
export type ModuleStatus = (typeof MODULE_STATUSES)[number]
export type QeStatus = (typeof QE_STATUSES)[number]
export type TcbStatus = (typeof TCB_STATUSES)[number]

/** What a platform's status becomes if its QE or TDX module is out of date. */
const WITH_OUT_OF_DATE_PART: Readonly<Record<PlatformStatus, PlatformStatus>> = {
  UpToDate: 'OutOfDate',
  SWHardeningNeeded: 'OutOfDate',
  ConfigurationNeeded: 'OutOfDateConfigurationNeeded',
  ConfigurationAndSWHardeningNeeded: 'OutOfDateConfigurationNeeded',
  OutOfDate: 'OutOfDate',
  OutOfDateConfigurationNeeded: 'OutOfDateConfigurationNeeded',
  Revoked: 'Revoked',
}

export function convergeStatuses(
  platform: PlatformStatus,
  parts: readonly (ModuleStatus | QeStatus)[],
): PlatformStatus {
  if (parts.includes('Revoked')) return 'Revoked'
  return parts.includes('OutOfDate') ? WITH_OUT_OF_DATE_PART[platform] : platform
}

/**
 * What a TD has that was launched under another TDX module than the one that runs now: if only the
 * launch was out of date, launching it again is all that is needed. If only what runs now is out of
 * date, that counts (where Intel's library gives the status of the launch: modules should not go back).
 */
export function considerRelaunch(launch: PlatformStatus, current: PlatformStatus): TcbStatus {
  if (current === 'Revoked') return current
  if (isOutOfDate(current)) return isOutOfDate(launch) ? launch : current
  if (!isOutOfDate(launch)) return launch
  return needsConfiguration(launch) || needsConfiguration(current)
    ? 'TDRelaunchAdvisedConfigurationNeeded'
    : 'TDRelaunchAdvised'
}

function isOutOfDate(status: PlatformStatus): boolean {
  return status === 'OutOfDate' || status === 'OutOfDateConfigurationNeeded'
}

function needsConfiguration(status: PlatformStatus): boolean {
  return (
    status === 'ConfigurationNeeded' ||
    status === 'ConfigurationAndSWHardeningNeeded' ||
    status === 'OutOfDateConfigurationNeeded'
  )
}
