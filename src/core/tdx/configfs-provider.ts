/**
 * Quotes from the Linux kernel's configfs-tsm interface (Linux 6.7 or newer).
 *
 * A request is a folder: write `inblob`, read `outblob`, remove the folder. The kernel takes what
 * was written when the file is closed, and throws its own error away then; a write that was lost
 * shows only in `generation`, which counts the writes to the folder. Every request has a folder of
 * its own, so that nobody else's write can be in between.
 *
 * Source: Linux Documentation/ABI/testing/configfs-tsm-report, drivers/virt/coco/guest/report.c and
 * drivers/virt/coco/tdx-guest/tdx-guest.c; what go-configfs-tsm does about races.
 */
import { concatBytes } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import {
  createProvider,
  errnoOf,
  type ProviderSource,
  type QuoteProvider,
  throwIfAborted,
} from './provider.js'

export const TSM_REPORT_PATH = '/sys/kernel/config/tsm/report'
const TDX_PROVIDER = 'tdx_guest'
/** What the newest kernels allow a quote to have. */
const MAX_OUTBLOB_BYTES = 16 * 2 ** 20
/** A page: what the kernel gives a text attribute. */
const MAX_TEXT_BYTES = 4096
const READ_BYTES = 64 * 2 ** 10
const MAKE_FOLDER = 'mkdir'
/** Together longer than the 30 s for which the kernel itself waits for the host. */
const RETRY_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 16_000]
const RETRIED_CODES: ReadonlySet<string> = new Set(['TDX_BUSY', 'TDX_INTERRUPTED'])

/** The file operations a request needs. Failures are errors with an errno name as their `code`. */
export interface TsmFiles {
  /** mkdir(2) of one folder; the kernel fills it with attributes. */
  makeFolder(path: string): Promise<void>
  /** rmdir(2); configfs has no recursive removal. */
  removeFolder(path: string): Promise<void>
  /** Opens what is there, without creating or truncating. */
  open(path: string, access: 'read' | 'write'): Promise<TsmFile>
}

export interface TsmFile {
  /** The next bytes, none at the end. */
  read(maxBytes: number): Promise<Uint8Array>
  /** One write(2). @returns how many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>
  close(): Promise<void>
}

export interface ConfigfsOptions {
  readonly files: TsmFiles
  /** A name no other request on this machine has. */
  readonly uniqueName: () => string
  /** Returns early when aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>
  /** Told when a folder could not be removed; the quote is good nevertheless. */
  readonly warn: (message: string) => void
}

export function createConfigfsProvider(options: ConfigfsOptions): QuoteProvider {
  return createProvider({
    name: 'configfs',
    simulated: false,
    request: (reportData, signal) =>
      inTurn(options.files, () => requestPatiently(options, reportData, signal)),
  })
}

export function createConfigfsSource(options: ConfigfsOptions): ProviderSource {
  return {
    name: 'configfs',
    simulated: false,
    probe: () => inTurn(options.files, () => probe(options)),
    open: async () => createConfigfsProvider(options),
  }
}

/**
 * The end of each device's queue. The kernel makes one quote at a time for the whole machine; this
 * keeps a process from waiting on itself there, however many providers it has.
 */
const queues = new WeakMap<TsmFiles, Promise<unknown>>()

function inTurn<Result>(files: TsmFiles, task: () => Promise<Result>): Promise<Result> {
  const earlier = queues.get(files) ?? Promise.resolve()
  const result = earlier.then(task, task)
  queues.set(files, result)
  return result
}

async function probe(options: ConfigfsOptions): Promise<UnavailableError | undefined> {
  try {
    await inFolder(options, (folder) => checkKernelProvider(options.files, folder))
    return undefined
  } catch (error) {
    if (error instanceof UnavailableError) return error
    throw error
  }
}

async function requestPatiently(
  options: ConfigfsOptions,
  reportData: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(signal)
    try {
      return await inFolder(options, (folder) => requestOnce(options.files, folder, reportData))
    } catch (error) {
      const delayMs = RETRY_DELAYS_MS[attempt]
      const isPassing = error instanceof UnavailableError && RETRIED_CODES.has(error.code)
      if (!isPassing || delayMs === undefined) throw error
      await options.sleep(delayMs, signal)
    }
  }
}

async function requestOnce(
  files: TsmFiles,
  folder: string,
  reportData: Uint8Array,
): Promise<Uint8Array> {
  await checkKernelProvider(files, folder)
  const expected = (await readGeneration(files, folder)) + 1
  await writeOnce(files, `${folder}/inblob`, reportData)
  await checkGeneration(files, folder, expected)
  const quote = await readToEnd(files, `${folder}/outblob`, MAX_OUTBLOB_BYTES)
  // Once more, after reading: a write by somebody else would have changed what was quoted.
  await checkGeneration(files, folder, expected)
  return quote
}

