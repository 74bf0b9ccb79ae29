/**
 * What all commands share: the global flags, values from the config file, and how results and
 * errors are printed. Data goes to standard output, everything else to standard error.
 */
import { Command, Errors, Flags, type Interfaces, ux } from '@oclif/core'
import chalk from 'chalk'
import { ERROR_TABLES, fromHex, type Hex, InputError, isHex, Sp1TeeError } from './core/index.js'
import { resolveFlags, typedValue } from './flag-sources.js'
import { withoutControls } from './terminal.js'

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
const USAGE_EXIT_CODE = 2
const INTERNAL_EXIT_CODE = 1

interface PrintableError {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly exitCode: number
}

interface Verbosity {
  readonly quiet?: boolean
  readonly 'log-level': string
}

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    config: Flags.file({
      description: 'config file, JSON or YAML',
      env: 'SP1_TEE_CONFIG',
      helpGroup: 'GLOBAL',
    }),
    'state-dir': Flags.directory({
      description: 'folder for keys and other state',
      env: 'SP1_TEE_HOME',
      helpGroup: 'GLOBAL',
    }),
    quiet: Flags.boolean({
      description: 'print the result and errors, nothing else',
      env: 'SP1_TEE_QUIET',
      helpGroup: 'GLOBAL',
    }),
    'log-level': Flags.option({
      options: LOG_LEVELS,
      description: 'how much to say on standard error',
      env: 'SP1_TEE_LOG_LEVEL',
      default: 'info' as const,
      helpGroup: 'GLOBAL',
    })(),
  }

  #verbosity: Verbosity | undefined
  readonly #interrupt = new AbortController()
  /** True once a guest's output was shown as it came, so that an error need not repeat it. */
  protected hasShownOutput = false

  /** Aborts at the first Ctrl-C; a second one ends the process at once. */
  protected get interrupted(): AbortSignal {
    return this.#interrupt.signal
  }

  protected onSecondInterrupt(): void {
    process.exit(ERROR_TABLES.interrupted.exitCode)
  }

  override async init(): Promise<void> {
    await super.init()
    // A listener that stays: without one, what draws the progress would end the process.
    process.on('SIGINT', () => {
      if (this.#interrupt.signal.aborted) this.onSecondInterrupt()
      else this.#interrupt.abort()
    })
    // A reader that has seen enough (`| head`) is no error.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
    const { flags, baseFlags, args } = this.ctor
    const resolved = await resolveFlags({ ...baseFlags, ...flags }, this.argv)
    this.ctor.flags = { ...flags, ...resolved }
    // Else oclif takes what standard input holds, of a loop in a script for one, for what is missing.
    const typedOnly = Object.entries(args).map(([name, arg]) => [
      name,
      { ...arg, ignoreStdin: true },
    ])
    this.ctor.args = Object.fromEntries(typedOnly)
  }

  /** As oclif's; what it finds about how much to say holds from then on. */
  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv)
    this.#verbosity = parsed.flags as unknown as Verbosity
    return parsed
  }

  /** A remark for people; silent with --quiet and below the log level. */
  protected remark(text: string): void {
    if (!this.isQuiet()) process.stderr.write(`${text}\n`)
  }

  /** True if nothing but the result may be shown. */
  protected isSilent(): boolean {
    return this.isQuiet() || this.jsonEnabled()
  }

  protected isQuiet(): boolean {
    const level = this.#logLevel()
    return this.#verbosity?.quiet === true || level === 'error' || level === 'warn'
  }

  protected override async catch(error: Error): Promise<void> {
    const printable = printableOf(error)
    process.exitCode = printable.exitCode
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error))
    else process.stderr.write(this.#humanError(printable))
    if (this.#logLevel() === 'debug') process.stderr.write(`${error.stack ?? error}\n`)
  }

  /** Oclif's own colours it by regular expressions, which overflow the stack on long strings. */
  protected override logJson(json: unknown): void {
    ux.stdout(JSON.stringify(json, undefined, 2))
  }

  protected override toErrorJson(error: Error): unknown {
    const { code, message, details } = printableOf(error)
    return { error: { code, message, details } }
  }

  #humanError({ code, message, details }: PrintableError): string {
    const lines = [`${chalk.red(`error[${code}]`)} ${message}`]
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = details[stream]
      if (this.hasShownOutput || typeof text !== 'string' || text.trim() === '') continue
      lines.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => chalk.dim(`  guest ${stream} | ${withoutControls(line)}`)),
      )
    }
    return `${lines.join('\n')}\n`
  }

  /** Errors may come before flags are parsed; then the config file says nothing. */
  #logLevel(): string | undefined {
    const { SP1_TEE_LOG_LEVEL } = process.env
    return this.#verbosity?.['log-level'] ?? typedValue('log-level', this.argv) ?? SP1_TEE_LOG_LEVEL
  }
}

/** Errors of ours keep their code; oclif's are about usage; anything else is a bug. */
function printableOf(error: Error): PrintableError {
  if (error instanceof Sp1TeeError) return error
  if (error instanceof Errors.CLIError) {
    // oclif appends paragraphs of advice; the first one says what is wrong.
    const [firstParagraph = 'wrong usage'] = error.message.split(/\n\n|\nSee more help/)
    const message = firstParagraph.replace(/\s*\n\s*/g, ' ')
    return { code: 'USAGE', message, details: {}, exitCode: USAGE_EXIT_CODE }
  }
  const message = `A bug of sp1-tee: ${error.message}. Run again with --log-level debug and report it.`
  return { code: 'INTERNAL', message, details: {}, exitCode: INTERNAL_EXIT_CODE }
}

/** The value of a flag whose text is checked here rather than by oclif. */
export function invalidFlag(flag: string, reason: string): never {
  throw new InputError('FLAG_INVALID', { flag, reason })
}

/** The bytes that a flag takes, in lower case. @param what - as in `an address` */
export function hexFlag(flag: string, value: string, byteCount: number, what: string): Hex {
  if (isHex(value) && fromHex(value).length === byteCount) return value.toLowerCase() as Hex
  return invalidFlag(flag, `takes ${what}: 0x and ${2 * byteCount} hex digits`)
}
