/**
 * Collateral from Automata's on-chain PCCS, by `eth_call`: the router says which contracts (DAOs) hold
 * it, and these give the documents as Intel signed them. A chain is as little believed as a server:
 * what comes is parsed here, and verification checks every signature.
 *
 * Source: automata-network/automata-dcap-attestation evm/contracts/PCCSRouter.sol,
 * automata-network/automata-on-chain-pccs src/interfaces. Called without a sender, which is on the
 * DAOs' list of readers.
 */
import { fromHex, type Hex } from '../bytes.js'
import { type Collateral, hexWithoutPrefix, openFetched } from '../dcap/collateral.js'
import type { CollateralKey } from '../dcap/collateral-key.js'
import { UnavailableError } from '../errors.js'
import { encodePemChain } from '../tdx/pem.js'
import { type Chain, readContract } from './client.js'

/** As the contracts number them. */
const CA = { root: 0, processor: 1, platform: 2, signing: 3 } as const
const TCB_ID = { sgx: 0, tdx: 1 } as const
const ENCLAVE_ID = { sgx: 0, tdx: 2 } as const
const TCB_INFO_VERSION = 3
/** Of Intel's API, by which identities are filed. */
const API_VERSION = 4
const NO_ADDRESS = /^0x0{40}$/

/** Which of Intel's evaluations: the newest that is a year old, the newest, or one by its number. */
export type TcbEvaluation = 'standard' | 'early' | number

export interface OnChainPccs {
  /** PCCSRouter. */
  readonly router: Hex
  /** Default: standard. */
  readonly evaluation?: TcbEvaluation
}

/**
 * @throws UnavailableError `PCCS_COLLATERAL_MISSING` nobody put it there; `CHAIN_REVERTED`,
 *   `CONTRACT_MISSING`, `RPC_…`; `PCS_ANSWER` it is no collateral
 */
export async function fetchOnChainCollateral(
  chain: Chain,
  { router, evaluation = 'standard' }: OnChainPccs,
  { tee, fmspc, ca }: CollateralKey,
): Promise<Collateral> {
  const source = `PCCS ${router} on chain ${chain.chainId}`
  const ask = (name: Functions, address: Hex, args: readonly unknown[] = []) =>
    readContract(chain, { what: 'the on-chain PCCS', address, abi: [ABI[name]] }, name, args)
  const missing = (what: string) =>
    new UnavailableError('PCCS_COLLATERAL_MISSING', { source, what })
  const daoOf = async (name: Functions, what: string, args: readonly unknown[] = []) => {
    const address = (await ask(name, router, args)) as Hex
    if (NO_ADDRESS.test(address)) throw missing(what)
    return address
  }
  const certificate = async (dao: Hex, id: keyof typeof CA) => {
    const [cert, crl] = (await ask('getCertificateById', dao, [CA[id]])) as [Hex, Hex]
    return { der: fromHex(cert), crl: fromHex(crl) }
  }

  const number = await evaluationNumber()
  const under = `under TCB evaluation ${number}`
  const pcsDao = await daoOf('pcsDaoAddr', 'certificates')
  const tcbDao = await daoOf('fmspcTcbDaoVersionedAddr', `TCB info ${under}`, [number])
  const identityDao = await daoOf('qeIdDaoVersionedAddr', `QE identity ${under}`, [number])
  const tcbArgs = [TCB_ID[tee], fmspc, TCB_INFO_VERSION]
  const info = (await ask('getTcbInfo', tcbDao, tcbArgs)) as TcbInfoObject
  if (info.tcbInfoStr === '') throw missing(`TCB info of FMSPC ${fmspc} ${under}`)
  const identityArgs = [ENCLAVE_ID[tee], API_VERSION]
  const identity = (await ask('getEnclaveIdentity', identityDao, identityArgs)) as IdentityObject
  if (identity.identityStr === '') throw missing(`QE identity ${under}`)
  const root = await certificate(pcsDao, 'root')
  const pckCa = await certificate(pcsDao, ca)
  const signing = await certificate(pcsDao, 'signing')
  for (const [crl, of] of [
    [root.crl, 'the root'],
    [pckCa.crl, `the ${ca} CA`],
  ] as const) {
    if (crl.length === 0) throw missing(`CRL of ${of}`)
  }

  const signingChain = encodePemChain([signing.der, root.der])
  const documents = {
    pck_crl_issuer_chain: encodePemChain([pckCa.der, root.der]),
    root_ca_crl: hexWithoutPrefix(root.crl),
    pck_crl: hexWithoutPrefix(pckCa.crl),
    tcb_info_issuer_chain: signingChain,
    tcb_info: info.tcbInfoStr,
    tcb_info_signature: info.signature.slice(2),
    qe_identity_issuer_chain: signingChain,
    qe_identity: identity.identityStr,
    qe_identity_signature: identity.signature.slice(2),
  }
  return openFetched(documents, source)

  async function evaluationNumber(): Promise<number> {
    if (typeof evaluation === 'number') return evaluation
    const name = evaluation === 'early' ? 'getEarly' : 'getStandard'
    const id = [TCB_ID[tee]]
    return Number(await ask(`${name}TcbEvaluationDataNumber`, router, id))
  }
}

interface TcbInfoObject {
  readonly tcbInfoStr: string
  readonly signature: Hex
}

interface IdentityObject {
  readonly identityStr: string
  readonly signature: Hex
}

type Functions = keyof typeof ABI
const ABI = {
  pcsDaoAddr: view('pcsDaoAddr', [], ['address']),
  getStandardTcbEvaluationDataNumber: view(
    'getStandardTcbEvaluationDataNumber',
    ['uint8'],
    ['uint32'],
  ),
  getEarlyTcbEvaluationDataNumber: view('getEarlyTcbEvaluationDataNumber', ['uint8'], ['uint32']),
  fmspcTcbDaoVersionedAddr: view('fmspcTcbDaoVersionedAddr', ['uint32'], ['address']),
  qeIdDaoVersionedAddr: view('qeIdDaoVersionedAddr', ['uint32'], ['address']),
  getCertificateById: view('getCertificateById', ['uint8'], ['bytes', 'bytes']),
  getTcbInfo: view('getTcbInfo', ['uint256', 'string', 'uint256'], [signedText('tcbInfoStr')]),
  getEnclaveIdentity: view(
    'getEnclaveIdentity',
    ['uint256', 'uint256'],
    [signedText('identityStr')],
  ),
} as const

interface Parameter {
  readonly name: string
  readonly type: string
  readonly components?: readonly Parameter[]
}

function view(
  name: string,
  inputs: readonly string[],
  outputs: readonly (string | Omit<Parameter, 'name'>)[],
) {
  const named = (parameter: string | Omit<Parameter, 'name'>): Parameter =>
    typeof parameter === 'string' ? { name: '', type: parameter } : { name: '', ...parameter }
  const stateMutability = 'view' as const
  return {
    ...{ type: 'function' as const, name, stateMutability },
    ...{ inputs: inputs.map(named), outputs: outputs.map(named) },
  }
}

function signedText(name: string): Omit<Parameter, 'name'> {
  const components = [
    { name, type: 'string' },
    { name: 'signature', type: 'bytes' },
  ]
  return { type: 'tuple', components }
}
