/**
 * The config file: JSON or YAML, found by cosmiconfig under the name `sp1-tee` or given by --config.
 * Its keys are names of flags. It never runs code, and an unknown key is an error.
 */
import type { Interfaces } from '@oclif/core'
import { cosmiconfig, defaultLoaders } from 'cosmiconfig'
import { InputError } from './core/index.js'

/** Flags a config file may set, with the type of their value. */
export const CONFIG_KEYS: Readonly<Record<string, 'string' | 'number' | 'boolean'>> = {
  'state-dir': 'string',
  'log-level': 'string',
  quiet: 'boolean',
  sp1: 'string',
  engine: 'string',
  'cycle-limit': 'number',
  'memory-limit': 'number',
  timeout: 'number',
  scheme: 'string',
  'tee-version': 'number',
  provider: 'string',
  'provider-url': 'string',
  'pccs-url': 'string',
  'pccs-contract': 'string',
  'tcb-evaluation': 'string',
  policy: 'string',
  'rpc-url': 'string',
  'rpc-timeout': 'number',
  preset: 'string',
  deployment: 'string',
  chain: 'number',
  confirmations: 'number',
  'gas-price': 'string',
  'priority-gas-price': 'string',
  'tx-timeout': 'number',
  registry: 'string',
  multiproof: 'string',
  keystore: 'string',
  account: 'string',
  'password-file': 'string',
  url: 'string',
  listen: 'string',
  'rotate-every': 'number',
  concurrency: 'number',
  queue: 'number',
  'drain-timeout': 'number',
  keys: 'string',
  'public-host': 'string',
  'allow-origin': 'string',
  'tls-cert': 'string',
  'tls-key': 'string',
  'data-dir': 'string',
  'database-url': 'string',
  'max-disk': 'number',
  'keep-jobs': 'number',
  'log-json': 'boolean',
}

const SEARCH_PLACES = ['', '.json', '.yaml', '.yml'].flatMap((ending) => [`.sp1-teerc${ending}`])
/** cosmiconfig would run these; its own loaders stay in force unless they are replaced. */
const CODE_ENDINGS = ['.js', '.cjs', '.mjs', '.ts']
const LOADERS = {
  ...Object.fromEntries(CODE_ENDINGS.map((ending) => [ending, refuseCode])),
  '.json': defaultLoaders['.json'],
  '.yaml': defaultLoaders['.yaml'],
  '.yml': defaultLoaders['.yaml'],
  noExt: defaultLoaders['.yaml'],
}

const LIST_DELIMITER = ','

type FlagMap = Record<string, Interfaces.Flag<unknown>>

/** The flags among `flags` that the config file sets, with its value as their default. */
export async function configuredFlags(flags: FlagMap, argv: readonly string[]): Promise<FlagMap> {
  const { path, values } = await loadConfig(argv)
  const configured: FlagMap = {}
  for (const [key, value] of Object.entries(values)) {
    const type = CONFIG_KEYS[key]
    if (type === undefined) refuse(path, `has an unknown key "${key}"`)
    if (typeof value !== type) refuse(path, `has a "${key}" that is no ${type}`)
    const flag = flags[key]
    if (flag === undefined) continue
    checkValue(flag, key, value, path)
    const set = isList(flag) ? String(value).split(LIST_DELIMITER) : value
    configured[key] = { ...flag, default: set } as Interfaces.Flag<unknown>
  }
  return { ...configured, ...environmentLists(flags) }
}

/**
 * Flags that take several values, with what the environment lists as their default: oclif would take
 * its text for one value.
 */
function environmentLists(flags: FlagMap): FlagMap {
  const lists = Object.entries(flags).flatMap(([name, flag]) => {
    const { env = '', options } = flag as { env?: string; options?: readonly string[] }
    const text = process.env[env]
    if (!isList(flag) || text === undefined || text === '') return []
    const values = text.split(LIST_DELIMITER).map((value) => value.trim())
    if (options !== undefined && !values.every((value) => options.includes(value))) {
      const reason = `takes ${options.join(', ')}, also by ${env}`
      throw new InputError('FLAG_INVALID', { flag: `--${name}`, reason })
    }
    const { env: _heeded, ...rest } = flag
    return [[name, { ...rest, default: values } as Interfaces.Flag<unknown>] as const]
  })
  return Object.fromEntries(lists)
}

function isList(flag: Interfaces.Flag<unknown>): boolean {
  return (flag as { multiple?: boolean }).multiple === true
}

/** oclif checks what comes from flags and the environment, but not defaults. */
function checkValue(flag: Interfaces.Flag<unknown>, key: string, value: unknown, path: string) {
  const { options, min, max } = flag as { options?: readonly string[]; min?: number; max?: number }
  if (options !== undefined && !options.includes(String(value))) {
    refuse(path, `has a "${key}" that is none of ${options.join(', ')}`)
  }
  if (typeof value === 'number' && (value < (min ?? value) || value > (max ?? value))) {
    refuse(path, `has a "${key}" outside ${min} to ${max}`)
  }
}

async function loadConfig(
  argv: readonly string[],
): Promise<{ path: string; values: Record<string, unknown> }> {
  const explorer = cosmiconfig('sp1-tee', { searchPlaces: SEARCH_PLACES, loaders: LOADERS })
  const given = givenPath(argv)
  try {
    const found = given === undefined ? await explorer.search() : await explorer.load(given)
    const values: unknown = found?.config ?? {}
    const path = found?.filepath ?? ''
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      return refuse(path, 'holds no table of settings')
    }
    return { path, values: values as Record<string, unknown> }
  } catch (error) {
    if (error instanceof InputError) throw error
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return refuse(given ?? '.sp1-teerc', `cannot be read: ${reason}`)
  }
}

function refuseCode(path: string): never {
  return refuse(path, 'is code, not JSON or YAML')
}

function givenPath(argv: readonly string[]): string | undefined {
  const inline = argv.find((argument) => argument.startsWith('--config='))
  if (inline !== undefined) return inline.slice('--config='.length)
  const index = argv.indexOf('--config')
  return index >= 0 ? argv[index + 1] : process.env.SP1_TEE_CONFIG
}

function refuse(path: string, reason: string): never {
  throw new InputError('CONFIG_INVALID', { path, reason })
}
