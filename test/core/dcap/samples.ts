/** Simulated quotes with their collateral, by a fixed authority at a fixed time. */
import { openCollateral } from '../../../src/core/dcap/collateral.js'
import { parseTrustedRoot, type TrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import {
  checkQuote,
  type QuoteEvaluation,
  type VerifyQuoteOptions,
} from '../../../src/core/dcap/verify-quote.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import type { SimulatedOverrides } from '../../../src/core/tdx/simulated-authority.js'
import {
  createSimulatedCollateral,
  type SimulatedCollateral,
  type SimulatedCollateralOptions,
} from '../../../src/core/tdx/simulated-collateral.js'
import { AUTHORITY, NOW, REPORT_DATA } from '../tdx/samples.js'

export { AUTHORITY, NOW, REPORT_DATA }

export const ROOT: TrustedRoot = parseTrustedRoot(AUTHORITY.rootCertificate)

export function collateralOf(
  options: Partial<SimulatedCollateralOptions> = {},
): SimulatedCollateral {
  return createSimulatedCollateral(AUTHORITY, { now: NOW, ...options })
}

export interface Scene {
  readonly quote?: SimulatedOverrides
  readonly collateral?: Partial<SimulatedCollateralOptions>
  /** Documents in place of those that were made. */
  readonly documents?: Partial<SimulatedCollateral>
  /** The quote's bytes, once it is signed. */
  readonly change?: (quote: Uint8Array) => Uint8Array
  readonly now?: Date
  readonly root?: TrustedRoot
}

export function optionsOf({
  quote,
  collateral,
  documents = {},
  change = (bytes) => bytes,
  now = NOW,
  root = ROOT,
}: Scene = {}): VerifyQuoteOptions {
  return {
    quote: parseQuote(change(AUTHORITY.quote(REPORT_DATA, quote))),
    collateral: openCollateral({ ...collateralOf(collateral), ...documents }),
    now,
    root,
  }
}

export function evaluate(scene: Scene = {}): QuoteEvaluation {
  return checkQuote(optionsOf(scene))
}

/** Name and code of the checks that failed by themselves. */
export function failuresOf({ checks }: QuoteEvaluation): string[] {
  return checks.flatMap(({ name, code }) => (code === undefined ? [] : [`${name} ${code}`]))
}

export function svns(...values: number[]): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => values[i] ?? 0)
}
