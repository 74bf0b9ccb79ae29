/**
 * Where commands keep what outlives them. State is in the XDG state folder unless --state-dir says
 * otherwise; the signer's key, which must not reach a disk, is in the runtime folder instead, which
 * is tmpfs on an ordinary Linux system.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { createSigner, loadOrCreateKey, type Signer } from './core/index.js'

const NAME = 'sp1-tee'

export const keyFlags = {
  'insecure-key-on-disk': Flags.boolean({
    description: "let the signer's key reach a disk; for development",
    env: 'SP1_TEE_INSECURE_KEY_ON_DISK',
  }),
}

interface StateFlags {
  readonly 'state-dir'?: string | undefined
  readonly 'insecure-key-on-disk': boolean
}

/** The signer of this machine; its key is made at the first call. */
export async function loadSigner(flags: StateFlags): Promise<Signer> {
  const key = await loadOrCreateKey({
    folder: keyFolder(flags),
    allowDisk: flags['insecure-key-on-disk'],
    entropy: (byteCount) => new Uint8Array(randomBytes(byteCount)),
  })
  return createSigner(key)
}

function keyFolder(flags: StateFlags): string {
  if (flags['state-dir'] !== undefined) return flags['state-dir']
  const { XDG_RUNTIME_DIR, XDG_STATE_HOME } = process.env
  if (XDG_RUNTIME_DIR) return join(XDG_RUNTIME_DIR, NAME)
  if (process.getuid?.() === 0 && existsSync('/run')) return join('/run', NAME)
  return join(XDG_STATE_HOME || join(homedir(), '.local/state'), NAME)
}
