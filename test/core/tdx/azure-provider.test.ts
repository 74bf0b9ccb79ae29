/** Azure's way to a quote, through a real TPM's NV indexes and a local metadata service. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import {
  type AzureOptions,
  createAzureSource,
  type RunTpmTool,
} from '../../../src/core/tdx/azure-provider.js'
import { parseUserData } from '../../../src/core/tdx/hcl-report.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { LOCAL_QUOTE_SERVICE } from '../../../src/core/tdx/quote-service.js'
import { runTpmTool } from '../../../src/core/tdx/tpm-tools.js'
import { type AzureMachine, startAzureMachine } from '../../support/azure.js'
import { REPORT_DATA } from './samples.js'

let machine: AzureMachine
let delays: number[]
const tcti = process.env.TPM2TOOLS_TCTI
beforeAll(async () => {
  machine = await startAzureMachine()
  process.env.TPM2TOOLS_TCTI = machine.tcti
})
beforeEach(() => {
  delays = []
  machine.answers = []
  machine.requests.length = 0
})
afterAll(async () => {
  if (tcti === undefined) delete process.env.TPM2TOOLS_TCTI
  else process.env.TPM2TOOLS_TCTI = tcti
  await machine.stop()
})

/** The paravisor works while the provider waits. */
function source(
  paravisor: () => Promise<void> = () => machine.answerReport(),
  options: Partial<AzureOptions> = {},
) {
  return createAzureSource({
    runTool: runTpmTool,
    service: LOCAL_QUOTE_SERVICE,
    imdsUrl: machine.imdsUrl,
    async sleep(delayMs) {
      delays.push(delayMs)
      if (delayMs === 3_000) await paravisor()
    },
    ...options,
  })
}

const attest = async (...args: Parameters<typeof source>) =>
  (await source(...args).open()).attest(REPORT_DATA)

