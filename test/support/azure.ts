/**
 * An Azure TDX virtual machine as far as its guest sees it: a TPM (swtpm, by Debian), a paravisor that
 * answers in it, and the metadata service that makes quotes of TDREPORTs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { computeRuntimeDataHash, encodeHclReport } from '../../src/core/tdx/hcl-report.js'
import { encodeQuote, parseTdQuote } from '../../src/core/tdx/quote.js'
import { parseTdReport, type TdReport } from '../../src/core/tdx/td-report.js'
import { QUOTE_V4, unmarked } from '../core/tdx/samples.js'

const OWNER = ['-C', 'o']
const HCL_REPORT = '0x01400001'
const REPORT_DATA = '0x01400002'
/** The most an index of swtpm holds. Azure's report has 2,600 bytes, with more runtime data. */
const HCL_BYTES = 2048

export interface AzureMachine {
  /** For tpm2-tools: which TPM. */
  readonly tcti: string
  /** What its metadata service was asked. */
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
  readonly imdsUrl: string
  /** How the metadata service answers; a quote unless set. */
  answers: { readonly status: number; readonly body: string }[]
  tool(tool: string, args: readonly string[], input?: Uint8Array): Promise<Uint8Array>
  /** The paravisor looks at what it is asked, and answers; `alter` what it would have said. */
  answerReport(alter?: (report: TdReport, runtimeData: string) => string): Promise<void>
  stop(): Promise<void>
}

export async function startAzureMachine(): Promise<AzureMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'sp1-tee-azure-'))
  const socket = join(folder, 'tpm')
  const tpm = execa('swtpm', [
    ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`],
    ...['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${socket}.ctrl`],
    ...['--flags', 'not-need-init,startup-clear'],
  ])
  const tcti = `swtpm:path=${socket}`
  const tool = async (name: string, args: readonly string[], input?: Uint8Array) => {
    const options = { env: { TPM2TOOLS_TCTI: tcti }, encoding: 'buffer' as const }
    const { stdout } = await execa(name, args, { ...options, ...(input && { input }) })
    return stdout
  }
  await untilAnswered(() => tool('tpm2_getcap', ['handles-nv-index']))
  await tool('tpm2_nvdefine', [...OWNER, '-s', String(HCL_BYTES), HCL_REPORT])

  const machine: AzureMachine = {
    ...{ tcti, requests: [], imdsUrl: '', answers: [], tool },
    async answerReport(alter = (_, json) => json) {
      const asked = await tool('tpm2_nvread', [...OWNER, REPORT_DATA])
      const userData = Buffer.from(asked).toString('hex').toUpperCase()
      const json = JSON.stringify({
        'vm-configuration': { vmUniqueId: 'test' },
        'user-data': userData,
      })
      const tdReport = tdReportOver(computeRuntimeDataHash(new TextEncoder().encode(json)))
      const runtimeData = new TextEncoder().encode(alter(tdReport, json))
      const report = encodeHclReport({ ...HCL_FIELDS, tdReport, runtimeData })
      const padded = Uint8Array.from({ length: HCL_BYTES }, (_, i) => report[i] ?? 0)
      await tool('tpm2_nvwrite', [...OWNER, '-i', '-', HCL_REPORT], padded)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      tpm.kill()
      await tpm.catch(() => {})
      await rm(folder, { recursive: true })
    },
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const isQuote = request.method === 'POST' && request.url === '/acc/tdquote'
      machine.requests.push({ headers: request.headers, body })
      const answer = machine.answers.shift() ?? { status: 200, body: answerOf(body) }
      response.writeHead(isQuote ? answer.status : 404).end(answer.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(machine, {
    imdsUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  })
}

const HCL_FIELDS = {
  version: 2,
  reportBytes: 1216,
  requestType: 2,
  status: 0,
  reserved: new Uint8Array(12),
  hardwareReserved: new Uint8Array(160),
  dataBytes: 0,
  dataVersion: 1,
  reportType: 4,
  hashType: 1,
  userData: new Uint8Array(64),
  trailingZeroBytes: 0,
}

/** A TDREPORT of the TD that the sample quote is about. */
function tdReportOver(reportData: Uint8Array): TdReport {
  const zeros = parseTdReport(Uint8Array.from({ length: 1024 }, (_, i) => (i === 0 ? 0x81 : 0)))
  const { body } = parseTdQuote(QUOTE_V4)
  const { bodyType: _, ...fields } = body
  return { ...zeros, ...fields, reportData } as TdReport
}

/** What IMDS does: a quote of the TDREPORT; its certificates are none, so it is marked as nothing. */
function answerOf(request: string): string {
  const bytes = Buffer.from(JSON.parse(request).report, 'base64url')
  const { reportData, mrtd } = parseTdReport(new Uint8Array(bytes))
  const quote = parseTdQuote(unmarked(QUOTE_V4))
  const made = encodeQuote({ ...quote, body: { ...quote.body, reportData, mrtd } })
  return JSON.stringify({ quote: Buffer.from(made).toString('base64url') })
}

async function untilAnswered(task: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await task()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
