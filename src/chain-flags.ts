/** Flags of the commands that talk to a chain, with Foundry's names, and what they mean. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import {
  type Chain,
  connectChain,
  createGasPayer,
  DEFAULT_RPC_TIMEOUT_MS,
  fromHex,
  type GasPayer,
  type Hex,
  isHex,
  openKeystore,
  PRESET_NAMES,
  PRESETS,
  type PresetName,
} from './core/index.js'
import { readInput } from './files.js'

const ADDRESS_BYTES = 20

export const rpcFlags = {
  preset: Flags.option({
    description: 'a known deployment: its chain, registry and MultiProof',
    options: PRESET_NAMES,
    env: 'SP1_TEE_PRESET',
  })(),
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
}

export interface RpcFlagValues {
  readonly preset?: PresetName | undefined
  readonly 'rpc-url'?: string | undefined
  readonly chain?: number | undefined
  readonly 'rpc-timeout': number
  readonly confirmations?: number | undefined
}

export async function openChain(flags: RpcFlagValues): Promise<Chain> {
  const rpcUrl = flags['rpc-url']
  if (rpcUrl === undefined) invalidFlag('--rpc-url', 'must be given, or ETH_RPC_URL')
  if (!/^https?:$/.test(URL.canParse(rpcUrl) ? new URL(rpcUrl).protocol : '')) {
    invalidFlag('--rpc-url', 'takes an http or https URL')
  }
  const chainId = flags.chain ?? (flags.preset && PRESETS[flags.preset].chainId)
  return connectChain({
    rpcUrl,
    timeoutMs: flags['rpc-timeout'] * 1000,
    ...(chainId !== undefined && { chainId }),
    ...(flags.confirmations !== undefined && { confirmations: flags.confirmations }),
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

export function addressFlag(flag: string, value: string | undefined): Hex {
  if (isHex(value) && fromHex(value).length === ADDRESS_BYTES) return value.toLowerCase() as Hex
  return invalidFlag(
    flag,
    value === undefined ? 'must be given' : 'takes an address: 0x and 40 hex digits',
  )
}
