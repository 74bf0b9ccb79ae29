/**
 * What the service writes into its store: the request of a job, and the proof it ended with. What is
 * read back is checked like any other input; the store is not trusted.
 */
import { type Hex, isHex, isLowerHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { type Proof, parseProof } from '../signer/proof.js'
import type { SchemeName } from '../signer/schemes.js'
import { problemOf } from './problem.js'

/** What is to be run, on what, and how the result is to be signed. */
export type JobRequest = OpenRequest | SealedRequest

export interface OpenRequest extends RequestChoice {
  readonly programId: Hex
  /** An SP1Stdin as bincode, here if it is small, else in the blob of this hash. */
  readonly stdin: { readonly inline: Hex } | { readonly blob: Hex }
  readonly sp1: string
}

/** All of it is in a blob that only the process can open that took the job. */
export interface SealedRequest {
  readonly sealed: { readonly blob: Hex; readonly encapsulatedKey: Hex }
}

/** How it is to be run and signed. */
export interface RequestChoice {
  readonly scheme: SchemeName
  readonly teeVersion?: number
  readonly limits: {
    readonly cycles: number
    readonly memoryMib: number
    readonly timeoutMs: number
  }
}

export interface JobOutcome {
  /** Public values that are large are in a blob, and empty here. */
  readonly proof: Proof
  readonly publicValuesBlob?: Hex
  /** Of the process that executed it. */
  readonly seal: Hex
}

export function isSealed(request: JobRequest): request is SealedRequest {
  return 'sealed' in request
}

/** Blobs that a request needs. */
export function blobsOf(request: JobRequest): readonly Hex[] {
  if (isSealed(request)) return [request.sealed.blob]
  return [request.programId, ...('blob' in request.stdin ? [request.stdin.blob] : [])]
}

export function encodeRequest(request: JobRequest): string {
  return JSON.stringify(request)
}

/** @throws UnavailableError `STORE_DAMAGED` */
export function parseRequest(text: string): JobRequest {
  const request = parseObject(text)
  if (request.sealed !== undefined) {
    const isWhole = isSealedInputs(request.sealed) && Object.keys(request).length === 1
    return isWhole ? (request as unknown as SealedRequest) : damaged()
  }
  const { sp1, scheme, limits, teeVersion } = request
  const { cycles, memoryMib, timeoutMs } = asObject(limits)
  const isNumbers = [cycles, memoryMib, timeoutMs].every((value) => typeof value === 'number')
  const isVersion = teeVersion === undefined || typeof teeVersion === 'number'
  if (!isNumbers || !isVersion || typeof scheme !== 'string') return damaged()
  const isWhole = isOpen(request) && typeof sp1 === 'string'
  return isWhole ? (request as unknown as OpenRequest) : damaged()
}

export function encodeOutcome(outcome: JobOutcome): string {
  return JSON.stringify(outcome)
}

/** @throws UnavailableError `STORE_DAMAGED` */
export function parseOutcome(text: string): JobOutcome {
  const { proof, publicValuesBlob, seal } = parseObject(text)
  if (!isHex(seal) || !(publicValuesBlob === undefined || isHash(publicValuesBlob))) {
    return damaged()
  }
  try {
    const parsed = parseProof(new TextEncoder().encode(JSON.stringify(proof ?? null)))
    return { proof: parsed, seal, ...(publicValuesBlob !== undefined && { publicValuesBlob }) }
  } catch {
    return damaged()
  }
}

/** Of what a guest wrote before it failed, the end: why it failed is mostly said last. */
const KEPT_OUTPUT_CHARS = 4096

/** How a job failed, as it is kept and told. */
export function encodeFailure(error: unknown): string {
  const problem = problemOf(error)
  const details = Object.entries(problem.details).map(([name, value]) => [
    name,
    typeof value === 'string' ? endOf(value) : value,
  ])
  return JSON.stringify({ error: { ...problem, details: Object.fromEntries(details) } })
}

function endOf(text: string): string {
  if (text.length <= KEPT_OUTPUT_CHARS) return text
  return `[${text.length - KEPT_OUTPUT_CHARS} characters left out] ${text.slice(-KEPT_OUTPUT_CHARS)}`
}

/** The problem that a job failed with, as it was told to clients. */
export function parseFailure(text: string): Record<string, unknown> {
  return asObject(parseObject(text).error)
}

/** @throws UnavailableError `STORE_DAMAGED` */
export function damaged(): never {
  throw new UnavailableError('STORE_DAMAGED', {})
}

function isOpen({ programId, stdin }: Record<string, unknown>): boolean {
  const { inline, blob } = asObject(stdin)
  return isHash(programId) && (isHex(inline) || isHash(blob))
}

function isSealedInputs(value: unknown): boolean {
  const { blob, encapsulatedKey } = asObject(value)
  return isHash(blob) && isHash(encapsulatedKey)
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return damaged()
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isHash(value: unknown): value is Hex {
  return isLowerHex(value, 32)
}
