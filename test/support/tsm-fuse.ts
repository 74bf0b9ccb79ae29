/**
 * The model of configfs-tsm as a file system of the real kernel: speaks FUSE's protocol on /dev/fuse
 * itself, as far as mkdir, rmdir, open, read, write and close go. A command runs in a mount namespace
 * of its own, where the file system is at the path of the kernel's.
 *
 * Source: Linux include/uapi/linux/fuse.h, protocol 7.31.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, read, writeSync } from 'node:fs'
import { constants as system } from 'node:os'
import { text } from 'node:stream/consumers'
import { TSM_REPORT_PATH, type TsmFile } from '../../src/core/tdx/configfs-provider.js'
import type { TsmModel } from '../core/tdx/tsm-model.js'
import type { CliRun } from './cli.js'

const DEVICE = '/dev/fuse'
const RUN = new URL('../../bin/run.js', import.meta.url).pathname
const MOUNT_POINT = TSM_REPORT_PATH.replace(/\/report$/, '')
/** Descriptor of the device in the process that mounts. */
const FUSE_FD = 3
/** As root, in a namespace of its own: nothing of it is left when the command ends. */
const MOUNT = [
  'mount -t tmpfs none /sys/kernel',
  `mkdir -p ${MOUNT_POINT}`,
  `mount -i -t fuse -o fd=${FUSE_FD},rootmode=40000,user_id=0,group_id=0 none ${MOUNT_POINT}`,
  `exec ${FUSE_FD}<&-`,
  `exec "$@"`,
].join(' && ')

const OPCODES = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  mkdir: 9,
  rmdir: 11,
  open: 14,
  read: 15,
  write: 16,
  release: 18,
  flush: 25,
  init: 26,
  interrupt: 36,
  batchForget: 42,
} as const
const IN_HEADER_BYTES = 40
const OUT_HEADER_BYTES = 16
const MAX_WRITE = 128 * 1024
const ROOT_NODE = 1n
const FOPEN_DIRECT_IO_NONSEEKABLE = 1 | 4
const S_IFDIR = 0o40755
const ATTRIBUTES: Readonly<Record<string, number>> = {
  inblob: 0o100200,
  outblob: 0o100444,
  generation: 0o100444,
  provider: 0o100444,
}

export function hasFuse(): boolean {
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK)
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

/** Runs the built command where the kernel's configfs-tsm is the model. */
export async function cliWithTsm(model: TsmModel, args: readonly string[]): Promise<CliRun> {
  const device = openSync(DEVICE, 'r+')
  const served = new TsmFileSystem(device, model).serve()
  const command = [...['--mount', 'sh', '-c', MOUNT, 'sh'], ...['node', RUN, ...args]]
  const child = spawn('unshare', command, {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe', device],
  })
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ])
  await served
  closeSync(device)
  return { exitCode: exitCode ?? -1, stdout, stderr }
}

class TsmFileSystem {
  readonly #nodes = new Map<bigint, string>([[ROOT_NODE, MOUNT_POINT]])
  readonly #files = new Map<bigint, TsmFile>()
  #next = 2n

  constructor(
    readonly device: number,
    readonly model: TsmModel,
  ) {}

  /** Answers requests, one after the other, until the file system is unmounted. */
  async serve(): Promise<void> {
    const buffer = Buffer.alloc(MAX_WRITE + 4096)
    for (;;) {
      const length = await new Promise<number | undefined>((resolve, reject) => {
        read(this.device, buffer, 0, buffer.length, null, (error, count) => {
          // ENODEV once it is unmounted, EPERM until it is mounted.
          if (error?.code === 'ENODEV') resolve(undefined)
          else if (error?.code === 'EPERM') setTimeout(resolve, 5, 0)
          else if (error) reject(error)
          else resolve(count)
        })
      })
      if (length === undefined) return
      if (length > 0) await this.#answer(Buffer.from(buffer.subarray(0, length)))
    }
  }

