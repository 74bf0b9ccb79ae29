/**
 * Simulated quotes for development, under an authority that is made once per state folder and kept
 * there: an edge file, it reads and writes `<stateDir>/simulated/`.
 */
import { constants } from 'node:fs'
import { link, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex, type Hex, isHex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { encodePemChain } from './pem.js'
import { createProvider, errnoOf, type ProviderSource, type QuoteProvider } from './provider.js'
import {
  AUTHORITY_SEED_BYTES,
  createSimulatedAuthority,
  type SimulatedAuthority,
} from './simulated-authority.js'
import { createSimulatedCollateral } from './simulated-collateral.js'
import { collateralOptions, quoteOverrides, type SimulatedSwitch } from './simulated-switches.js'

const FOLDER = 'simulated'
const AUTHORITY_FILE = 'authority.json'
const ROOT_FILE = 'root.pem'
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
const OTHERS = 0o077
const STATE_VERSION = 1
/** Far more than the file ever has. */
const MAX_STATE_BYTES = 4096

export interface SimulatedProviderOptions {
  readonly stateDir: string
  readonly entropy: (bytes: number) => Uint8Array
  readonly now: () => Date
  /** For tests of verifiers and policies: what is wrong with the platform. */
  readonly switches?: readonly SimulatedSwitch[]
}

/** What is kept; everything else follows from it. */
interface AuthorityState {
  readonly version: typeof STATE_VERSION
  readonly seed: Hex
  readonly createdAt: string
}

/**
 * @throws InputError
 *   `KEY_PERMISSIONS` others may read the authority's file
 *   `SIMULATED_STATE` it is not what we wrote
 *   `FILE_UNWRITABLE` the state folder
 */
export async function createSimulatedProvider(
  options: SimulatedProviderOptions,
): Promise<QuoteProvider> {
  const { switches = [] } = options
  const folder = join(options.stateDir, FOLDER)
  const authority = await loadOrMakeAuthority(folder, options)
  const rootCertificatePath = join(folder, ROOT_FILE)
  await writeWhole(rootCertificatePath, encodePemChain([authority.rootCertificate]), options)
  return createProvider({
    name: 'simulated',
    simulated: true,
    rootCertificatePath,
    collateral: () =>
      createSimulatedCollateral(authority, collateralOptions(switches, options.now())),
    request: async (reportData) => authority.quote(reportData, quoteOverrides(switches)),
  })
}

export function createSimulatedSource(options: SimulatedProviderOptions): ProviderSource {
  return {
    name: 'simulated',
    simulated: true,
    probe: async () => undefined,
    open: () => createSimulatedProvider(options),
  }
}

async function loadOrMakeAuthority(
  folder: string,
  { entropy, now }: SimulatedProviderOptions,
): Promise<SimulatedAuthority> {
  const path = join(folder, AUTHORITY_FILE)
  const state = (await loadState(path)) ?? (await makeState(folder, path, { entropy, now }))
  return createSimulatedAuthority({ entropy: fromHex(state.seed), now: new Date(state.createdAt) })
}

async function makeState(
  folder: string,
  path: string,
  { entropy, now }: Pick<SimulatedProviderOptions, 'entropy' | 'now'>,
): Promise<AuthorityState> {
  const made: AuthorityState = {
    version: STATE_VERSION,
    seed: toHex(entropy(AUTHORITY_SEED_BYTES)),
    createdAt: now().toISOString(),
  }
  const temporary = temporaryPath(path, entropy)
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    await writeFile(temporary, `${JSON.stringify(made)}\n`, { flag: 'wx', mode: FILE_MODE })
    // Unlike a rename, a link never replaces what another process made in the meantime.
    await link(temporary, path)
    return made
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw unwritable(path, error)
    const theirs = await loadState(path)
    if (theirs === undefined) throw unwritable(path, error)
    return theirs
  } finally {
    await rm(temporary, { force: true })
  }
}

async function loadState(path: string): Promise<AuthorityState | undefined> {
  const text = await loadPrivateFile(path)
  return text === undefined ? undefined : parseState(path, text)
}

function parseState(path: string, text: string): AuthorityState {
  let state: Partial<Record<keyof AuthorityState, unknown>> | null
  try {
    state = JSON.parse(text)
  } catch (error) {
    throw new InputError('SIMULATED_STATE', { path, reason: 'is not JSON' }, error)
  }
  const { version, seed, createdAt } = state ?? {}
  if (version !== STATE_VERSION) {
    throw new InputError('SIMULATED_STATE', { path, reason: 'was written by another version' })
  }
  if (!isHex(seed) || seed.length !== 2 + 2 * AUTHORITY_SEED_BYTES) {
    throw new InputError('SIMULATED_STATE', { path, reason: 'holds no seed' })
  }
  if (typeof createdAt !== 'string' || Number.isNaN(Date.parse(createdAt))) {
    throw new InputError('SIMULATED_STATE', { path, reason: 'holds no date' })
  }
  return { version, seed, createdAt }
}

/** A regular file of ours that nobody else may read; undefined if there is none. */
async function loadPrivateFile(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) => {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return undefined
    const reason = errno === 'ELOOP' ? 'is a link' : `cannot be read (${errno ?? error})`
    throw new InputError('SIMULATED_STATE', { path, reason }, error)
  })
  if (file === undefined) return undefined
  try {
    const stats = await file.stat()
    const isOurs = stats.uid === (process.getuid?.() ?? stats.uid)
    if (!stats.isFile() || !isOurs || stats.size > MAX_STATE_BYTES) {
      throw new InputError('SIMULATED_STATE', { path, reason: 'is no file that we wrote' })
    }
    if ((stats.mode & OTHERS) !== 0) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
      throw new InputError('KEY_PERMISSIONS', { path, mode })
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function writeWhole(
  path: string,
  text: string,
  { entropy }: Pick<SimulatedProviderOptions, 'entropy'>,
): Promise<void> {
  const temporary = temporaryPath(path, entropy)
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: FILE_MODE })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw unwritable(path, error)
  }
}

function temporaryPath(path: string, entropy: (bytes: number) => Uint8Array): string {
  return `${path}.${toHex(entropy(8)).slice(2)}.tmp`
}

function unwritable(path: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno === undefined) return error
  return new InputError('FILE_UNWRITABLE', { path, reason: errno }, error)
}
