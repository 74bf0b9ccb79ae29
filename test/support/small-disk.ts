/**
 * A disk of a few MiB that can really be full: tmpfs, in a mount namespace of its own, where root needs
 * no right of the machine's and anybody may be root. It is gone when its keeper is.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const BLOCK = 4096
const isRoot = process.getuid?.() === 0
const NAMESPACE = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount']

/** Why there is none here; undefined if there is. */
export function whyNoSmallDisk(): string | undefined {
  const probe = ['sh', '-c', 'mount -t tmpfs -o size=1m none /mnt']
  const { status, stderr } = spawnSync('unshare', [...NAMESPACE, ...probe], { encoding: 'utf8' })
  return status === 0 ? undefined : `no file system can be mounted: ${stderr?.trim()}`
}

export interface SmallDisk {
  /** As those see it who run in it. */
  readonly folder: string
  /** As others see it. */
  readonly path: string
  /** What a command begins with to run in it. */
  readonly inside: readonly string[]
  /** Takes all the room that is left but so much. */
  fill(leaveBytes?: number): void
  free(): void
  remove(): Promise<void>
}

export async function makeSmallDisk(mib: number): Promise<SmallDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-disk-'))
  const script = `mount -t tmpfs -o size=${mib}m none "$1" && echo mounted && exec sleep infinity`
  const command = [...NAMESPACE, 'sh', '-c', script, 'sh', folder]
  const keeper: ChildProcess = spawn('unshare', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface(keeper.stdout!), 'line')
  const path = `/proc/${keeper.pid}/root${folder}`
  const ballast = join(path, 'ballast')
  const user = isRoot ? [] : ['--user', '--preserve-credentials']
  return {
    folder,
    path,
    inside: ['nsenter', '--target', String(keeper.pid), ...user, '--mount'],
    fill(leaveBytes = 0) {
      const file = openSync(ballast, 'a')
      try {
        for (;;) writeSync(file, new Uint8Array(BLOCK))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
      if (leaveBytes > 0) shrink(ballast, leaveBytes)
    },
    free: () => rmSync(ballast, { force: true }),
    async remove() {
      keeper.kill('SIGKILL')
      await once(keeper, 'exit')
      rmdirSync(folder)
    },
  }
}

function shrink(file: string, bytes: number): void {
  const { size } = statSync(file)
  truncateSync(file, Math.max(size - bytes, 0))
}
