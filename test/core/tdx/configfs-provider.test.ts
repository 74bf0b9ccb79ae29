import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KERNEL_TSM_FILES } from '../../../src/core/tdx/configfs-files.js'
import {
  createConfigfsProvider,
  createConfigfsSource,
  TSM_REPORT_PATH,
  type TsmFiles,
} from '../../../src/core/tdx/configfs-provider.js'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { encodeQuote, parseQuote } from '../../../src/core/tdx/quote.js'
import { isSimulatedQuote } from '../../../src/core/tdx/simulated-mark.js'
import { AUTHORITY, REPORT_DATA } from './samples.js'
import { TsmModel, type TsmModelOptions } from './tsm-model.js'

/** A quote such as a machine would give: the structure of ours without the mark. */
function unmarkedQuote(reportData: Uint8Array): Uint8Array {
  const quote = parseQuote(AUTHORITY.quote(reportData))
  const chain = parsePemChain(quote.certificationData.certificateChain)
  const certificateChain = encodePemChain(chain.map((der) => der.slice(0, 20)))
  return encodeQuote({
    ...quote,
    certificationData: { ...quote.certificationData, certificateChain },
  })
}

function setUp(options: Partial<TsmModelOptions> = {}, files?: TsmFiles) {
  const model = new TsmModel({ quote: unmarkedQuote, ...options })
  const sleeps: number[] = []
  const warnings: string[] = []
  let count = 0
  const configfs = {
    files: files ?? model,
    uniqueName: () => String(count++),
    sleep: async (delayMs: number) => {
      sleeps.push(delayMs)
    },
    warn: (message: string) => {
      warnings.push(message)
    },
  }
  return {
    model,
    sleeps,
    warnings,
    provider: createConfigfsProvider(configfs),
    source: createConfigfsSource(configfs),
  }
}

describe('a request', () => {
  it('gives the quote of the kernel and leaves nothing behind', async () => {
    const { model, provider, warnings } = setUp()
    const quote = await provider.quote(REPORT_DATA)
    expect(quote).toEqual(unmarkedQuote(REPORT_DATA))
    expect(isSimulatedQuote(parseQuote(quote))).toBe(false)
    expect(model.folders).toEqual([`${TSM_REPORT_PATH}/sp1-tee-0`])
    expect(model.entries.size).toBe(0)
    expect(model.openFiles).toBe(0)
    expect(warnings).toEqual([])
  })

  it('keeps the padding that some platforms append', async () => {
    const padded = (data: Uint8Array) => Uint8Array.from([...unmarkedQuote(data), 0, 0, 0])
    const quote = await setUp({ quote: padded }).provider.quote(REPORT_DATA)
    expect(parseQuote(quote).trailingZeroBytes).toBe(3)
  })

  it('has a folder of its own, and waits for those before it', async () => {
    const { model, provider } = setUp()
    const requests = [1, 2, 3, 4].map((byte) => new Uint8Array(64).fill(byte))
    const quotes = await Promise.all(requests.map((reportData) => provider.quote(reportData)))
    expect(quotes).toEqual(requests.map(unmarkedQuote))
    expect(new Set(model.folders).size).toBe(4)
    expect(model.mostEntries).toBe(1)
  })

  it('waits for those of other providers of the same device, too', async () => {
    const { model } = setUp()
    const providers = [setUp({}, model), setUp({}, model)]
    const [first, second] = providers.map(({ provider }) => provider.quote(REPORT_DATA))
    // Both use the name 0: at the same time the second would find the folder taken.
    await Promise.all([first, second])
    expect(model.mostEntries).toBe(1)
  })

  it('goes on after one that failed', async () => {
    const { provider } = setUp({ outblob: ['EIO'] })
    const [failed, good] = await Promise.allSettled([
      provider.quote(REPORT_DATA),
      provider.quote(REPORT_DATA),
    ])
    expect([failed.status, good.status]).toEqual(['rejected', 'fulfilled'])
  })

  it('says when its folder could not be removed, and gives the quote', async () => {
    const { provider, warnings } = setUp({ rmdir: ['EBUSY'] })
    await provider.quote(REPORT_DATA)
    expect(warnings).toEqual([
      `${TSM_REPORT_PATH}/sp1-tee-0 could not be removed (EBUSY); remove it by rmdir.`,
    ])
  })

  it('stops between attempts when it is aborted', async () => {
    const controller = new AbortController()
    const { model, provider } = setUp({
      outblob: ['EBUSY'],
      quote: () => {
        throw new Error('it was asked again')
      },
      rmdir: [],
    })
    const pending = provider.quote(REPORT_DATA, controller.signal)
    controller.abort()
    await expect(pending).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(model.entries.size).toBe(0)
  })
})

