import { basename } from 'node:path'
import { Args, Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand } from '../base-command.js'
import { type ExecutionResult, encodeSpeedscope, execute } from '../core/index.js'
import { writeOutput } from '../files.js'
import { guestFlags, limitsOf, readGuest, releaseChoice } from '../guest-flags.js'
import { formatCount, formatCounts, formatExplanation, type RunView, viewRun } from '../terminal.js'

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
    '<%= config.bin %> execute fib.elf --stdin in.bin --explain',
    '<%= config.bin %> execute fib.elf --stdin in.bin --profile fib.speedscope.json',
  ]
  static override args = {
    elf: Args.string({ description: 'the guest program, or - for standard input', required: true }),
  }
  static override flags = {
    ...guestFlags,
    report: Flags.boolean({ description: 'show opcodes, syscalls and cycle-tracker labels' }),
    profile: Flags.string({
      description: 'write where the instructions go, by function, for https://www.speedscope.app',
      helpValue: 'FILE',
      exclusive: ['repeat'],
    }),
    'unverified-deferred-proofs': Flags.boolean({
      description: 'run a guest whose stdin holds deferred proofs, as if they were valid',
    }),
    explain: Flags.boolean({
      description: 'show what was translated, what executed how much, and where the time went',
    }),
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
    const runOnce = (view?: RunView) =>
      execute(elf, stdin, {
        ...releaseChoice(parsed),
        limits: limitsOf(flags),
        engine: flags.engine,
        explain: flags.explain,
        report: flags.report,
        profile: flags.profile !== undefined,
        unverifiedDeferredProofs: flags['unverified-deferred-proofs'],
        signal: this.interrupted,
        ...(view && { onProgress: view.onProgress, onOutput: view.onOutput }),
      })

    const view = viewRun(this.isSilent())
    this.hasShownOutput = !this.isSilent()
    const { profile, ...result } = await runOnce(view).finally(view.end)
    if (profile !== undefined && flags.profile !== undefined) {
      await writeOutput(flags.profile, encodeSpeedscope(profile, basename(args.elf)))
    }
    const all = [result]
    while (all.length < flags.repeat) all.push(await runOnce())
    const runs = flags.repeat > 1 ? { runs: summarize(all) } : {}
    this.#print(result, flags.report)
    if (flags.profile !== undefined) this.log(`profile        ${flags.profile}`)
    if (runs.runs) {
      const { medianMs, medianMhz } = runs.runs
      this.log(
        `median         ${medianMs.toFixed(1)} ms of ${all.length} runs (${medianMhz.toFixed(1)} MHz)`,
      )
    }
    return { ...result, ...runs }
  }

  #print(result: ExecutionResult, report: boolean): void {
    const speed = `${result.durationMs.toFixed(0)} ms, ${result.mhz.toFixed(1)} MHz, ${result.engine}`
    this.log(`public values  ${result.publicValues}`)
    this.log(`cycles         ${formatCount(result.cycles)} (${speed})`)
    this.log(`syscalls       ${formatCount(result.syscallCount)}`)
    if (report) {
      const { opcodes = {}, syscalls, cycleTracker, cycleTrackerParents: parents = {} } = result
      this.log(formatCounts({ title: 'opcodes', counts: opcodes, total: result.cycles }))
      this.log(formatCounts({ title: 'syscalls', counts: syscalls, total: result.syscallCount }))
      const labels = { title: 'labels', counts: cycleTracker, total: result.cycles, parents }
      this.log(formatCounts(labels))
    }
    if (result.explanation !== undefined) this.log(formatExplanation(result))
    if (result.unverifiedDeferredProofs !== undefined) {
      const proofs = chalk.yellow(`${result.unverifiedDeferredProofs} proofs, NOT VERIFIED`)
      this.log(`deferred       ${proofs}`)
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
