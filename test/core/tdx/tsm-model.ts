/**
 * The rules of Linux's configfs-tsm with the TDX guest driver, as far as a program can see them:
 * drivers/virt/coco/guest/report.c, drivers/virt/coco/tdx-guest/tdx-guest.c, fs/configfs/file.c.
 *
 * A write is stored when its file is closed, and what goes wrong then is told to nobody. The quote
 * is made at the first read of `outblob` after a store, and kept until the next store.
 */
import {
  TSM_REPORT_PATH,
  type TsmFile,
  type TsmFiles,
} from '../../../src/core/tdx/configfs-provider.js'

const INBLOB_MAX = 64
const PAGE = 4096

export interface TsmModelOptions {
  /** The host: makes the quote's bytes, or throws an errno. */
  readonly quote: (reportData: Uint8Array) => Uint8Array
  /** What `provider` says. */
  readonly provider?: string
  /** What each mkdir answers, in order; 'ok' once there are no more. */
  readonly mkdir?: string[]
  /** What each making of a quote answers before the host is asked. */
  readonly outblob?: string[]
  /** Errors of store(), which the kernel drops: for these writes nothing is stored. */
  readonly store?: string[]
  readonly rmdir?: string[]
  /** How many bytes of a write are taken at most. */
  readonly writeLimit?: number
  /** Called after every read of `outblob`: another process at work in the same folder. */
  readonly afterRead?: (entry: TsmEntry) => void
}

export interface TsmEntry {
  generation: number
  inblob: Uint8Array
  /** The quote, and the generation it was made for. */
  outblob: Uint8Array
  quotedGeneration: number
}

export class TsmModel implements TsmFiles {
  readonly entries = new Map<string, TsmEntry>()
  readonly folders: string[] = []
  openFiles = 0
  /** Requests at work at the same time, at most. */
  mostEntries = 0

  constructor(readonly options: TsmModelOptions) {}

  async makeFolder(path: string): Promise<void> {
    failAsTold(this.options.mkdir)
    if (!path.startsWith(`${TSM_REPORT_PATH}/`)) fail('ENOENT')
    if (this.entries.has(path)) fail('EEXIST')
    const nothing = new Uint8Array(0)
    this.entries.set(path, {
      generation: 0,
      inblob: nothing,
      outblob: nothing,
      quotedGeneration: 0,
    })
    this.folders.push(path)
    this.mostEntries = Math.max(this.mostEntries, this.entries.size)
  }

  async removeFolder(path: string): Promise<void> {
    if (!this.entries.has(path)) fail('ENOENT')
    failAsTold(this.options.rmdir)
    this.entries.delete(path)
  }

  async open(path: string, access: 'read' | 'write'): Promise<TsmFile> {
    const slash = path.lastIndexOf('/')
    const entry = this.entries.get(path.slice(0, slash)) ?? fail('ENOENT')
    const attribute = path.slice(slash + 1)
    this.openFiles++
    if (attribute === 'inblob') return this.#inblob(entry, access)
    if (attribute === 'outblob') return this.#readable(() => this.#outblob(entry), access)
    if (attribute === 'generation') return this.#readable(() => `${entry.generation}\n`, access)
    if (attribute === 'provider') {
      return this.#readable(() => `${this.options.provider ?? 'tdx_guest'}\n`, access)
    }
    // auxblob and privlevel are not there for TDX.
    this.openFiles--
    return fail('ENOENT')
  }

  #inblob(entry: TsmEntry, access: 'read' | 'write'): TsmFile {
    let written: Uint8Array | undefined
    return {
      read: async () => fail(access === 'read' ? 'EACCES' : 'ETXTBSY'),
      write: async (bytes) => {
        if (access === 'read') fail('EBADF')
        const taken = bytes.slice(0, this.options.writeLimit ?? bytes.length)
        const joined = Uint8Array.of(...(written ?? []), ...taken)
        if (joined.length > INBLOB_MAX) fail('EFBIG')
        written = joined
        return taken.length
      },
      close: async () => {
        this.openFiles--
        if (written === undefined) return
        try {
          failAsTold(this.options.store)
          entry.inblob = written
          entry.generation++
        } catch {
          // configfs_release_bin_file drops the store's error.
        }
      },
    }
  }

  #readable(contents: () => Uint8Array | string, access: 'read' | 'write'): TsmFile {
    let rest: Uint8Array | undefined
    return {
      read: async (maxBytes) => {
        if (access === 'write') fail('EBADF')
        if (rest === undefined) {
          const made = contents()
          rest = typeof made === 'string' ? new TextEncoder().encode(made) : made
        }
        const chunk = rest.subarray(0, Math.min(maxBytes, PAGE))
        rest = rest.subarray(chunk.length)
        return chunk.slice()
      },
      write: async () => fail(access === 'read' ? 'EBADF' : 'EACCES'),
      close: async () => {
        this.openFiles--
      },
    }
  }

  #outblob(entry: TsmEntry): Uint8Array {
    if (entry.generation === 0) fail('EINVAL')
    if (entry.quotedGeneration !== entry.generation) {
      if (entry.inblob.length !== INBLOB_MAX) fail('EINVAL')
      failAsTold(this.options.outblob)
      entry.outblob = this.options.quote(entry.inblob)
      entry.quotedGeneration = entry.generation
    }
    this.options.afterRead?.(entry)
    return entry.outblob
  }
}

/** Throws an error as `node:fs` throws them. */
function fail(code: string): never {
  throw Object.assign(new Error(`${code}: from the model`), { code })
}

function failAsTold(answers: string[] | undefined): void {
  const answer = answers?.shift()
  if (answer !== undefined && answer !== 'ok') fail(answer)
}
