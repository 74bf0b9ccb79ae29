/**
 * Collateral for simulated quotes, in the form of dcap-qvl: CRLs, TCB info and QE identity, signed
 * under the same made-up root, and good for 30 days.
 */
import { toHex } from '../bytes.js'
import { encodePemChain } from './pem.js'
import {
  SIMULATED_BODY,
  SIMULATED_PLATFORM,
  SIMULATED_QE_REPORT,
  type SimulatedAuthority,
} from './simulated-authority.js'
import { encodeCrl } from './simulated-certificates.js'

const MS_PER_DAY = 86_400_000
/** As Intel's: from the day before, so that a clock that is behind accepts it. */
const DAYS_BEFORE = 1
const DAYS_AFTER = 29
const EVALUATION_NUMBER = 1
const TCB_DATE = '2026-01-01T00:00:00Z'
const OLD_TCB_DATE = '2025-01-01T00:00:00Z'
/** No advisory of Intel's. */
const SIMULATED_ADVISORY = 'SIMULATED-SA-00001'

export type SimulatedCollateral = Readonly<
  Record<
    | 'pck_crl_issuer_chain'
    | 'root_ca_crl'
    | 'pck_crl'
    | 'tcb_info_issuer_chain'
    | 'tcb_info'
    | 'tcb_info_signature'
    | 'qe_identity_issuer_chain'
    | 'qe_identity'
    | 'qe_identity_signature',
    string
  >
>

type Revocable = 'pck' | 'platformCa' | 'tcbSigning' | 'root'

export interface SimulatedCollateralOptions {
  /** It is valid from the day before, for 30 days. */
  readonly now: Date
  /** Who is in the list of their issuer. */
  readonly revoked?: readonly Revocable[]
  /** Fields in place of the made-up ones, signed as they are. */
  readonly tcbInfo?: Readonly<Record<string, unknown>>
  readonly qeIdentity?: Readonly<Record<string, unknown>>
}

export function createSimulatedCollateral(
  authority: SimulatedAuthority,
  { now, revoked = [], tcbInfo = {}, qeIdentity = {} }: SimulatedCollateralOptions,
): SimulatedCollateral {
  const { root, platformCa, tcbSigning } = authority.issuers
  const thisUpdate = wholeDays(now, -DAYS_BEFORE)
  const nextUpdate = wholeDays(now, DAYS_AFTER)
  const validity = { issueDate: isoSeconds(thisUpdate), nextUpdate: isoSeconds(nextUpdate) }
  const crlOf = (issuer: typeof root, candidates: readonly Revocable[]) =>
    encodeCrl({
      issuer,
      thisUpdate,
      nextUpdate,
      revoked: candidates
        .filter((name) => revoked.includes(name))
        .map((name) => (name === 'pck' ? authority.pck : authority.issuers[name]))
        .map(({ commonName, key }) => ({ commonName, publicKey: key.publicKey })),
    })
  const statement = (fields: object) => {
    const text = JSON.stringify(fields)
    return { text, signature: bareHex(tcbSigning.key.sign(new TextEncoder().encode(text))) }
  }
  const info = statement({ ...TCB_INFO, ...validity, ...tcbInfo })
  const identity = statement({ ...QE_IDENTITY, ...validity, ...qeIdentity })
  const signingChain = encodePemChain(authority.tcbSigningChain)
  return {
    pck_crl_issuer_chain: encodePemChain(authority.certificateChain.slice(1)),
    root_ca_crl: bareHex(crlOf(root, ['root', 'platformCa', 'tcbSigning'])),
    pck_crl: bareHex(crlOf(platformCa, ['pck'])),
    tcb_info_issuer_chain: signingChain,
    tcb_info: info.text,
    tcb_info_signature: info.signature,
    qe_identity_issuer_chain: signingChain,
    qe_identity: identity.text,
    qe_identity_signature: identity.signature,
  }
}

function components(svns: Uint8Array) {
  return Array.from(svns, (svn) => ({ svn }))
}

/** The TDX components of a platform level; the module's own versions come first. */
function tdxComponents(loaderSvn: number) {
  const svns = new Uint8Array(16)
  svns.set([SIMULATED_BODY.teeTcbSvn[0]!, 0, loaderSvn])
  return components(svns)
}

const MODULE = {
  mrsigner: bareHex(SIMULATED_BODY.mrSignerSeam),
  attributes: bareHex(SIMULATED_BODY.seamAttributes),
  attributesMask: 'FF'.repeat(8),
}

/** One good level, and an old one below it. */
const TCB_INFO = {
  id: 'TDX',
  version: 3,
  fmspc: bareHex(SIMULATED_PLATFORM.fmspc),
  pceId: bareHex(SIMULATED_PLATFORM.pceId),
  tcbType: 0,
  tcbEvaluationDataNumber: EVALUATION_NUMBER,
  tdxModule: MODULE,
  tdxModuleIdentities: [
    {
      id: 'TDX_01',
      ...MODULE,
      tcbLevels: [
        { tcb: { isvsvn: 6 }, tcbDate: TCB_DATE, tcbStatus: 'UpToDate' },
        {
          tcb: { isvsvn: 4 },
          tcbDate: OLD_TCB_DATE,
          tcbStatus: 'OutOfDate',
          advisoryIDs: [SIMULATED_ADVISORY],
        },
      ],
    },
  ],
  tcbLevels: [
    {
      tcb: {
        sgxtcbcomponents: components(SIMULATED_PLATFORM.cpuSvn),
        pcesvn: SIMULATED_PLATFORM.pceSvn,
        tdxtcbcomponents: tdxComponents(4),
      },
      tcbDate: TCB_DATE,
      tcbStatus: 'UpToDate',
    },
    {
      tcb: {
        sgxtcbcomponents: components(SIMULATED_PLATFORM.cpuSvn),
        pcesvn: SIMULATED_PLATFORM.pceSvn,
        tdxtcbcomponents: tdxComponents(2),
      },
      tcbDate: OLD_TCB_DATE,
      tcbStatus: 'OutOfDate',
      advisoryIDs: [SIMULATED_ADVISORY],
    },
  ],
}

const QE_IDENTITY = {
  id: 'TD_QE',
  version: 2,
  tcbEvaluationDataNumber: EVALUATION_NUMBER,
  miscselect: '00000000',
  miscselectMask: 'FFFFFFFF',
  attributes: `11${'00'.repeat(15)}`,
  attributesMask: `FB${'FF'.repeat(7)}${'00'.repeat(8)}`,
  mrsigner: bareHex(SIMULATED_QE_REPORT.mrSigner),
  isvprodid: SIMULATED_QE_REPORT.isvProdId,
  tcbLevels: [
    {
      tcb: { isvsvn: SIMULATED_QE_REPORT.isvSvn },
      tcbDate: TCB_DATE,
      tcbStatus: 'UpToDate',
    },
  ],
}

function wholeDays(now: Date, days: number): Date {
  return new Date(Math.floor(now.getTime() / 1000) * 1000 + days * MS_PER_DAY)
}

function isoSeconds(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z')
}

function bareHex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}
