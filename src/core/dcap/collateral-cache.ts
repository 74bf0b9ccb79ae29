/**
 * Keeps fetched collateral in files until it expires: an edge file. A file is as little believed as
 * what a server sends; one that cannot be read is fetched again.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError, UnavailableError } from '../errors.js'
import { type Collateral, encodeCollateral, parseCollateral } from './collateral.js'
import { type CollateralFetchOptions, fetchCollateral } from './collateral-fetch.js'
import type { CollateralKey } from './collateral-key.js'
import { findRollback } from './collateral-order.js'

/** Intel may say earlier than it must that a platform is out of date. */
const MAX_AGE_MS = 86_400_000

export interface CollateralCacheOptions extends CollateralFetchOptions {
  /** Made when something is first kept. */
  readonly folder: string
  readonly now: Date
  /** Fetch it anew, whatever is kept. */
  readonly isRenewal?: boolean
}

/**
 * @throws UnavailableError, InterruptedError as `fetchCollateral`
 *   `PCS_ROLLED_BACK` what was fetched is older than what is kept
 */
export async function loadCollateral(
  key: CollateralKey,
  { folder, now, isRenewal = false, ...options }: CollateralCacheOptions,
): Promise<Collateral> {
  const path = join(folder, `${fileName(key, options.pccsUrl)}.json`)
  const kept = await readKept(path)
  if (kept !== undefined && !isRenewal && isFresh(kept, now)) return kept.collateral
  const collateral = await fetchCollateral(key, options)
  const rollback = kept && findRollback(kept.collateral, collateral)
  if (rollback !== undefined) {
    throw new UnavailableError('PCS_ROLLED_BACK', { ...rollback, path })
  }
  await keep(folder, path, collateral)
  return collateral
}

interface Kept {
  readonly collateral: Collateral
  readonly since: Date
}

function isFresh({ collateral, since }: Kept, now: Date): boolean {
  if (now.getTime() - since.getTime() > MAX_AGE_MS) return false
  const { rootCrl, pckCrl, tcbInfo, qeIdentity } = collateral
  const parts = [rootCrl, pckCrl, tcbInfo.value, qeIdentity.value]
  return parts.every(({ nextUpdate }) => now < nextUpdate)
}

/** Answers of one server are not given as those of another. */
function fileName({ tee, fmspc, ca }: CollateralKey, pccsUrl: string | undefined): string {
  const source = pccsUrl === undefined ? 'intel' : pccsUrl.replaceAll(/[^A-Za-z0-9]+/g, '-')
  return `${tee}-${fmspc}-${ca}-${source}`.slice(0, 200)
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    const { mtime } = await stat(path)
    const collateral = parseCollateral(new Uint8Array(await readFile(path)))
    return { collateral, since: mtime }
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isAbsent || error instanceof InputError) return undefined
    throw error
  }
}

async function keep(folder: string, path: string, collateral: Collateral): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(temporary, encodeCollateral(collateral), { flag: 'wx', mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new InputError('FILE_UNWRITABLE', { path, reason: code }, error)
  }
}
