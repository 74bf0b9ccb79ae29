/**
 * Flags of the commands that run a guest, and the reading of its program and input.
 * One place, so that `execute` and `prove` take exactly the same.
 */
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import {
  DEFAULT_LIMITS,
  detectStdin,
  ENGINES,
  type ExecuteLimits,
  fromHex,
  isHex,
  parseStdin,
  type ReleaseChoice,
  SP1_VERSIONS,
  type Stdin,
} from './core/index.js'
import { readInput } from './files.js'

const STDIN_FORMATS = ['auto', 'sp1', 'json', 'raw'] as const

export const releaseFlags = {
  sp1: Flags.string({
    description: 'SP1 release to match; default: as the program tells',
    options: [...SP1_VERSIONS],
    env: 'SP1_TEE_SP1',
  }),
}

/** A release on the command line is a choice; one in the config file is for programs that do not tell. */
export function releaseChoice({
  flags,
  metadata,
}: {
  readonly flags: { readonly sp1?: string | undefined }
  readonly metadata: { readonly flags: Readonly<Record<string, { setFromDefault?: boolean }>> }
}): ReleaseChoice {
  const isDefault = metadata.flags.sp1?.setFromDefault === true
  return isDefault ? { fallbackSp1: flags.sp1 } : { sp1: flags.sp1 }
}

export const limitFlags = {
  'cycle-limit': Flags.integer({
    description: 'refuse a run that is not over before this many cycles',
    env: 'SP1_TEE_CYCLE_LIMIT',
    min: 1,
    max: DEFAULT_LIMITS.cycles,
    default: DEFAULT_LIMITS.cycles,
  }),
  'memory-limit': Flags.integer({
    description: "the guest's address space in MiB",
    env: 'SP1_TEE_MEMORY_LIMIT',
    helpValue: 'MIB',
    min: 1,
    max: DEFAULT_LIMITS.memoryMib,
    default: DEFAULT_LIMITS.memoryMib,
  }),
  timeout: Flags.integer({
    description: 'seconds a run may take',
    env: 'SP1_TEE_TIMEOUT',
    helpValue: 'SECONDS',
    min: 1,
    max: 86_400,
    default: DEFAULT_LIMITS.timeoutMs / 1000,
  }),
}

export const guestFlags = {
  ...releaseFlags,
  stdin: Flags.string({
    description:
      "the guest's input: an SP1Stdin (bincode or JSON) or any file; - for standard input",
    helpValue: 'FILE',
    exclusive: ['input'],
  }),
  'stdin-format': Flags.option({
    description: 'how to read --stdin',
    options: STDIN_FORMATS,
    default: 'auto' as const,
  })(),
  input: Flags.string({
    description: 'one input buffer, as 0x hex or @FILE; repeat for more',
    helpValue: '0xHEX|@FILE',
    multiple: true,
    multipleNonGreedy: true,
    exclusive: ['stdin'],
  }),
  engine: Flags.option({
    description: 'interpret first and translate what is hot, translate first, or interpret',
    options: ENGINES,
    env: 'SP1_TEE_ENGINE',
    default: 'auto' as const,
  })(),
  ...limitFlags,
}

interface GuestInputFlags {
  readonly stdin?: string | undefined
  readonly 'stdin-format': (typeof STDIN_FORMATS)[number]
  readonly input?: readonly string[] | undefined
}

/**
 * The guest's program and its input buffers; `remark` is told which format was found.
 *
 * @param elfPath - a file, or - for standard input
 */
export async function readGuest(
  elfPath: string,
  flags: GuestInputFlags,
  remark: (text: string) => void,
): Promise<{ elf: Uint8Array; stdin: Stdin }> {
  if (elfPath === '-' && flags.stdin === '-') {
    invalidFlag('--stdin', 'cannot be standard input, because the program is')
  }
  return { elf: await readInput(elfPath), stdin: await readStdin(flags, remark) }
}

async function readStdin(flags: GuestInputFlags, remark: (text: string) => void): Promise<Stdin> {
  if (flags.stdin === undefined) {
    if (flags['stdin-format'] !== 'auto') invalidFlag('--stdin-format', 'goes only with --stdin')
    const buffers = await Promise.all((flags.input ?? []).map(readBuffer))
    return { buffers, deferredProofs: 0n }
  }
  const bytes = await readInput(flags.stdin)
  const format = flags['stdin-format']
  if (format !== 'auto') return parseStdin(bytes, format)
  const stdin = detectStdin(bytes)
  remark(`stdin: read as ${stdin.format} (${contentsOf(stdin)})`)
  return stdin
}

function contentsOf({ buffers, deferredProofs }: Stdin): string {
  return `${buffers.length} buffers${deferredProofs > 0n ? `, ${deferredProofs} deferred proofs` : ''}`
}

export function limitsOf(flags: {
  readonly 'cycle-limit': number
  readonly 'memory-limit': number
  readonly timeout: number
}): Partial<ExecuteLimits> {
  return {
    cycles: flags['cycle-limit'],
    memoryMib: flags['memory-limit'],
    timeoutMs: flags.timeout * 1000,
  }
}

async function readBuffer(text: string): Promise<Uint8Array> {
  if (text.startsWith('@')) return readInput(text.slice(1))
  if (isHex(text)) return fromHex(text)
  return invalidFlag('--input', `takes 0x hex or @FILE, not "${text.slice(0, 20)}"`)
}
