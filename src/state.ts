/**
 * Where commands keep what outlives them. State is in the XDG state folder unless --state-dir says
 * otherwise; the signer's key, which must not reach a disk, is in the runtime folder instead, which
 * is tmpfs on an ordinary Linux system.
 */
import { randomBytes, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import {
  AUTO_PROVIDER,
  createMachineSources,
  createSigner,
  findKey,
  generateSecretKey,
  type KeyStoreOptions,
  loadOrCreateKey,
  type QuoteProvider,
  replaceKey,
  SIMULATED_SWITCH_NAMES,
  type Signer,
  type SimulatedSwitch,
  selectProvider,
} from './core/index.js'
import { readInput } from './files.js'

const NAME = 'sp1-tee'

export const keyFlags = {
  'insecure-key-on-disk': Flags.boolean({
    description: "let the signer's key reach a disk; for development",
    env: 'SP1_TEE_INSECURE_KEY_ON_DISK',
  }),
}

export const providerFlags = {
  provider: Flags.option({
    description: 'where quotes come from; auto never takes simulated',
    options: ['auto', 'configfs', 'azure', 'dstack', 'http', 'simulated'] as const,
    env: 'SP1_TEE_PROVIDER',
    default: AUTO_PROVIDER as 'auto',
  })(),
  'provider-url': Flags.string({
    description:
      'the quote service of provider http; of azure and dstack, the metadata service or socket in place of the usual one',
    helpValue: 'URL|SOCKET',
    env: 'SP1_TEE_PROVIDER_URL',
  }),
}

export const simulateFlags = {
  simulate: Flags.option({
    description: 'what is wrong with a simulated platform, or other than usual; repeatable',
    options: SIMULATED_SWITCH_NAMES,
    multiple: true,
  })(),
}

interface StateFlags {
  readonly 'state-dir'?: string | undefined
}

/**
 * The signer of this machine; its key is made at the first call.
 *
 * @param allowDisk - let the key reach a disk, as a simulated machine may.
 */
export async function loadSigner(flags: StateFlags, allowDisk: boolean): Promise<Signer> {
  return createSigner(await loadOrCreateKey(keyStore(flags, allowDisk)))
}

/** The same, if it has a key already. */
export async function findSigner(
  flags: StateFlags,
  allowDisk: boolean,
): Promise<Signer | undefined> {
  const key = await findKey(keyStore(flags, allowDisk))
  return key && createSigner(key)
}

/** A new signer that is not this machine's yet; `adopt` makes it so. */
export function createNextSigner(
  flags: StateFlags,
  allowDisk: boolean,
): { signer: Signer; adopt: () => Promise<void> } {
  const store = keyStore(flags, allowDisk)
  const secretKey = generateSecretKey(store.entropy)
  return { signer: createSigner(secretKey), adopt: () => replaceKey(store, secretKey) }
}

/** A signer whose key is in this process's memory and nowhere else. */
export function createMemorySigner(): Signer {
  return createSigner(generateSecretKey(entropy))
}

export function entropy(byteCount: number): Uint8Array {
  return new Uint8Array(randomBytes(byteCount))
}

function keyStore(flags: StateFlags, allowDisk: boolean): KeyStoreOptions {
  return {
    folder: flags['state-dir'] ?? runtimeFolder(),
    allowDisk,
    entropy,
  }
}

/** The quote provider of this machine. `warn` hears what went wrong and did not matter. */
export async function openProvider(
  flags: StateFlags & {
    readonly provider: string
    readonly 'provider-url'?: string | undefined
    readonly simulate?: readonly SimulatedSwitch[] | undefined
  },
  warn: (message: string) => void,
): Promise<QuoteProvider> {
  const { simulate = [] } = flags
  const stateDir = flags['state-dir'] ?? stateFolder()
  const providerUrl = flags['provider-url']
  const sources = createMachineSources({
    ...{ stateDir, warn, simulate },
    ...(providerUrl !== undefined && { providerUrl }),
  })
  const provider = await selectProvider(flags.provider, sources)
  if (simulate.length > 0 && !provider.simulated) {
    invalidFlag('--simulate', `needs --provider simulated, not ${provider.name}`)
  }
  return provider
}

/** Where `serve` keeps jobs, programs and inputs. */
export function serviceFolder(flags: StateFlags): string {
  return join(flags['state-dir'] ?? stateFolder(), 'serve')
}

/** Where fetched collateral is kept. */
export function collateralFolder(flags: StateFlags): string {
  return join(flags['state-dir'] ?? stateFolder(), 'collateral')
}

/**
 * The public key of the development root that a simulated provider's quotes verify under.
 */
export async function readSimulatedRoot({
  rootCertificatePath,
}: QuoteProvider): Promise<{ x: bigint; y: bigint }> {
  const certificate = new X509Certificate(await readInput(String(rootCertificatePath)))
  const { x, y } = certificate.publicKey.export({ format: 'jwk' })
  const toBigint = (part = '') => BigInt(`0x${Buffer.from(part, 'base64url').toString('hex')}`)
  return { x: toBigint(x), y: toBigint(y) }
}

function stateFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), NAME)
}

function runtimeFolder(): string {
  const { XDG_RUNTIME_DIR } = process.env
  if (XDG_RUNTIME_DIR) return join(XDG_RUNTIME_DIR, NAME)
  return process.getuid?.() === 0 && existsSync('/run') ? join('/run', NAME) : stateFolder()
}
