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

export type FlagMap = Record<string, Interfaces.Flag<unknown>>

const LIST_DELIMITER = ','

/** Those among `flags` that the config file sets, with its value as their default. */
export async function configuredFlags(
  flags: FlagMap,
  given: string | undefined,
): Promise<{ readonly path: string; readonly configured: FlagMap }> {
  const { path, values } = await loadConfig(given)
  const configured: FlagMap = {}
  for (const [key, value] of Object.entries(values)) {
    const type = CONFIG_KEYS[key]
    if (type === undefined) refuseConfig(path, `has an unknown key "${key}"`)
    if (typeof value !== type) {
      const isUnquoted = type === 'string' && typeof value === 'number'
      const remedy = isUnquoted ? ', but a number: put it in quotes' : ''
      refuseConfig(path, `has a "${key}" that is no ${type}${remedy}`)
    }
    const flag = flags[key]
    if (flag === undefined) continue
    checkValue(flag, key, value, path)
    const set = isList(flag) ? splitList(String(value)) : value
    configured[key] = { ...flag, default: set } as Interfaces.Flag<unknown>
  }
  return { path, configured }
}

/** What a flag that takes several values is set to where one text has to hold them. */
export function splitList(text: string): string[] {
  return text.split(LIST_DELIMITER).map((value) => value.trim())
}

export function isList(flag: Interfaces.Flag<unknown>): boolean {
  return (flag as { multiple?: boolean }).multiple === true
}

/** oclif checks what comes from flags and the environment, but not defaults. */
function checkValue(flag: Interfaces.Flag<unknown>, key: string, value: unknown, path: string) {
  const { options, min, max } = flag as { options?: readonly string[]; min?: number; max?: number }
  if (options !== undefined && !options.includes(String(value))) {
    refuseConfig(path, `has a "${key}" that is none of ${options.join(', ')}`)
  }
  if (typeof value !== 'number') return
  if (!Number.isSafeInteger(value)) refuseConfig(path, `has a "${key}" that is no whole number`)
  if (value < (min ?? value) || value > (max ?? value)) {
    refuseConfig(path, `has a "${key}" outside ${min} to ${max}`)
  }
}

async function loadConfig(
  given: string | undefined,
): Promise<{ path: string; values: Record<string, unknown> }> {
  const explorer = cosmiconfig('sp1-tee', { searchPlaces: SEARCH_PLACES, loaders: LOADERS })
  try {
    const found = given === undefined ? await explorer.search() : await explorer.load(given)
    const values: unknown = found?.config ?? {}
    const path = found?.filepath ?? ''
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      return refuseConfig(path, 'holds no table of settings')
    }
    return { path, values: values as Record<string, unknown> }
  } catch (error) {
    if (error instanceof InputError) throw error
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return refuseConfig(given ?? '.sp1-teerc', `cannot be read: ${reason}`)
  }
}

function refuseCode(path: string): never {
  return refuseConfig(path, 'is code, not JSON or YAML')
}

/** @throws InputError `CONFIG_INVALID` */
export function refuseConfig(path: string, reason: string): never {
  throw new InputError('CONFIG_INVALID', { path, reason })
}