describe('failures of the kernel', () => {
  const failures: readonly [string, Partial<TsmModelOptions>, string, object][] = [
    ['no TDX driver', { mkdir: ['ENXIO'] }, 'TDX_DEVICE_MISSING', { reason: /no TDX guest/ }],
    ['no configfs', { mkdir: ['ENOENT'] }, 'TDX_DEVICE_MISSING', { reason: /not there/ }],
    ['not root', { mkdir: ['EACCES'] }, 'TDX_PERMISSION_DENIED', { step: 'mkdir' }],
    ['not allowed', { mkdir: ['EPERM'] }, 'TDX_PERMISSION_DENIED', { errno: 'EPERM' }],
    ['a read-only /sys', { mkdir: ['EROFS'] }, 'TDX_PERMISSION_DENIED', { errno: 'EROFS' }],
    ['a name that is taken', { mkdir: ['EEXIST'] }, 'TDX_DEVICE_FAILED', { reason: 'EEXIST' }],
    [
      'another kind of guest',
      { provider: 'sev_guest' },
      'TDX_PROVIDER_OTHER',
      { found: 'sev_guest' },
    ],
    ['no answer in time', { outblob: ['ETIMEDOUT'] }, 'TDX_TIMEOUT', { step: 'outblob' }],
    ['a failed hypercall', { outblob: ['EIO'] }, 'TDX_HOST_FAILED', { errno: 'EIO' }],
    ['a bad length', { outblob: ['EFBIG'] }, 'TDX_HOST_FAILED', { errno: 'EFBIG' }],
    ['a refused request', { outblob: ['EINVAL'] }, 'TDX_REQUEST_REFUSED', { step: 'outblob' }],
    ['an attribute gone', { outblob: ['ENOENT'] }, 'TDX_DEVICE_FAILED', { step: 'outblob' }],
    ['something else', { outblob: ['ENOMEM'] }, 'TDX_DEVICE_FAILED', { reason: 'ENOMEM' }],
    ['a lost write', { store: ['EBUSY'] }, 'TDX_REQUEST_LOST', { expected: 1, actual: 0 }],
    [
      'a foreign write',
      { afterRead: (entry) => entry.generation++ },
      'TDX_REQUEST_LOST',
      { expected: 1, actual: 2 },
    ],
    ['half a write', { writeLimit: 32 }, 'TDX_DEVICE_FAILED', { reason: 'took 32 bytes' }],
    ['an empty quote', { quote: () => new Uint8Array(0) }, 'QUOTE_UNUSABLE', { bytes: 0 }],
    [
      'a short quote',
      { quote: (data) => unmarkedQuote(data).slice(0, -1) },
      'QUOTE_UNUSABLE',
      { reason: /QUOTE_TRUNCATED/ },
    ],
    ['garbage', { quote: () => new Uint8Array(8192).fill(1) }, 'QUOTE_UNUSABLE', { bytes: 8192 }],
    [
      'endless bytes',
      { quote: () => new Uint8Array(16 * 2 ** 20 + 1) },
      'TDX_DEVICE_FAILED',
      { reason: 'over 16777216 bytes' },
    ],
    ["another's quote", { quote: () => unmarkedQuote(new Uint8Array(64)) }, 'QUOTE_FOREIGN', {}],
    [
      'a simulated quote',
      { quote: (data) => AUTHORITY.quote(data) },
      'QUOTE_SIMULATION',
      { simulated: true },
    ],
  ]
  it.each(failures)('%s', async (_, options, code, details) => {
    const { model, provider, sleeps } = setUp(options)
    const error = await provider.quote(REPORT_DATA).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, exitCode: 6, httpStatus: 503 })
    for (const [name, expected] of Object.entries(details)) {
      const actual = (error as { details: Record<string, unknown> }).details[name]
      if (expected instanceof RegExp) expect(actual).toMatch(expected)
      else expect(actual).toBe(expected)
    }
    expect(sleeps).toEqual([])
    expect(model.entries.size).toBe(0)
    expect(model.openFiles).toBe(0)
  })

  it('that pass are waited for', async () => {
    const { model, provider, sleeps } = setUp({ outblob: ['EBUSY', 'EINTR', 'EBUSY'] })
    expect(await provider.quote(REPORT_DATA)).toEqual(unmarkedQuote(REPORT_DATA))
    expect(sleeps).toEqual([1000, 2000, 4000])
    expect(new Set(model.folders).size).toBe(4)
  })

  it.each([
    ['EBUSY', 'TDX_BUSY'],
    ['EINTR', 'TDX_INTERRUPTED'],
  ])('that do not pass (%s) end in %s', async (code, expected) => {
    const { model, provider, sleeps } = setUp({ outblob: new Array(20).fill(code) })
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({ code: expected })
    expect(sleeps).toEqual([1000, 2000, 4000, 8000, 16000])
    expect(model.entries.size).toBe(0)
  })

  it('keep their cause', async () => {
    const { provider } = setUp({ outblob: ['EIO'] })
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({ cause: { code: 'EIO' } })
  })

  it('are not made up from bugs', async () => {
    const bug = new TypeError('a bug')
    const { provider } = setUp({
      quote: () => {
        throw bug
      },
    })
    await expect(provider.quote(REPORT_DATA)).rejects.toBe(bug)
  })

  it.each(['', 'x', '-1', '1.5'])('count as such when generation is %j', async (text) => {
    const model = new TsmModel({ quote: unmarkedQuote })
    const files: TsmFiles = {
      makeFolder: (path) => model.makeFolder(path),
      removeFolder: (path) => model.removeFolder(path),
      open: async (path, access) => {
        const file = await model.open(path, access)
        if (!path.endsWith('/generation')) return file
        const chunks = [new TextEncoder().encode(text)]
        return { ...file, read: async () => chunks.shift() ?? new Uint8Array(0) }
      },
    }
    await expect(setUp({}, files).provider.quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'TDX_DEVICE_FAILED',
      details: { step: 'generation' },
    })
  })
})

