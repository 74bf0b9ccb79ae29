import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromHex, isSimulatedQuote, parseTdQuote, toHex } from '../../src/core/index.js'
import { cli, cliJson } from '../support/cli.js'

let folder: string
let simulated: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-attest-'))
  simulated = ['attest', '--provider', 'simulated', '--state-dir', join(folder, 'state')]
})
afterAll(() => rm(folder, { recursive: true }))

describe('attest', () => {
  it('gives a simulated quote over the signer, and says that it is one', async () => {
    const quoteFile = join(folder, 'quote.bin')
    const { exitCode, json, stderr } = await cliJson([...simulated, '--out', quoteFile])
    expect(exitCode).toBe(0)
    expect(stderr).toContain('cannot be registered')
    expect(json).toMatchObject({ provider: 'simulated', simulated: true, quoteFile })
    expect(json.reference).toEqual({ blockNumber: 0, blockHash: `0x${'00'.repeat(32)}` })
    const quote = parseTdQuote(fromHex(json.quote))
    expect(isSimulatedQuote(quote)).toBe(true)
    expect(toHex(quote.body.reportData)).toBe(json.reportData)
    expect(json.measurements.mrtd).toBe(toHex(quote.body.mrtd))
    expect(toHex(await readFile(quoteFile))).toBe(json.quote)
  })

  it('binds the same signer each time, and shows the root to people', async () => {
    const [first, second] = [await cliJson(simulated), await cliJson(simulated)]
    expect(second.json.reportData).toBe(first.json.reportData)
    const human = await cli(simulated)
    expect(human.stdout).toContain('SIMULATED')
    expect(human.stdout).toContain(`root           ${join(folder, 'state/simulated/root.pem')}`)
    const address = /signer {9}(0x[0-9a-f]{40})/.exec(human.stdout)?.[1] ?? 'none'
    expect(first.json.reportData.slice(26, 66)).toBe(address.slice(2))
  })

  it('takes other report data for local use', async () => {
    const reportData = `0x${'ab'.repeat(64)}`
    const { json } = await cliJson([...simulated, '--report-data', reportData])
    expect(json).toMatchObject({ reportData, reference: null })
  })

  it.each([
    ['no TDX device', 6, 'TDX_DEVICE_MISSING', ['attest']],
    ['short report data', 2, 'FLAG_INVALID', ['--report-data', '0x00']],
    ['an unknown provider', 2, 'USAGE', ['--provider', 'magic']],
  ])('refuses %s with exit code %i', async (_name, exitCode, code, args) => {
    const run = await cliJson(args[0] === 'attest' ? args : [...simulated, ...args])
    expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
  })
})
