/**
 * Where the values of flags come from: the command line, else the environment, else the config file,
 * else a default. To oclif a flag excludes or needs another one wherever both come from, so what has
 * to give way is taken out before it parses.
 */
import type { Interfaces } from '@oclif/core'
import { configuredFlags, type FlagMap, isList, refuseConfig, splitList } from './config.js'
import { InputError } from './core/index.js'

/** The stronger source has the higher number. */
const SOURCES = { none: 0, config: 1, environment: 2, typed: 3 } as const

const OF_A_DEPLOYMENT = ['chain', 'registry', 'multiproof']
/** Flags that also say what others say: they replace those of a weaker source. */
const STANDS_FOR: Readonly<Record<string, readonly string[]>> = {
  preset: OF_A_DEPLOYMENT,
  deployment: OF_A_DEPLOYMENT,
  dev: OF_A_DEPLOYMENT,
}

/**
 * Those among `flags` that oclif has to see otherwise than they are declared: with the value of the
 * config file as default, or without any value because they give way.
 *
 * @throws InputError `CONFIG_INVALID`, `FLAG_INVALID`
 */
export async function resolveFlags(flags: FlagMap, argv: readonly string[]): Promise<FlagMap> {
  const given = typedValue('config', argv) ?? process.env.SP1_TEE_CONFIG
  const { path, configured } = await configuredFlags(flags, given || undefined)
  const sourceOf = (name: string): number => {
    if (isTyped(name, argv)) return SOURCES.typed
    if (process.env[relationsOf(flags[name]).env ?? '']) return SOURCES.environment
    return Object.hasOwn(configured, name) ? SOURCES.config : SOURCES.none
  }
  const sources = new Map(Object.keys(flags).map((name) => [name, sourceOf(name)]))
  const leftOut = findLeftOut(flags, sources)
  const isMeant = (name: string) => sources.get(name) === SOURCES.config && !leftOut.includes(name)
  for (const name of Object.keys(configured).filter(isMeant)) {
    const rival = rivalsOf(flags, name).find(isMeant)
    if (rival !== undefined) refuseConfig(path, `has both "${name}" and "${rival}"`)
  }
  return {
    ...configured,
    ...environmentLists(flags),
    ...Object.fromEntries(leftOut.map((name) => [name, withoutEnvironment(flags[name]!)])),
  }
}

/**
 * A flag gives way to one from a stronger source that it excludes or that stands for it. One that is
 * not typed, and says something only beside another one, is left out where that is not there; of
 * flags that need each other one alone stays an error.
 */
function findLeftOut(flags: FlagMap, sources: ReadonlyMap<string, number>): string[] {
  const names = Object.keys(flags)
  const sourceOf = (name: string) => sources.get(name) ?? SOURCES.none
  const needsOf = (name: string) => relationsOf(flags[name]).dependsOn ?? []
  const isThere = (name: string) =>
    relationsOf(flags[name]).default !== undefined ||
    (sourceOf(name) !== SOURCES.none && !isLeftOut(name))
  const isLeftOut = (name: string): boolean => {
    const source = sourceOf(name)
    if (source === SOURCES.none || source === SOURCES.typed) return false
    const substitutes = names.filter((other) => STANDS_FOR[other]?.includes(name))
    return (
      [...rivalsOf(flags, name), ...substitutes].some((other) => sourceOf(other) > source) ||
      needsOf(name).some((other) => !needsOf(other).includes(name) && !isThere(other))
    )
  }
  return names.filter(isLeftOut)
}

/** What one of two flags declares holds for both. */
function rivalsOf(flags: FlagMap, name: string): string[] {
  const excludes = (a: string, b: string) => relationsOf(flags[a]).exclusive?.includes(b) === true
  return Object.keys(flags).filter((other) => excludes(name, other) || excludes(other, name))
}

/** What oclif has in flags of all types, and tells of some only. */
function relationsOf(flag: FlagMap[string] | undefined) {
  return (flag ?? {}) as {
    readonly env?: string
    readonly default?: unknown
    readonly exclusive?: readonly string[]
    readonly dependsOn?: readonly string[]
  }
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
    const values = splitList(text)
    if (options !== undefined && !values.every((value) => options.includes(value))) {
      const reason = `takes ${options.join(', ')}, also by ${env}`
      throw new InputError('FLAG_INVALID', { flag: `--${name}`, reason })
    }
    const listed = { ...withoutEnvironment(flag), default: values }
    return [[name, listed as Interfaces.Flag<unknown>] as const]
  })
  return Object.fromEntries(lists)
}

function withoutEnvironment(flag: FlagMap[string]): FlagMap[string] {
  const { env: _heeded, ...rest } = flag as FlagMap[string] & { env?: string }
  return rest as FlagMap[string]
}

/** The value that is typed for a flag, as `--name value` or `--name=value`. */
export function typedValue(name: string, argv: readonly string[]): string | undefined {
  const typed = beforeDashes(argv)
  const at = typed.findIndex((argument) => isOf(name, argument))
  const argument = typed[at]
  return argument === `--${name}` ? typed[at + 1] : argument?.slice(`--${name}=`.length)
}

/** Whether a flag is on the command line. */
export function isTyped(name: string, argv: readonly string[]): boolean {
  return beforeDashes(argv).some((argument) => isOf(name, argument))
}

function isOf(name: string, argument: string): boolean {
  return argument === `--${name}` || argument.startsWith(`--${name}=`)
}

/** What follows `--` is no flag. */
function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}
