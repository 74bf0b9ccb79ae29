/**
 * The commands with configfs-tsm: the built command, real system calls, and the model of the kernel's
 * rules as a file system where the kernel's is.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.js'
import { AUTHORITY, unmarked } from '../core/tdx/samples.js'
import { TsmModel, type TsmModelOptions } from '../core/tdx/tsm-model.js'
import { cliWithTsm, hasFuse } from '../support/tsm-fuse.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-configfs-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** As a machine gives them. */
const unmarkedQuote = (reportData: Uint8Array) => unmarked(AUTHORITY.quote(reportData))

async function run(options: Partial<TsmModelOptions>, ...args: string[]) {
  const model = new TsmModel({ quote: unmarkedQuote, ...options })
  const command = [...args, '--provider', 'configfs', '--state-dir', join(folder, 'state')]
  const { exitCode, stdout, stderr } = await cliWithTsm(model, [...command, '--json'])
  expect(model.entries.size).toBe(0)
  expect(model.openFiles).toBe(0)
  return { exitCode, stderr, json: JSON.parse(stdout) }
}

const REPORT_DATA = `0x${'5a'.repeat(64)}`
const attest = (options: Partial<TsmModelOptions> = {}) =>
  run(options, 'attest', '--report-data', REPORT_DATA)

describe.runIf(hasFuse())('with configfs-tsm as a file system', () => {
  it('attest gives the quote of the kernel', async () => {
    const { exitCode, json } = await attest()
    expect(exitCode).toBe(0)
    expect(json).toMatchObject({ provider: 'configfs', simulated: false, reportData: REPORT_DATA })
    const reportData = new Uint8Array(64).fill(0x5a)
    expect(json.quote).toBe(toHex(unmarkedQuote(reportData)))
  })

  it('attest takes a padded quote of 8,000 bytes as it comes', async () => {
    const padded = (reportData: Uint8Array) => {
      const bytes = new Uint8Array(8_000)
      bytes.set(unmarkedQuote(reportData))
      return bytes
    }
    expect((await attest({ quote: padded })).json.quote).toHaveLength(2 + 2 * 8_000)
  })

  it('attest is patient with a host that is busy', async () => {
    const { exitCode, json } = await attest({ outblob: ['EBUSY'] })
    expect([exitCode, json.provider]).toEqual([0, 'configfs'])
  })

  const empty = () => new Uint8Array(0)
  it.each<[string, Partial<TsmModelOptions>, string, string]>([
    ['the driver is missing', { mkdir: ['ENXIO'] }, 'device', 'TDX_DEVICE_MISSING'],
    ['access is denied', { mkdir: ['EACCES'] }, 'device', 'TDX_PERMISSION_DENIED'],
    ['another TEE answers', { provider: 'sev_guest' }, 'device', 'TDX_PROVIDER_OTHER'],
    ['the write is lost', { store: ['EINVAL'] }, 'quote', 'TDX_REQUEST_LOST'],
    ['the host is silent', { outblob: ['ETIMEDOUT'] }, 'quote', 'TDX_TIMEOUT'],
    ['the host fails', { outblob: ['EIO'] }, 'quote', 'TDX_HOST_FAILED'],
    ['the kernel is too old', { outblob: ['EINVAL'] }, 'quote', 'TDX_REQUEST_REFUSED'],
    ['the quote is empty', { quote: empty }, 'quote', 'QUOTE_UNUSABLE'],
    [
      'the quote is short',
      { quote: (data) => unmarkedQuote(data).slice(0, 700) },
      'quote',
      'QUOTE_UNUSABLE',
    ],
    [
      'the quote is an old one',
      { quote: () => unmarkedQuote(new Uint8Array(64).fill(1)) },
      'quote',
      'QUOTE_FOREIGN',
    ],
    [
      'the quote is simulated',
      { quote: (data) => AUTHORITY.quote(data) },
      'quote',
      'QUOTE_SIMULATION',
    ],
  ])('doctor says what to do if %s', async (_, options, check, code) => {
    const { exitCode, json } = await run(options, 'doctor', '--insecure-key-on-disk')
    expect(exitCode).toBe(6)
    const failed = json.checks.filter(({ ok }: { ok: boolean }) => !ok)
    expect(failed).toEqual([
      { name: check, ok: false, code, detail: expect.stringMatching(/\. [A-Z].+\.$/) },
    ])
  })
})
