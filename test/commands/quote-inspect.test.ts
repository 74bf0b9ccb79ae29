import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
})
