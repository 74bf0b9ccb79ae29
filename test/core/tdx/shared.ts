/**
 * Data of other projects, kept outside of this repository: named by SP1_TEE_SHARED, a folder with
 * data/tdx/manifest.json. Unset, tests that need it are skipped; set and not there, they fail.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SHARED = process.env.SP1_TEE_SHARED

export const SHARED_TDX = SHARED === undefined ? undefined : join(SHARED, 'data', 'tdx')

if (SHARED_TDX !== undefined && !existsSync(join(SHARED_TDX, 'manifest.json'))) {
  throw new Error(`${SHARED_TDX}/manifest.json is missing`)
}

export function readShared(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(String(SHARED_TDX), path)))
}
