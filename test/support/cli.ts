/** Runs the built command as a user would: a process, its exit code, and what it printed. */
import { execa } from 'execa'

const ROOT = new URL('../..', import.meta.url).pathname

export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd?: string
  readonly input?: Uint8Array | string
  readonly env?: Record<string, string>
}

export function guestElf(name: string, sp1 = '3.4.0'): string {
  return `${ROOT}guests/${sp1 === '3.4.0' ? 'elf' : `elf-${sp1}`}/${name}.elf`
}

export function guestInput(name: string): string {
  return `${ROOT}guests/inputs/${name}.bin`
}

export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { exitCode, stdout, stderr } = await execa('node', [`${ROOT}bin/run.js`, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { NO_COLOR: '1', ...options.env },
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
  })
  return { exitCode: exitCode ?? -1, stdout: String(stdout), stderr: String(stderr) }
}

/** A run with --json: its result, or its error, must be all there is on standard output. */
export async function cliJson(args: readonly string[], options?: CliOptions) {
  const run = await cli([...args, '--json'], options)
  return { ...run, json: JSON.parse(run.stdout) }
}
