/**
 * Whether fetched collateral is older than what was fetched before. Every part of it is signed, and
 * an old part stays good until it expires: a server could hide a revocation by going back to it. CRLs
 * are numbered, and so are Intel's evaluations.
 */
import type { Collateral } from './collateral.js'
import { isSignedBy } from './primitives.js'

export interface Rollback {
  /** `PCK CRL`, for people. */
  readonly what: string
  readonly kept: string
  readonly fetched: string
}

/**
 * What was kept counts only if whoever signed the fetched part signed it, too: so that nobody who
 * once gave us something forged keeps us from what is genuine.
 */
export function findRollback(kept: Collateral, fetched: Collateral): Rollback | undefined {
  const { tcbInfo, qeIdentity, pckCrlIssuerChain } = fetched
  const root = tcbInfo.issuerChain.at(-1)
  const rows = [
    ['root CRL', kept.rootCrl, fetched.rootCrl.number, kept.rootCrl.number, root],
    ['PCK CRL', kept.pckCrl, fetched.pckCrl.number, kept.pckCrl.number, pckCrlIssuerChain[0]],
    [
      'evaluation of TCB info',
      kept.tcbInfo,
      BigInt(tcbInfo.value.evaluationNumber),
      BigInt(kept.tcbInfo.value.evaluationNumber),
      tcbInfo.issuerChain[0],
    ],
    [
      'evaluation of QE identity',
      kept.qeIdentity,
      BigInt(qeIdentity.value.evaluationNumber),
      BigInt(kept.qeIdentity.value.evaluationNumber),
      qeIdentity.issuerChain[0],
    ],
  ] as const
  for (const [what, { signed, signature }, number, keptNumber, issuer] of rows) {
    if (number >= keptNumber || issuer === undefined) continue
    if (!isSignedBy(issuer.publicKey, signed, signature)) continue
    return { what, kept: String(keptNumber), fetched: String(number) }
  }
  return undefined
}
