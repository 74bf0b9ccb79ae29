/** What the commands that read quotes share: their flags, and what the flags name, read and checked. */
import { Flags } from '@oclif/core'
import chalk from 'chalk'
import { invalidFlag } from './base-command.js'
import { addressFlag, openChain, type RpcFlagValues } from './chain-flags.js'
import {
  type Collateral,
  collateralKeyOf,
  type EventLog,
  fetchOnChainCollateral,
  fromHex,
  INTEL_ROOT,
  isHex,
  isSimulatedQuote,
  loadCollateral,
  parseCollateral,
  parseEventLog,
  parseQuote,
  parseTdQuote,
  parseTrustedRoot,
  type Quote,
  type QuoteCheck,
  type TcbEvaluation,
  type TdQuote,
  type TrustedRoot,
  type TrustOptions,
} from './core/index.js'
import { readInput } from './files.js'
import { readPolicy } from './policy-file.js'
import { collateralFolder } from './state.js'
import { watch } from './terminal.js'

export const quoteArg = {
  description: 'the quote, binary or hex, or - for standard input',
  required: true,
} as const

export const pccsFlags = {
  'pccs-url': Flags.string({
    description: "a PCCS, or another server with the interface of Intel's PCS, to fetch from",
    helpValue: 'URL',
    env: 'SP1_TEE_PCCS_URL',
  }),
  'pccs-contract': Flags.string({
    description: "with --rpc-url: the router of Automata's on-chain PCCS, to read from instead",
    helpValue: '0xADDRESS',
    env: 'SP1_TEE_PCCS_CONTRACT',
    exclusive: ['pccs-url'],
  }),
  'tcb-evaluation': Flags.string({
    description: 'of an on-chain PCCS: standard, early, or the number of one of its evaluations',
    helpValue: 'standard|early|N',
    env: 'SP1_TEE_TCB_EVALUATION',
    dependsOn: ['pccs-contract'],
  }),
}

export const collateralFlags = {
  collateral: Flags.string({
    description: 'a file with the collateral; without it, it is fetched and kept until it expires',
    helpValue: 'FILE',
  }),
  ...pccsFlags,
}

export const rootFlags = {
  root: Flags.string({
    description:
      "a development root in place of Intel's: for simulated quotes, of which attest prints it",
    helpValue: 'FILE',
  }),
}

export const atFlags = {
  at: Flags.string({
    description:
      'the time to verify at: 2026-11-23T12:00:00Z, or seconds since 1970 [default: now]',
    helpValue: 'TIME',
  }),
}

export const eventLogFlags = {
  eventlog: Flags.string({
    description: 'the event log of the TD (/sys/firmware/acpi/tables/data/CCEL), to be replayed',
    helpValue: 'FILE',
  }),
}

export const runtimeDataFlags = {
  'runtime-data': Flags.string({
    description: 'the runtime data of the quote, where the report data are their hash, as on Azure',
    helpValue: 'FILE',
  }),
}

/** The same, of a TD. */
export async function readTdQuote(path: string): Promise<TdQuote> {
  return parseTdQuote(await readQuoteBytes(path))
}

/** A quote from a file: binary as devices give it, or `0x` and hex as this command prints it. */
export async function readQuote(path: string): Promise<Quote> {
  return parseQuote(await readQuoteBytes(path))
}

/** More than the hex of the longest quote; what is longer is refused as bytes. */
const MAX_TEXT_BYTES = 64 * 2 ** 20

async function readQuoteBytes(path: string): Promise<Uint8Array> {
  const bytes = await readInput(path)
  const ZERO_X = [0x30, 0x78]
  const isText = ZERO_X.every((byte, i) => bytes[i] === byte) && bytes.length < MAX_TEXT_BYTES
  if (!isText) return bytes
  const text = new TextDecoder().decode(bytes).trim()
  return isHex(text) ? fromHex(text) : bytes
}

export async function readEventLog(path: string | undefined): Promise<EventLog | undefined> {
  return path === undefined ? undefined : parseEventLog(await readInput(path))
}

