import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, cliJson } from '../support/cli.js'
import { type Pcs, startPcs } from '../support/pcs.js'

let folder: string
let quote: string
let pcs: Pcs
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-collateral-'))
  quote = at('q.bin')
  const flags = ['--provider', 'simulated', '--state-dir', at('state')]
  await cliJson(['attest', ...flags, '--out', quote, '--collateral-out', at('c.json')])
  pcs = await startPcs(JSON.parse(await readFile(at('c.json'), 'utf8')))
})
afterAll(async () => {
  await pcs.close()
  await rm(folder, { recursive: true })
})

describe('quote collateral', () => {
  const flags = () => ['--pccs-url', pcs.url, '--state-dir', at('state')]

  it('fetches what a quote is verified with, once', async () => {
    const out = at('fetched.json')
    const { exitCode, stdout } = await cli(['quote', 'collateral', quote, '-o', out, ...flags()])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^TCB info +valid until 20/)
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(
      JSON.parse(await readFile(at('c.json'), 'utf8')),
    )
    const root = at('state/simulated/root.pem')
    const verified = await cliJson(['quote', 'verify', quote, '--root', root, ...flags()])
    expect(verified.json.valid).toBe(true)
    expect(pcs.requests).toHaveLength(4)
  })

  it('gives it as JSON, and on standard output', async () => {
    const { json } = await cliJson(['quote', 'collateral', quote, ...flags()])
    expect(json.collateral.tcb_info).toContain('"TDX"')
    const { stdout } = await cli(['quote', 'collateral', quote, ...flags()])
    expect(JSON.parse(stdout)).toEqual(json.collateral)
  })

  it('says whose fault it is that there is none', async () => {
    const nobody = ['--pccs-url', 'http://127.0.0.1:1', '--state-dir', at('other')]
    const collateral = JSON.parse(await readFile(at('c.json'), 'utf8'))
    const unknown = await startPcs(collateral)
    unknown.mishap = 'unknown platform'
    try {
      const flags = ['--pccs-url', unknown.url, '--state-dir', at('other')]
      const run = await cliJson(['quote', 'collateral', quote, ...flags])
      expect([run.exitCode, run.json.error.code]).toEqual([8, 'PCS_PLATFORM_UNKNOWN'])
    } finally {
      await unknown.close()
    }
    const run = await cliJson(['quote', 'collateral', quote, ...nobody])
    expect([run.exitCode, run.json.error.code]).toEqual([8, 'PCS_UNREACHABLE'])
  })
})
