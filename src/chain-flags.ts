/** Flags of the commands that talk to a chain, with Foundry's names, and what they mean. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { hexFlag, invalidFlag } from './base-command.js'
import {
  type Chain,
  connectChain,
  createGasPayer,
  DEFAULT_RPC_TIMEOUT_MS,
  DEFAULT_TX_TIMEOUT_MS,
  type Fees,
  fromHex,
  type GasPayer,
  type Hex,
  isHex,
  openKeystore,
  PRESET_NAMES,
  PRESETS,
  type PresetName,
  parseDeployment,
} from './core/index.js'
import { readInput } from './files.js'

const ADDRESS_BYTES = 20
const WEI_PER_GWEI = 1_000_000_000n

/** Which chain, and how it is reached. */
export const connectionFlags = {
  'rpc-url': Flags.string({
    description: 'RPC of the chain',
    env: 'ETH_RPC_URL',
    helpValue: 'URL',
  }),
  chain: Flags.integer({
    description: 'id the chain must have',
    env: 'CHAIN',
    helpValue: 'ID',
    min: 1,
  }),
  'rpc-timeout': Flags.integer({
    description: 'seconds to wait for the RPC',
    env: 'ETH_RPC_TIMEOUT',
    helpValue: 'SECONDS',
    min: 1,
    max: 3600,
    default: DEFAULT_RPC_TIMEOUT_MS / 1000,
  }),
}

export const rpcFlags = {
  preset: Flags.option({
    description: 'a known deployment: its chain, registry and MultiProof',
    options: PRESET_NAMES,
    env: 'SP1_TEE_PRESET',
  })(),
  deployment: Flags.string({
    description: 'a file that `deploy` wrote: its chain, registry and MultiProof',
    env: 'SP1_TEE_DEPLOYMENT',
    helpValue: 'FILE',
    exclusive: ['preset'],
  }),
  ...connectionFlags,
}

export const payerFlags = {
  confirmations: Flags.integer({
    description: 'blocks a transaction must be deep; default: 1 on chain 31337, else 2',
    env: 'SP1_TEE_CONFIRMATIONS',
    min: 1,
    max: 1000,
  }),
  'private-key': Flags.string({
    description: "the gas payer's key; discouraged, others on the machine can see it",
    helpValue: '0xHEX',
    exclusive: ['keystore', 'account'],
  }),
  keystore: Flags.string({
    description: "the gas payer's keystore file",
    env: 'ETH_KEYSTORE',
    helpValue: 'FILE',
    exclusive: ['account'],
  }),
  account: Flags.string({
    description: "name of the gas payer's keystore in ~/.foundry/keystores",
    env: 'ETH_KEYSTORE_ACCOUNT',
    helpValue: 'NAME',
  }),
  'password-file': Flags.string({
    description: "file with the keystore's password",
    env: 'ETH_PASSWORD',
    helpValue: 'FILE',
  }),
  'gas-limit': Flags.integer({
    description: 'gas of a transaction; default: estimated',
    env: 'ETH_GAS_LIMIT',
    min: 21_000,
  }),
  'gas-price': Flags.string({
    description: 'most to pay for a unit of gas, in wei or with gwei; default: estimated',
    env: 'ETH_GAS_PRICE',
    helpValue: 'WEI|Ngwei',
  }),
  'priority-gas-price': Flags.string({
    description: 'most of that to give to the block’s builder; default: estimated',
    env: 'ETH_PRIORITY_GAS_PRICE',
    helpValue: 'WEI|Ngwei',
  }),
  'tx-timeout': Flags.integer({
    description:
      'seconds to wait for a transaction; meanwhile it is sent again, for more if need be',
    env: 'SP1_TEE_TX_TIMEOUT',
    helpValue: 'SECONDS',
    min: 1,
    max: 86_400,
    default: DEFAULT_TX_TIMEOUT_MS / 1000,
  }),
}

interface KnownFlagValues {
  readonly preset?: PresetName | undefined
  readonly deployment?: string | undefined
}

/** What a file of `deploy` or a preset says; nothing if neither is given. */
export async function knownContracts({ preset, deployment }: KnownFlagValues): Promise<{
  readonly chainId?: number
  readonly registry?: Hex
  readonly multiProof?: Hex
}> {
  if (deployment !== undefined) return parseDeployment(await readInput(deployment), deployment)
  return preset === undefined ? {} : PRESETS[preset]
}

/** The registry that is named, or that belongs to the deployment that is; its text is not checked. */
export async function findRegistry(
  flags: KnownFlagValues & { readonly registry?: string | undefined },
): Promise<string | undefined> {
  return flags.registry ?? (await knownContracts(flags)).registry
}