describe('on Azure', () => {
  it('a quote is bound to what was asked for by its runtime data', async () => {
    expect(await source().probe()).toBeUndefined()
    const { quote, runtimeData } = await attest()
    expect(toHex(parseUserData(runtimeData!))).toBe(toHex(REPORT_DATA))
    const { reportData } = parseTdQuote(quote).body
    expect(toHex(reportData)).not.toContain(toHex(REPORT_DATA).slice(2))
    expect(toHex(reportData.subarray(32))).toBe(`0x${'00'.repeat(32)}`)
    expect(delays).toEqual([3_000])
    const [request] = machine.requests
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
      metadata: 'true',
    })
    const { report } = JSON.parse(request!.body)
    expect(Buffer.from(report, 'base64url')).toHaveLength(1024)
    expect(report).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it('no quote is given to those who would read the report data from it', async () => {
    const provider = await source().open()
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'REPORT_DATA_INDIRECT',
      exitCode: 6,
      details: { provider: 'azure' },
    })
    expect(machine.requests).toEqual([])
  })

  it('an index of another size is made again', async () => {
    const index = '0x01400002'
    await machine.tool('tpm2_nvundefine', ['-C', 'o', index])
    const { runtimeData } = await attest()
    expect(toHex(parseUserData(runtimeData!))).toBe(toHex(REPORT_DATA))
    await machine.tool('tpm2_nvundefine', ['-C', 'o', index])
    await machine.tool('tpm2_nvdefine', [
      '-C',
      'o',
      '-s',
      '32',
      '-a',
      'ownerwrite|ownerread',
      index,
    ])
    expect((await attest()).runtimeData).toEqual(runtimeData)
  })

  it('the paravisor is waited for, and not for ever', async () => {
    const other = REPORT_DATA.slice().reverse()
    await (await source().open()).attest(other)
    delays = []
    let waits = 0
    await attest(async () => {
      waits++
      if (waits === 2) await machine.answerReport()
    })
    expect(delays).toEqual([3_000, 3_000])
    await (await source().open()).attest(other)
    await expect(attest(async () => {})).rejects.toMatchObject({
      code: 'HCL_REPORT_STALE',
      details: { waitedSeconds: 9 },
    })
  })

  it('runtime data that the TDREPORT is not bound to are refused', async () => {
    const forged = () => machine.answerReport((_, json) => json.replace('"test"', '"more"'))
    await expect(attest(forged)).rejects.toMatchObject({
      code: 'QUOTE_UNUSABLE',
      details: { reason: expect.stringContaining('not bound') },
    })
    const broken = () => machine.answerReport(() => '{"user-data":"00"}')
    await expect(attest(broken)).rejects.toMatchObject({
      code: 'QUOTE_UNUSABLE',
      details: { reason: expect.stringContaining('HCL_REPORT_MALFORMED in its runtimeData') },
    })
  })

  it.each([
    ['no JSON', { status: 200, body: '<html>' }, 'it is not JSON'],
    ['no quote', { status: 200, body: '{"quote":"***"}' }, 'it holds no quote'],
    ['a refusal', { status: 415, body: 'Unsupported\n' }, 'status 415 (Unsupported)'],
  ])('the metadata service may answer %s', async (_, answer, reason) => {
    machine.answers = [answer]
    await expect(attest()).rejects.toMatchObject({
      code: 'QUOTE_SERVICE_ANSWER',
      details: { provider: 'azure', address: `${machine.imdsUrl}/acc/tdquote`, reason },
    })
  })

  it('the metadata service is asked again while it is busy', async () => {
    const busy = { status: 429, body: '' }
    machine.answers = [busy, { status: 503, body: '' }]
    await attest()
    expect(delays).toEqual([3_000, 1_000, 2_000])
    machine.answers = [busy, busy, busy, busy]
    await expect(attest()).rejects.toMatchObject({ details: { reason: 'status 429' } })
  })

  it('a quote of another TDREPORT is refused', async () => {
    machine.answers = [{ status: 200, body: await quoteOver(new Uint8Array(64)) }]
    await expect(attest()).rejects.toMatchObject({ code: 'QUOTE_FOREIGN' })

    async function quoteOver(reportData: Uint8Array): Promise<string> {
      const { quote } = await (await source().open()).attest(reportData)
      return JSON.stringify({ quote: Buffer.from(quote).toString('base64url') })
    }
  })

  it('an interruption is heeded while it waits', async () => {
    const interrupt = new AbortController()
    const provider = await source(async () => interrupt.abort()).open()
    await expect(provider.attest(REPORT_DATA, interrupt.signal)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
  })
})

describe('elsewhere', () => {
  const runs =
    (exitCode: number, stdout: string, stderr = ''): RunTpmTool =>
    async () => ({ exitCode, stdout: new TextEncoder().encode(stdout), stderr })

  it.each<[string, RunTpmTool, RegExp]>([
    [
      'tpm2-tools are not installed',
      () => runTpmTool('tpm2_no_such', [], { signal: undefined }),
      /it is not installed/,
    ],
    [
      'there is no TPM',
      runs(1, '', 'ERROR:tcti:x\nERROR: Could not load tcti\n'),
      /Could not load tcti/,
    ],
    ['the TPM is not of Azure', runs(0, '- 0x1C00002\n- 0x14000012\n'), /no report of Azure/],
  ])('the provider is missing: %s', async (_, runTool, reason) => {
    const obstacle = await source(undefined, { runTool }).probe()
    expect(obstacle).toMatchObject({
      code: 'TDX_DEVICE_MISSING',
      details: { reason: expect.stringMatching(reason) },
    })
  })

  it('a tool that fails is named', async () => {
    const runTool: RunTpmTool = async (tool, ...rest) =>
      tool === 'tpm2_nvwrite'
        ? runs(3, '', 'ERROR: denied \u001b[31m')(tool, ...rest)
        : runTpmTool(tool, ...rest)
    await expect(attest(undefined, { runTool })).rejects.toMatchObject({
      code: 'VTPM_FAILED',
      details: { tool: 'tpm2_nvwrite', reason: 'denied  [31m' },
    })
  })

  it('an address that is none is refused', () => {
    expect(() => source(undefined, { imdsUrl: 'imds' })).toThrow(/takes an http/)
  })
})
