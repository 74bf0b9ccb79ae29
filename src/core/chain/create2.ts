/**
 * Contracts at addresses that follow from their code and arguments alone, by the deterministic
 * deployer that nearly every chain has.
 *
 * Source: EIP-1014; Arachnid/deterministic-deployment-proxy (input: salt ‖ creation code).
 */
import type { Abi } from 'viem'
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { asking, type Chain } from './client.js'
import type { GasPayer } from './gas-payer.js'
import type { Fees } from './transactions.js'
import { writeData } from './write.js'

export const DETERMINISTIC_DEPLOYER: Hex = '0x4e59b44847b379578588920ca78fbf26c0b4956c'

export interface PlannedContract {
  /** What it is, for people. */
  readonly what: string
  readonly address: Hex
  readonly salt: Hex
  readonly creationCode: Hex
}

/** @param salt - 32 bytes; another one gives other addresses. */
export function planContract(
  { viem }: Chain,
  salt: Hex,
  {
    what,
    abi,
    bytecode,
    args,
  }: { what: string; abi: Abi; bytecode: Hex; args: readonly unknown[] },
): PlannedContract {
  const creationCode = viem.encodeDeployData({ abi, bytecode, args })
  const from = DETERMINISTIC_DEPLOYER
  const address = viem.getCreate2Address({ from, salt, bytecode: creationCode })
  return { what, address: address.toLowerCase() as Hex, salt, creationCode }
}

export async function isDeployed(chain: Chain, { address }: PlannedContract): Promise<boolean> {
  const code = await asking(chain, 'eth_getCode', () => chain.client.getCode({ address }))
  return code !== undefined && code !== '0x'
}

/**
 * @throws UnavailableError `DEPLOYER_MISSING`, `DEPLOYMENT_INCOMPLETE`, and as `writeData`
 */
export async function deployPlanned(
  chain: Chain,
  gasPayer: GasPayer,
  planned: PlannedContract,
  fees: Fees | undefined,
): Promise<void> {
  const { what, address, salt, creationCode } = planned
  const data = chain.viem.concat([salt, creationCode])
  const to = DETERMINISTIC_DEPLOYER
  await writeData(chain, gasPayer, `deployment of ${what}`, { to, data, fees })
  if (await isDeployed(chain, planned)) return
  throw new UnavailableError('DEPLOYMENT_INCOMPLETE', { contract: what, address })
}

/** @throws UnavailableError `DEPLOYER_MISSING` */
export async function requireDeployer(chain: Chain): Promise<void> {
  const address = DETERMINISTIC_DEPLOYER
  const code = await asking(chain, 'eth_getCode', () => chain.client.getCode({ address }))
  if (code !== undefined && code !== '0x') return
  throw new UnavailableError('DEPLOYER_MISSING', { address, chainId: chain.chainId })
}
