import { describe, expect, it } from 'vitest'
import {
  considerRelaunch,
  convergeStatuses,
  PLATFORM_STATUSES,
  type PlatformStatus,
} from '../../../src/core/dcap/tcb-status.js'

describe('convergence', () => {
  /** As in Intel's EvaluateTcb.cpp: what an out-of-date part makes of each platform's status. */
  const OUT_OF_DATE: Readonly<Record<PlatformStatus, PlatformStatus>> = {
    UpToDate: 'OutOfDate',
    SWHardeningNeeded: 'OutOfDate',
    ConfigurationNeeded: 'OutOfDateConfigurationNeeded',
    ConfigurationAndSWHardeningNeeded: 'OutOfDateConfigurationNeeded',
    OutOfDate: 'OutOfDate',
    OutOfDateConfigurationNeeded: 'OutOfDateConfigurationNeeded',
    Revoked: 'Revoked',
  }
  it.each(PLATFORM_STATUSES)('of %s', (status) => {
    expect(convergeStatuses(status, ['UpToDate', 'UpToDate'])).toBe(status)
    expect(convergeStatuses(status, ['UpToDate', 'OutOfDate'])).toBe(OUT_OF_DATE[status])
    expect(convergeStatuses(status, ['OutOfDate'])).toBe(OUT_OF_DATE[status])
    expect(convergeStatuses(status, ['OutOfDate', 'Revoked'])).toBe('Revoked')
    // Of the QE's other statuses Intel's library makes nothing.
    expect(convergeStatuses(status, ['ConfigurationNeeded'])).toBe(status)
  })
})

describe('relaunch', () => {
  it.each([
    ['OutOfDate', 'UpToDate', 'TDRelaunchAdvised'],
    ['OutOfDate', 'SWHardeningNeeded', 'TDRelaunchAdvised'],
    ['OutOfDate', 'ConfigurationNeeded', 'TDRelaunchAdvisedConfigurationNeeded'],
    ['OutOfDate', 'ConfigurationAndSWHardeningNeeded', 'TDRelaunchAdvisedConfigurationNeeded'],
    ['OutOfDateConfigurationNeeded', 'UpToDate', 'TDRelaunchAdvisedConfigurationNeeded'],
    ['OutOfDate', 'OutOfDate', 'OutOfDate'],
    ['OutOfDate', 'OutOfDateConfigurationNeeded', 'OutOfDate'],
    ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['OutOfDate', 'Revoked', 'Revoked'],
    // Where Intel's library says what the launch was.
    ['UpToDate', 'OutOfDate', 'OutOfDate'],
    ['SWHardeningNeeded', 'OutOfDateConfigurationNeeded', 'OutOfDateConfigurationNeeded'],
    ['ConfigurationNeeded', 'UpToDate', 'ConfigurationNeeded'],
  ] as const)('of %s, now %s: %s', (launch, current, expected) => {
    expect(considerRelaunch(launch, current)).toBe(expected)
  })
})