async function inFolder<Result>(
  { files, uniqueName, warn }: ConfigfsOptions,
  task: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = `${TSM_REPORT_PATH}/sp1-tee-${uniqueName()}`
  await during(MAKE_FOLDER, () => files.makeFolder(folder))
  try {
    return await task(folder)
  } finally {
    await files.removeFolder(folder).catch((error: unknown) => {
      warn(`${folder} could not be removed (${errnoOf(error) ?? error}); remove it by rmdir.`)
    })
  }
}

async function checkKernelProvider(files: TsmFiles, folder: string): Promise<void> {
  const found = await readText(files, `${folder}/provider`)
  if (found !== TDX_PROVIDER) throw new UnavailableError('TDX_PROVIDER_OTHER', { found })
}

async function checkGeneration(files: TsmFiles, folder: string, expected: number): Promise<void> {
  const actual = await readGeneration(files, folder)
  if (actual !== expected) throw new UnavailableError('TDX_REQUEST_LOST', { expected, actual })
}

async function readGeneration(files: TsmFiles, folder: string): Promise<number> {
  const text = await readText(files, `${folder}/generation`)
  if (!/^\d{1,15}$/.test(text)) {
    throw new UnavailableError('TDX_DEVICE_FAILED', { step: 'generation', reason: 'no number' })
  }
  return Number(text)
}

async function readText(files: TsmFiles, path: string): Promise<string> {
  const bytes = await readToEnd(files, path, MAX_TEXT_BYTES)
  return new TextDecoder().decode(bytes).replace(/\n$/, '')
}

async function readToEnd(files: TsmFiles, path: string, maxBytes: number): Promise<Uint8Array> {
  return withFile(files, path, 'read', async (file, step) => {
    const chunks: Uint8Array[] = []
    let total = 0
    for (;;) {
      const chunk = await file.read(READ_BYTES)
      if (chunk.length === 0) return concatBytes(...chunks)
      total += chunk.length
      if (total > maxBytes) {
        throw new UnavailableError('TDX_DEVICE_FAILED', { step, reason: `over ${maxBytes} bytes` })
      }
      chunks.push(chunk)
    }
  })
}

async function writeOnce(files: TsmFiles, path: string, bytes: Uint8Array): Promise<void> {
  await withFile(files, path, 'write', async (file, step) => {
    const taken = await file.write(bytes)
    // A second write would count as a second request.
    if (taken !== bytes.length) {
      throw new UnavailableError('TDX_DEVICE_FAILED', { step, reason: `took ${taken} bytes` })
    }
  })
}

/** Closes the file in any case, and waits for it: closing is what commits a write. */
async function withFile<Result>(
  files: TsmFiles,
  path: string,
  access: 'read' | 'write',
  task: (file: TsmFile, step: string) => Promise<Result>,
): Promise<Result> {
  const step = path.slice(path.lastIndexOf('/') + 1)
  return during(step, async () => {
    const file = await files.open(path, access)
    try {
      return await task(file, step)
    } finally {
      await file.close()
    }
  })
}

async function during<Result>(step: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task()
  } catch (error) {
    const errno = errnoOf(error)
    if (error instanceof UnavailableError || errno === undefined) throw error
    throw asUnavailable(step, errno, error)
  }
}

function asUnavailable(step: string, errno: string, cause: unknown): UnavailableError {
  switch (errno) {
    case 'ENXIO': {
      const reason = 'the kernel has no TDX guest driver (tdx_guest)'
      return new UnavailableError('TDX_DEVICE_MISSING', { reason }, cause)
    }
    case 'ENOENT': {
      if (step !== MAKE_FOLDER) break
      const reason = `${TSM_REPORT_PATH} is not there (no configfs, or no tsm module)`
      return new UnavailableError('TDX_DEVICE_MISSING', { reason }, cause)
    }
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UnavailableError('TDX_PERMISSION_DENIED', { step, errno }, cause)
    case 'EBUSY':
      return new UnavailableError('TDX_BUSY', { step }, cause)
    case 'EINTR':
      return new UnavailableError('TDX_INTERRUPTED', { step }, cause)
    case 'ETIMEDOUT':
      return new UnavailableError('TDX_TIMEOUT', { step }, cause)
    case 'EIO':
    case 'EFBIG':
      return new UnavailableError('TDX_HOST_FAILED', { step, errno }, cause)
    case 'EINVAL':
      return new UnavailableError('TDX_REQUEST_REFUSED', { step }, cause)
  }
  return new UnavailableError('TDX_DEVICE_FAILED', { step, reason: errno }, cause)
}