  async #answer(request: Buffer): Promise<void> {
    const opcode = request.readUInt32LE(4)
    const unique = request.readBigUInt64LE(8)
    const node = request.readBigUInt64LE(16)
    const body = request.subarray(IN_HEADER_BYTES)
    const silent: readonly number[] = [OPCODES.forget, OPCODES.batchForget, OPCODES.interrupt]
    if (silent.includes(opcode)) return
    try {
      this.#reply(unique, 0, await this.#handle(opcode, node, body))
    } catch (error) {
      const { code } = error as { code?: keyof typeof system.errno }
      if (code === undefined) throw error
      this.#reply(unique, -system.errno[code], Buffer.alloc(0))
    }
  }

  async #handle(opcode: number, node: bigint, body: Buffer): Promise<Buffer> {
    // `init` is about no node.
    const path = this.#nodes.get(node) ?? ''
    switch (opcode) {
      case OPCODES.init:
        return initReply(body)
      case OPCODES.lookup:
        return this.#entry(`${path}/${textOf(body)}`)
      case OPCODES.getattr:
        return Buffer.concat([Buffer.alloc(16), this.#attributes(node, path)])
      case OPCODES.mkdir: {
        const made = `${path}/${textOf(body.subarray(8))}`
        await this.model.makeFolder(made)
        return this.#entry(made)
      }
      case OPCODES.rmdir:
        await this.model.removeFolder(`${path}/${textOf(body)}`)
        return Buffer.alloc(0)
      case OPCODES.open:
        return this.#open(path, body.readUInt32LE(0))
      case OPCODES.read: {
        const file = this.#files.get(body.readBigUInt64LE(0)) ?? fail('EBADF')
        return Buffer.from(await file.read(body.readUInt32LE(16)))
      }
      case OPCODES.write: {
        const file = this.#files.get(body.readBigUInt64LE(0)) ?? fail('EBADF')
        const taken = await file.write(body.subarray(40, 40 + body.readUInt32LE(16)))
        const reply = Buffer.alloc(8)
        reply.writeUInt32LE(taken)
        return reply
      }
      // close(2) waits for this one, and not for `release`: as it waits for configfs's commit.
      case OPCODES.flush: {
        const handle = body.readBigUInt64LE(0)
        await this.#files.get(handle)?.close()
        this.#files.delete(handle)
        return Buffer.alloc(0)
      }
      case OPCODES.release:
        return Buffer.alloc(0)
      default:
        return fail('ENOSYS')
    }
  }

  async #open(path: string, flags: number): Promise<Buffer> {
    const file = await this.model.open(path, (flags & 3) === 0 ? 'read' : 'write')
    const handle = this.#next++
    this.#files.set(handle, file)
    const reply = Buffer.alloc(16)
    reply.writeBigUInt64LE(handle)
    reply.writeUInt32LE(FOPEN_DIRECT_IO_NONSEEKABLE, 8)
    return reply
  }

  #entry(path: string): Buffer {
    if (modeOf(path, this.model) === undefined) fail('ENOENT')
    const known = [...this.#nodes].find(([, other]) => other === path)?.[0]
    const node = known ?? this.#next++
    this.#nodes.set(node, path)
    const head = Buffer.alloc(40)
    head.writeBigUInt64LE(node)
    return Buffer.concat([head, this.#attributes(node, path)])
  }

  #attributes(node: bigint, path: string): Buffer {
    const attributes = Buffer.alloc(88)
    attributes.writeBigUInt64LE(node)
    attributes.writeUInt32LE(modeOf(path, this.model) ?? fail('ENOENT'), 60)
    attributes.writeUInt32LE(1, 64)
    return attributes
  }

  #reply(unique: bigint, error: number, body: Buffer): void {
    const header = Buffer.alloc(OUT_HEADER_BYTES)
    header.writeUInt32LE(OUT_HEADER_BYTES + body.length)
    header.writeInt32LE(error, 4)
    header.writeBigUInt64LE(unique, 8)
    writeSync(this.device, Buffer.concat([header, body]))
  }
}

/** Of a folder or an attribute of the model; undefined if there is none. */
function modeOf(path: string, { entries }: TsmModel): number | undefined {
  if (path === MOUNT_POINT || path === TSM_REPORT_PATH || entries.has(path)) return S_IFDIR
  const slash = path.lastIndexOf('/')
  return entries.has(path.slice(0, slash)) ? ATTRIBUTES[path.slice(slash + 1)] : undefined
}

function initReply(request: Buffer): Buffer {
  const reply = Buffer.alloc(64)
  reply.writeUInt32LE(7, 0)
  reply.writeUInt32LE(31, 4)
  reply.writeUInt32LE(request.readUInt32LE(8), 8)
  reply.writeUInt32LE(MAX_WRITE, 20)
  reply.writeUInt32LE(1, 24)
  return reply
}

/** A name, which ends with a zero byte. */
function textOf(body: Buffer): string {
  return body.subarray(0, body.indexOf(0)).toString()
}

function fail(code: string): never {
  throw Object.assign(new Error(code), { code })
}
