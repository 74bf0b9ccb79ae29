import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha384 } from '@noble/hashes/sha2.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concatBytes, toHex } from '../../src/core/bytes.js'
import { encodeEventLog } from '../../src/core/tdx/event-log.js'
import { cli, cliJson } from '../support/cli.js'

let folder: string
let quote: string
let attested: { reportData: string; measurements: Record<string, string> }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-inspect-'))
  quote = join(folder, 'q.bin')
  const flags = ['--provider', 'simulated', '--state-dir', join(folder, 'state'), '--out', quote]
  attested = (await cliJson(['attest', ...flags])).json
})
afterAll(() => rm(folder, { recursive: true }))

describe('quote inspect', () => {
  it('shows who, what, where and how fresh, and that nothing was verified', async () => {
    const { exitCode, stdout } = await cli(['quote', 'inspect', quote])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^TDX quote, version 4, TD 1.0\nSIMULATED/)
    for (const title of ['who', 'what', 'where', 'certificates']) {
      expect(stdout).toContain(`\n${title}\n`)
    }
    expect(stdout).toContain(`signer           0x${attested.reportData.slice(26, 66)}`)
    expect(stdout).toContain(`mrtd             ${attested.measurements.mrtd}`)
    expect(stdout).toContain('mrOwner          zero')
    expect(stdout).toContain('Nothing of this was verified')
  })

  it('gives the parsed quote as JSON', async () => {
    const { json } = await cliJson(['quote', 'inspect', quote])
    expect(json).toMatchObject({
      version: 4,
      tee: 'TDX',
      simulated: true,
      signer: `0x${attested.reportData.slice(26, 66)}`,
      body: { mrtd: attested.measurements.mrtd, reportData: attested.reportData },
      platform: { fmspc: '0x53494d000000' },
    })
  })

  it('refuses what is no quote', async () => {
    const run = await cliJson(['quote', 'inspect', '-'], { input: 'hello' })
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'QUOTE_TRUNCATED'])
  })

  it('shows the events of a log, and what they make of the registers', async () => {
    const utf8 = new TextEncoder()
    const algorithms = [{ id: 0x0c, bytes: 48 }]
    const specId = concatBytes(
      utf8.encode('Spec ID Event03\0'),
      Uint8Array.of(0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0c, 0, 48, 0, 0),
    )
    const digest = new Uint8Array(48).fill(7)
    const event = { mrIndex: 3, type: 0x0d, digests: [{ algorithm: 0x0c, digest }] }
    const log = encodeEventLog({
      header: { pcrIndex: 0, digest: new Uint8Array(20), data: specId },
      algorithms,
      events: [{ ...event, data: utf8.encode('grub_cmd: boot\0') }],
      padding: new Uint8Array(16),
    })
    const path = join(folder, 'ccel.bin')
    await writeFile(path, log)
    const { stdout } = await cli(['quote', 'inspect', quote, '--eventlog', path])
    expect(stdout).toMatch(/RTMR2 +0x0707070707070707… +EV_IPL +grub_cmd: boot\n/)
    expect(stdout).toMatch(/RTMR2 +NOT as in the quote, 1 events\n/)
    const { json } = await cliJson(['quote', 'inspect', quote, '--eventlog', path])
    expect(json.events).toHaveLength(1)
    const { register, value, matches } = json.replayed[2]
    expect([register, matches]).toEqual(['RTMR2', false])
    expect(value).toBe(toHex(sha384(concatBytes(new Uint8Array(48), digest))))
  })
})