describe('the probe', () => {
  it('finds a TDX guest and leaves nothing behind', async () => {
    const { model, source } = setUp()
    expect(await source.probe()).toBeUndefined()
    expect(model.entries.size).toBe(0)
    expect((await source.open()).name).toBe('configfs')
  })

  it.each([
    ['no driver', { mkdir: ['ENXIO'] }, 'TDX_DEVICE_MISSING'],
    ['no permission', { mkdir: ['EACCES'] }, 'TDX_PERMISSION_DENIED'],
    ['another guest', { provider: 'arm_cca_guest' }, 'TDX_PROVIDER_OTHER'],
  ])('says why not: %s', async (_, options, code) => {
    expect(await setUp(options).source.probe()).toMatchObject({ code })
  })

  it('does not hide bugs', async () => {
    const bug = new TypeError('a bug')
    const files = { makeFolder: async () => Promise.reject(bug) } as unknown as TsmFiles
    await expect(setUp({}, files).source.probe()).rejects.toBe(bug)
  })
})

describe('the model of the kernel', () => {
  const folder = `${TSM_REPORT_PATH}/test`
  async function write(model: TsmModel, ...parts: Uint8Array[]) {
    const file = await model.open(`${folder}/inblob`, 'write')
    for (const part of parts) await file.write(part)
    await file.close()
  }
  async function opened(options: Partial<TsmModelOptions> = {}) {
    const model = new TsmModel({ quote: unmarkedQuote, ...options })
    await model.makeFolder(folder)
    return model
  }
  const read = async (model: TsmModel, name: string) =>
    (await model.open(`${folder}/${name}`, 'read')).read(2 ** 20)

  it('stores at close, all that one file was given', async () => {
    const model = await opened()
    const file = await model.open(`${folder}/inblob`, 'write')
    await file.write(REPORT_DATA)
    expect(model.entries.get(folder)?.generation).toBe(0)
    await file.close()
    expect(model.entries.get(folder)).toMatchObject({ generation: 1, inblob: REPORT_DATA })
  })

  it('has no quote before a write, nor of a write that is not 64 bytes', async () => {
    const model = await opened()
    await expect(read(model, 'outblob')).rejects.toMatchObject({ code: 'EINVAL' })
    await write(model, REPORT_DATA.slice(1))
    await expect(read(model, 'outblob')).rejects.toMatchObject({ code: 'EINVAL' })
    await expect(write(model, REPORT_DATA, REPORT_DATA)).rejects.toMatchObject({ code: 'EFBIG' })
  })

  it('drops the error of a store', async () => {
    const model = await opened({ store: ['ENXIO'] })
    await write(model, REPORT_DATA)
    expect(model.entries.get(folder)?.generation).toBe(0)
  })

  it('gives text a line end, keeps files apart by access, and has no file beyond those of TDX', async () => {
    const model = await opened()
    expect(new TextDecoder().decode(await read(model, 'provider'))).toBe('tdx_guest\n')
    expect(new TextDecoder().decode(await read(model, 'generation'))).toBe('0\n')
    await expect(model.open(`${folder}/auxblob`, 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    const file = await model.open(`${folder}/inblob`, 'write')
    await expect(file.read(1)).rejects.toMatchObject({ code: 'ETXTBSY' })
    await expect(model.makeFolder(folder)).rejects.toMatchObject({ code: 'EEXIST' })
  })
})

describe('the file system', () => {
  it('is read to the end and written once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sp1-tee-tsm-'))
    try {
      const path = join(folder, 'inblob')
      await expect(KERNEL_TSM_FILES.open(path, 'write')).rejects.toMatchObject({ code: 'ENOENT' })
      await writeFile(path, 'abcdef')
      const writer = await KERNEL_TSM_FILES.open(path, 'write')
      expect(await writer.write(Uint8Array.of(0x78, 0x79))).toBe(2)
      await writer.close()
      expect(await readFile(path, 'utf8')).toBe('xycdef')
      const reader = await KERNEL_TSM_FILES.open(path, 'read')
      const lengths = [await reader.read(4), await reader.read(4), await reader.read(4)]
      expect(lengths.map(({ length }) => length)).toEqual([4, 2, 0])
      await reader.close()
      const child = join(folder, 'child')
      await KERNEL_TSM_FILES.makeFolder(child)
      await expect(KERNEL_TSM_FILES.makeFolder(child)).rejects.toMatchObject({ code: 'EEXIST' })
      await KERNEL_TSM_FILES.removeFolder(child)
      await expect(KERNEL_TSM_FILES.removeFolder(child)).rejects.toMatchObject({ code: 'ENOENT' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