export interface DomainFlagValues extends KnownFlagValues {
  readonly chain?: number | undefined
  readonly multiproof?: string | undefined
}

/** What is said of the contract that a proof of scheme eip712 is for. */
export async function findDomain(
  flags: DomainFlagValues,
): Promise<{ readonly chainId?: number; readonly verifyingContract?: Hex }> {
  const known = await knownContracts(flags)
  const chainId = flags.chain ?? known.chainId
  const multiProof = flags.multiproof ?? known.multiProof
  return {
    ...(chainId !== undefined && { chainId }),
    ...(multiProof !== undefined && {
      verifyingContract: addressFlag('--multiproof', multiProof),
    }),
  }
}

export interface RpcFlagValues extends KnownFlagValues {
  readonly 'rpc-url'?: string | undefined
  readonly chain?: number | undefined
  readonly 'rpc-timeout': number
  readonly confirmations?: number | undefined
  readonly 'tx-timeout'?: number | undefined
}

export async function openChain(flags: RpcFlagValues): Promise<Chain> {
  const rpcUrl = flags['rpc-url']
  if (rpcUrl === undefined) invalidFlag('--rpc-url', 'must be given, or ETH_RPC_URL')
  if (!/^https?:$/.test(URL.canParse(rpcUrl) ? new URL(rpcUrl).protocol : '')) {
    invalidFlag('--rpc-url', 'takes an http or https URL')
  }
  const chainId = flags.chain ?? (await knownContracts(flags)).chainId
  const txTimeout = flags['tx-timeout']
  return connectChain({
    rpcUrl,
    timeoutMs: flags['rpc-timeout'] * 1000,
    ...(chainId !== undefined && { chainId }),
    ...(flags.confirmations !== undefined && { confirmations: flags.confirmations }),
    ...(txTimeout !== undefined && { txTimeoutMs: 1000 * txTimeout }),
  })
}

interface PayerFlagValues {
  readonly 'private-key'?: string | undefined
  readonly keystore?: string | undefined
  readonly account?: string | undefined
  readonly 'password-file'?: string | undefined
}

/** The key that pays for transactions; never the signer's. */
export async function loadGasPayer(
  flags: PayerFlagValues,
  remark: (text: string) => void,
): Promise<GasPayer> {
  const key = flags['private-key']
  if (key !== undefined) {
    remark('--private-key shows the key to everybody on this machine; prefer --keystore.')
    if (isHex(key)) return createGasPayer(fromHex(key))
    return invalidFlag('--private-key', 'takes 0x and 64 hex digits')
  }
  const path =
    flags.keystore ?? (flags.account && join(homedir(), '.foundry/keystores', flags.account))
  if (path === undefined) {
    return invalidFlag('--keystore', 'or --account must be given, to pay for the transaction')
  }
  const passwordFile = flags['password-file']
  if (passwordFile === undefined) {
    return invalidFlag('--password-file', 'must be given with a keystore')
  }
  const password = new TextDecoder().decode(await readInput(passwordFile)).replace(/\r?\n$/, '')
  return createGasPayer(await openKeystore(await readInput(path), password, path))
}

interface TransactionFlagValues {
  readonly 'gas-limit'?: number | undefined
  readonly 'gas-price'?: string | undefined
  readonly 'priority-gas-price'?: string | undefined
}

/** What the flags say of how a transaction is sent. */
export function transactionOptions(flags: TransactionFlagValues): {
  readonly gasLimit?: bigint
  readonly fees?: Fees
} {
  const gasLimit = flags['gas-limit']
  const gasPrice = weiFlag('--gas-price', flags['gas-price'])
  const priorityGasPrice = weiFlag('--priority-gas-price', flags['priority-gas-price'])
  return {
    ...(gasLimit !== undefined && { gasLimit: BigInt(gasLimit) }),
    fees: {
      ...(gasPrice !== undefined && { gasPrice }),
      ...(priorityGasPrice !== undefined && { priorityGasPrice }),
    },
  }
}

function weiFlag(flag: string, value: string | undefined): bigint | undefined {
  if (value === undefined) return undefined
  const [, digits, unit] = /^(\d{1,30})(gwei)?$/.exec(value) ?? []
  if (digits === undefined)
    return invalidFlag(flag, 'takes a number of wei, or of gwei as in 2gwei')
  return BigInt(digits) * (unit === undefined ? 1n : WEI_PER_GWEI)
}

export function addressFlag(flag: string, value: string | undefined): Hex {
  if (value === undefined) return invalidFlag(flag, 'must be given')
  return hexFlag(flag, value, ADDRESS_BYTES, 'an address')
}
