import { Args, Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand } from '../base-command.js'
import { type ExecutionResult, execute } from '../core/index.js'
import { guestFlags, limitsOf, readGuest, releaseChoice } from '../guest-flags.js'
import { formatCount, formatCounts, watch } from '../terminal.js'

/** What --repeat adds: the first run and the median of all, in one process. */
interface RepeatedRuns {
  readonly firstMs: number
  readonly medianMs: number
  readonly firstMhz: number
  readonly medianMhz: number
}

export default class Execute extends BaseCommand {
  static override summary = 'run a guest and show what it did; signs nothing'
  static override examples = [
    '<%= config.bin %> execute guests/elf/fibonacci.elf --stdin guests/inputs/fibonacci.bin',
    '<%= config.bin %> execute fib.elf --input 0x0a000000 --report',
  ]
  static override args = {
    elf: Args.string({ description: 'the guest program, or - for standard input', required: true }),
  }
  static override flags = {
    ...guestFlags,
    report: Flags.boolean({ description: 'count opcodes, syscalls and labels' }),
    repeat: Flags.integer({
      description: 'run it N times in one process and time that',
      helpValue: 'N',
      min: 1,
      max: 10_000,
      default: 1,
    }),
  }

  async run(): Promise<ExecutionResult & { runs?: RepeatedRuns }> {
    const parsed = await this.parse(Execute)
    const { args, flags } = parsed
    const { elf, stdin } = await readGuest(args.elf, flags, (text) => this.remark(text))
    const runOnce = (onProgress?: (cycles: number) => void) =>
      execute(elf, stdin, {
        ...releaseChoice(parsed),
        limits: limitsOf(flags),
        report: flags.report,
        signal: this.interrupted,
        ...(onProgress && { onProgress }),
      })

    const result = await watch('Execute', this.isSilent(), (show) =>
      runOnce((cycles) => show(`${formatCount(cycles)} cycles`)),
    )
    const all = [result]
    while (all.length < flags.repeat) all.push(await runOnce())
    const runs = flags.repeat > 1 ? { runs: summarize(all) } : {}
    this.#print(result, flags.report)
    if (runs.runs) {
      const { medianMs, medianMhz } = runs.runs
      this.log(
        `median         ${medianMs.toFixed(1)} ms of ${all.length} runs (${medianMhz.toFixed(1)} MHz)`,
      )
    }
    return { ...result, ...runs }
  }

  #print(result: ExecutionResult, report: boolean): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = result[stream].trimEnd()
      if (text !== '') this.log(chalk.dim(text.replace(/^/gm, `guest ${stream} | `)))
    }
    const speed = `${result.durationMs.toFixed(0)} ms, ${result.mhz.toFixed(1)} MHz, ${result.engine}`
    this.log(`public values  ${result.publicValues}`)
    this.log(`cycles         ${formatCount(result.cycles)} (${speed})`)
    this.log(`syscalls       ${formatCount(result.syscallCount)}`)
    if (report) {
      this.log(formatCounts('opcodes', result.opcodes ?? {}, result.cycles))
      this.log(formatCounts('syscalls', result.syscalls, result.syscallCount))
      this.log(formatCounts('labels', result.cycleTracker, result.cycles))
    }
    if (result.unprovable !== undefined) {
      this.remark(
        chalk.yellow(`SP1 could not prove this run: ${result.unprovable}; prove refuses it.`),
      )
    }
  }
}

function summarize(results: readonly ExecutionResult[]): RepeatedRuns {
  const sorted = results.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (index: number) => sorted[index] ?? 0
  const medianMs = (at(Math.ceil(middle) - 1) + at(Math.floor(middle))) / 2
  const [first] = results as [ExecutionResult]
  return {
    firstMs: first.durationMs,
    medianMs,
    firstMhz: first.mhz,
    medianMhz: first.cycles / medianMs / 1000,
  }
}