export async function readRoot(path: string | undefined): Promise<TrustedRoot> {
  return path === undefined ? INTEL_ROOT : parseTrustedRoot(await readInput(path))
}

export interface CollateralFlags extends RpcFlagValues {
  readonly collateral?: string | undefined
  readonly 'pccs-url'?: string | undefined
  readonly 'pccs-contract'?: string | undefined
  readonly 'tcb-evaluation'?: string | undefined
  readonly 'state-dir'?: string | undefined
}

/** How a signer's attestation is to be judged; undefined if no policy is named. */
export async function trustOf(
  flags: CollateralFlags & {
    readonly policy?: string | undefined
    readonly root?: string | undefined
  },
  options: { signal: AbortSignal; isSilent: boolean },
): Promise<TrustOptions | undefined> {
  if (flags.policy === undefined) return undefined
  return {
    policy: await readPolicy(flags.policy),
    root: await readRoot(flags.root),
    collateral: (quote) => openCollateral(quote, flags, options),
    // Whoever names a source means it; else what comes along will do.
    carriedFirst: !Object.keys(collateralFlags).some((name) => Object.hasOwn(flags, name)),
  }
}

/** From the file that is named, or from Intel, or from a PCCS. */
export async function openCollateral(
  quote: Quote,
  flags: CollateralFlags,
  { signal, isSilent }: { signal: AbortSignal; isSilent: boolean },
): Promise<Collateral> {
  if (flags.collateral !== undefined) return parseCollateral(await readInput(flags.collateral))
  return watch('Collateral', isSilent, () => fetchCollateralOf(quote, flags, signal))
}

/** From a chain each time; from a server, and then kept in the state folder until it expires. */
export async function fetchCollateralOf(
  quote: Quote,
  flags: Omit<CollateralFlags, 'collateral'>,
  signal: AbortSignal,
  keeping: { readonly folder?: string; readonly isRenewal?: boolean } = {},
): Promise<Collateral> {
  const pccsUrl = flags['pccs-url']
  const contract = flags['pccs-contract']
  if (contract !== undefined) {
    const router = addressFlag('--pccs-contract', contract)
    const evaluation = parseEvaluation(flags['tcb-evaluation'])
    return fetchOnChainCollateral(
      await openChain(flags),
      { router, evaluation },
      collateralKeyOf(quote),
    )
  }
  if (pccsUrl === undefined && isSimulatedQuote(quote)) {
    const reason =
      'of a simulated quote is nowhere to be fetched: `attest --collateral-out` writes it'
    invalidFlag('Collateral', reason)
  }
  return loadCollateral(collateralKeyOf(quote), {
    folder: collateralFolder(flags),
    now: new Date(),
    fetch: globalThis.fetch,
    signal,
    ...keeping,
    ...(pccsUrl !== undefined && { pccsUrl }),
  })
}

function parseEvaluation(text = 'standard'): TcbEvaluation {
  if (text === 'standard' || text === 'early') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  return invalidFlag('--tcb-evaluation', 'takes standard, early, or a number')
}

export function parseTime(text: string | undefined): Date {
  if (text === undefined) return new Date()
  const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/
  const time = /^\d{1,11}$/.test(text) ? new Date(1000 * Number(text)) : new Date(text)
  const isKnown = /^\d{1,11}$/.test(text) || ISO.test(text)
  if (isKnown && !Number.isNaN(time.getTime())) return time
  return invalidFlag('--at', 'takes a time: 2026-11-23T12:00:00Z, or seconds since 1970')
}

/** A line for each check, as `verify` prints them. */
export function formatChecks(checks: readonly QuoteCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks
    .map(({ name, ok, detail, code }) => {
      // A check without a code failed because another one did.
      const mark = ok ? chalk.green('ok') : code === undefined ? chalk.dim('--') : chalk.red('NO')
      return `${mark}  ${name.padEnd(width)}  ${detail}`
    })
    .join('\n')
}
