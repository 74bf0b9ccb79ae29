/**
 * Ways in which a simulated platform can be wrong, or other than usual, by name: for tests of
 * verifiers and policies, ours and others'.
 */

import { TD15_BODY_TYPE } from './quote-layouts.js'
import type { SimulatedOverrides } from './simulated-authority.js'
import type { SimulatedCollateralOptions } from './simulated-collateral.js'

interface Switch {
  readonly summary: string
  readonly quote?: SimulatedOverrides
  readonly collateral?: Partial<SimulatedCollateralOptions>
  /** The collateral is of so many days ago. */
  readonly collateralAgeDays?: number
}

const MS_PER_DAY = 86_400_000
/** Longer than collateral is good for. */
const EXPIRED_DAYS = 60

export const SIMULATED_SWITCHES = {
  v5: { summary: 'version 5 with a TD 1.5 body', quote: { body: { bodyType: TD15_BODY_TYPE } } },
  debug: {
    summary: 'a TD that its host can debug',
    quote: { body: { tdAttributes: Uint8Array.of(0x01, 0, 0, 0x10, 0, 0, 0, 0) } },
  },
  'old-tcb': {
    summary: 'a TDX module and loader that are out of date',
    quote: { body: { teeTcbSvn: svns(4, 1, 2) } },
  },
  'revoked-pck': {
    summary: "the platform's certificate is revoked",
    collateral: { revoked: ['pck'] },
  },
  'expired-collateral': {
    summary: 'collateral of two months ago',
    collateralAgeDays: EXPIRED_DAYS,
  },
  'wrong-qe': {
    summary: 'another quoting enclave than the identity names',
    quote: { qeReport: { mrSigner: new Uint8Array(32).fill(0x66) } },
  },
} as const satisfies Record<string, Switch>

export type SimulatedSwitch = keyof typeof SIMULATED_SWITCHES

export const SIMULATED_SWITCH_NAMES = Object.keys(SIMULATED_SWITCHES) as SimulatedSwitch[]

/** What the switches that are on change in a quote. */
export function quoteOverrides(switches: readonly SimulatedSwitch[]): SimulatedOverrides {
  const all = rowsOf(switches).map(({ quote = {} }) => quote)
  return {
    body: Object.assign({}, ...all.map(({ body }) => body)),
    qeReport: Object.assign({}, ...all.map(({ qeReport }) => qeReport)),
  }
}

/** What they change in the collateral. */
export function collateralOptions(
  switches: readonly SimulatedSwitch[],
  now: Date,
): SimulatedCollateralOptions {
  const rows = rowsOf(switches)
  const ageDays = Math.max(0, ...rows.map(({ collateralAgeDays = 0 }) => collateralAgeDays))
  return {
    ...Object.assign({}, ...rows.map(({ collateral }) => collateral)),
    now: new Date(now.getTime() - ageDays * MS_PER_DAY),
  }
}

function rowsOf(switches: readonly SimulatedSwitch[]): Switch[] {
  return switches.map((name) => SIMULATED_SWITCHES[name])
}

function svns(...values: readonly number[]): Uint8Array {
  const filled = new Uint8Array(16)
  filled.set(values)
  return filled
}
