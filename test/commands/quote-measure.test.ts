import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/core/index.js'
import { cliJson } from '../support/cli.js'

let folder: string
let simulated: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-measure-'))
  simulated = ['--provider', 'simulated', '--state-dir', join(folder, 'state')]
})
afterAll(() => rm(folder, { recursive: true }))

describe('quote measure', () => {
  it('gives the same entry for this machine and for a quote of it', async () => {
    const quote = join(folder, 'q.bin')
    await cliJson(['attest', ...simulated, '--out', quote])
    const { json: ofQuote } = await cliJson(['quote', 'measure', quote])
    const { json: ofMachine, stderr } = await cliJson(['quote', 'measure', ...simulated])
    expect(ofMachine).toEqual(ofQuote)
    expect(stderr).toContain('SIMULATED')
    expect(parsePolicy({ version: 1, workloads: [ofQuote] }).workloads).toEqual([ofQuote])
    expect(ofQuote.workloadId).toMatch(/^0x[0-9a-f]{64}$/)
  })

  it('takes names that a policy takes', async () => {
    const named = await cliJson(['quote', 'measure', ...simulated, '--name', 'v1.2.0 (x)'])
    expect(parsePolicy({ version: 1, workloads: [named.json] }).workloads).toEqual([named.json])
    for (const name of ['', 'ü', 'a\nb', 'a'.repeat(201)]) {
      const { exitCode, json } = await cliJson(['quote', 'measure', ...simulated, '--name', name])
      expect([exitCode, json.error.code]).toEqual([2, 'FLAG_INVALID'])
    }
  })

  it('says that there is no TDX device here', async () => {
    const run = await cliJson(['quote', 'measure'])
    expect([run.exitCode, run.json.error.code]).toEqual([6, 'TDX_DEVICE_MISSING'])
  })
})
