import { Args } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand } from '../../base-command.js'
import {
  describeEvent,
  type InspectedEvent,
  inspectQuote,
  isTdQuote,
  type QuoteInspection,
  type ReplayedRegister,
  replayRegisters,
} from '../../core/index.js'
import { eventLogFlags, quoteArg, readEventLog, readQuote } from '../../quote-flags.js'
import { SIMULATED, withoutControls } from '../../terminal.js'

const NAME_WIDTH = 16

interface Inspected extends QuoteInspection {
  readonly events?: readonly InspectedEvent[]
  readonly replayed?: readonly ReplayedRegister[]
}

export default class QuoteInspect extends BaseCommand {
  static override summary = 'show what a quote says'
  static override description =
    'Who was attested, what was measured, on which platform, and how fresh it is. Nothing is verified here: `quote verify` does that. --eventlog shows what was measured into RTMR0 to RTMR3.'
  static override examples = [
    '<%= config.bin %> quote inspect quote.bin',
    '<%= config.bin %> quote inspect quote.bin --eventlog ccel.bin --json',
  ]
  static override args = { quote: Args.string(quoteArg) }
  static override flags = { ...eventLogFlags }

  async run(): Promise<Inspected> {
    const { args, flags } = await this.parse(QuoteInspect)
    const quote = await readQuote(args.quote)
    const inspection = inspectQuote(quote)
    const eventLog = await readEventLog(flags.eventlog)
    const events = eventLog?.events.map(describeEvent)
    const replayed = eventLog && isTdQuote(quote) ? replayRegisters(quote, eventLog) : undefined
    this.#print(inspection)
    if (events !== undefined) this.#printEvents(events)
    if (replayed !== undefined) {
      const rows = replayed.map(
        ({ register, events: count, matches }): Row => [
          register,
          `${matches ? 'as in the quote' : chalk.red('NOT as in the quote')}, ${count} events`,
        ],
      )
      this.#section('replayed', rows)
    }
    this.log(chalk.dim('\nNothing of this was verified: run `sp1-tee quote verify`.'))
    return {
      ...inspection,
      ...(events !== undefined && { events }),
      ...(replayed !== undefined && { replayed }),
    }
  }

  #print(inspection: QuoteInspection): void {
    const { version, tee, bodyType, trailingZeroBytes, simulated, certificates } = inspection
    const padding = trailingZeroBytes > 0 ? `, ${trailingZeroBytes} zero bytes after it` : ''
    this.log(`${tee} quote, version ${version}, ${bodyType}${padding}`)
    if (simulated) this.log(SIMULATED)
    this.#section('who', whoOf(inspection))
    this.#section('what', whatOf(inspection))
    this.#section('where', whereOf(inspection))
    const dates = certificates.map(
      ({ subject, notBefore, notAfter }): Row => [
        withoutControls(subject).replace('Intel SGX ', ''),
        `${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}`,
      ],
    )
    this.#section('certificates', dates)
  }

  #printEvents(events: readonly InspectedEvent[]): void {
    this.log(`\n${chalk.bold('event log')}`)
    for (const { register, type, digest, text } of events) {
      const shown = text === '' ? '' : `  ${withoutControls(text)}`
      this.log(`  ${register.padEnd(6)} ${digest.slice(0, 18)}…  ${type}${shown}`)
    }
    this.log(chalk.dim("  Digests are what was measured; types and texts are the log's own words."))
  }

  #section(title: string, rows: readonly Row[]): void {
    this.log(`\n${chalk.bold(title)}`)
    for (const [name, value] of rows) this.log(`  ${name.padEnd(NAME_WIDTH)} ${value}`)
  }
}

type Row = readonly [name: string, value: string]

function whoOf({ signer, referenceHash, body }: QuoteInspection): Row[] {
  if (signer === undefined) return [['report data', String(body.reportData)]]
  return [
    ['signer', signer],
    ['reference hash', String(referenceHash)],
  ]
}

/** Registers that are all zero say so, so that the others are seen. */
function whatOf({ body, tdAttributes, workloadId, tee }: QuoteInspection): Row[] {
  const row = (name: string): Row => [name, shorten(body[name])]
  if (tee === 'SGX') {
    return ['mrEnclave', 'mrSigner', 'isvProdId', 'isvSvn', 'attributes', 'miscSelect'].map(row)
  }
  const optional = ['mrServiceTd', 'tdId'].filter((name) => name in body)
  return [
    ['workload id', String(workloadId)],
    ...['mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'].map(row),
    ...['mrConfigId', 'mrOwner', 'mrOwnerConfig', ...optional].map(row),
    ['xfam', String(body.xfam)],
    ['tdAttributes', [body.tdAttributes, ...(tdAttributes ?? [])].join(' ')],
  ]
}

function whereOf({ body, platform, qeReport, certificationType }: QuoteInspection): Row[] {
  const rows: Row[] = []
  if (certificationType < 5) {
    rows.push(['PCK certificate', `only named, by certification data of type ${certificationType}`])
  }
  if (platform !== undefined) {
    const { fmspc, ppid, pceId, pceSvn, cpuSvn, sgxType } = platform
    rows.push(
      ['FMSPC', fmspc],
      ['PPID', ppid],
      ['CPU SVN', cpuSvn.join('.')],
      ['PCE', `id ${pceId}, SVN ${pceSvn}`],
      ['kind', `${sgxType} platform`],
    )
  }
  if ('mrSeam' in body) {
    rows.push(['TDX module', shorten(body.mrSeam)], ['TEE TCB SVN', String(body.teeTcbSvn)])
  }
  if ('teeTcbSvn2' in body) rows.push(['  now', String(body.teeTcbSvn2)])
  rows.push(['quoting enclave', `${qeReport.mrSigner}, SVN ${qeReport.isvSvn}`])
  return rows
}

function shorten(value: unknown): string {
  return typeof value === 'string' && /^0x(00)+$/.test(value) ? 'zero' : String(value)
}
