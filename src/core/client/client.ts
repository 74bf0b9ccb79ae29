/**
 * The service from a client's side. What a server answers is not trusted: a proof is checked to be one
 * of the program that was sent, signed by the signer it names. With a policy that signer's attestation is
 * checked, too, before anything is sent and when the proof is there; without one, whether it is to be
 * trusted is for `verifyProof` to say.
 */
import { type Hex, isHex, toHex } from '../bytes.js'
import {
  InputError,
  InterruptedError,
  restoreError,
  Sp1TeeError,
  UnavailableError,
} from '../errors.js'
import type { ExecuteLimits } from '../executor/limits.js'
import { encodeStdin, requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import { sealInputs } from '../private-inputs/sealed-inputs.js'
import { checkProof } from '../prover/check-proof.js'
import { sha256 } from '../sha256.js'
import type { Binding } from '../signer/eip712.js'
import { type Proof, parseProof } from '../signer/proof.js'
import type { SchemeName } from '../signer/schemes.js'
import { readText } from './answer-text.js'
import { SignerTrust, type TrustOptions } from './signer-trust.js'

const FIRST_POLL_MS = 50
const LONGEST_POLL_MS = 1_000
const MAX_ANSWER_BYTES = 96 * 2 ** 20
const MAX_TEXT_LENGTH = 2_000
/** Waits for room in a full queue, before giving up. */
const MAX_ATTEMPTS = 20
/** A server that has answered once may be away for so long, as when it is restarted. */
const DEFAULT_PATIENCE_MS = 60_000
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 5_000
/** Private inputs are sealed anew when their key is gone: it expired, or the server was restarted. */
const MAX_SEALINGS = 4
/** It did not take the request, and may a little later. */
const PASSING_CODES = ['SERVER_DRAINING', 'SIGNER_NOT_READY', 'STORE_UNAVAILABLE', 'INTERRUPTED']

export interface RemoteProveOptions {
  readonly sp1?: string | undefined
  readonly scheme?: SchemeName
  readonly teeVersion?: number
  /** The server's own limits hold as well. */
  readonly limits?: Partial<Pick<ExecuteLimits, 'cycles' | 'memoryMib' | 'timeoutMs'>>
  /** Send program and stdin so that only the attested TD can read them; needs a policy. */
  readonly private?: boolean
  /** What a proof of scheme `eip712` has to be for, and made by; the server is not told. */
  readonly expectedBinding?: Partial<Binding>
  readonly signal?: AbortSignal
  readonly onState?: (state: string, cycles: number) => void
}

export interface ClientOptions extends Partial<TrustOptions> {
  /** Sent with every request; only over HTTPS, or to this machine, is it safe from others. */
  readonly apiKey?: string
  /** How long a server that has answered before may be away. */
  readonly patienceMs?: number
  /** The time that attestations are judged at. */
  readonly now?: () => Date
}

export interface Client {
  /**
   * Ask for a proof; the program is uploaded if the server does not have it. It is asked for once,
   * however often the connection breaks.
   *
   * @throws as `prove`
   * @returns the job's id: with it `waitProof` can go on anywhere, at any time
   */
  requestProof(elf: Uint8Array, stdin: Stdin, options?: RemoteProveOptions): Promise<string>
  /**
   * Wait for a job, over restarts of the server, and check what it gives: that the proof is of
   * `programId`, if that is known.
   *
   * @throws as `prove`
   */
  waitProof(id: string, options?: RemoteProveOptions & { readonly programId?: Hex }): Promise<Proof>
  /** End a job that nobody needs any more. */
  cancel(id: string, signal?: AbortSignal): Promise<void>
  /**
   * Have a proof made: `requestProof`, then `waitProof`. With a policy the proof carries the attestation
   * that it was accepted by, so that others can judge it.
   *
   * @throws RejectedError `SIGNER_REFUSED`, `PRIVATE_KEY_REFUSED` the policy does not accept the signer
   * @throws Sp1TeeError what the server says, with its code: a guest's failure as if it ran here
   * @throws UnavailableError `SERVER_UNREACHABLE`, `SERVER_ANSWER`
   * @throws InterruptedError `signal` was aborted
   */
  prove(elf: Uint8Array, stdin: Stdin, options?: RemoteProveOptions): Promise<Proof>
  /** Have the server replace its signer; for its operator, from the server's machine. */
  rotate(signal?: AbortSignal): Promise<{ previous: Hex; current: Hex; txHash: Hex }>
}

interface Listening {
  readonly signal: AbortSignal | undefined
  readonly onState: RemoteProveOptions['onState']
}

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly retryAfterSeconds: number
}

interface AskOptions {
  readonly signal?: AbortSignal | undefined
  readonly json?: unknown
  readonly form?: FormData
  readonly binary?: Uint8Array
  readonly idempotencyKey?: string
}

export function createClient(
  url: string,
  {
    apiKey,
    patienceMs = DEFAULT_PATIENCE_MS,
    now = () => new Date(),
    policy,
    ...rest
  }: ClientOptions = {},
): Client {
  const base = url.replace(/\/+$/, '')
  const origin = URL.canParse(url) ? new URL(url).origin : 'the given URL'
  let hasAnswered = false
  const trust =
    policy &&
    new SignerTrust({ policy, ...rest }, now, (path, signal) => ask('GET', path, { signal }))
  return { requestProof, waitProof, prove, cancel, rotate }

  async function prove(
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions = {},
  ): Promise<Proof> {
    const programId = toHex(sha256(elf))
    return sealingAnew('PRIVATE_KEY_LOST', async () => {
      const id = await requestProof(elf, stdin, options)
      return waitProof(id, { ...options, programId })
    })
  }

  async function requestProof(
    elf: Uint8Array,
    stdin: Stdin,
    {
      signal,
      onState,
      private: isPrivate = false,
      expectedBinding: _,
      ...choice
    }: RemoteProveOptions = {},
  ): Promise<string> {
    requireNoDeferredProofs(stdin)
    if (isPrivate) return requestPrivately(elf, stdin, choice, { signal, onState })
    await trust?.signer(undefined, signal)
    const request = {
      programId: toHex(sha256(elf)),
      stdin: { buffer: stdin.buffers.map(toHex) },
      ...choice,
    }
    const asked = { json: request, signal, idempotencyKey: crypto.randomUUID() }
    onState?.('sending', 0)
    try {
      return textField(await ask('POST', '/v1/proofs', asked), 'id')
    } catch (error) {
      if (!(error instanceof Sp1TeeError) || error.code !== 'PROGRAM_UNKNOWN') throw error
    }
    const query = choice.sp1 === undefined ? '' : `?sp1=${encodeURIComponent(choice.sp1)}`
    await ask('PUT', `/v1/programs${query}`, { binary: elf, signal })
    return textField(await ask('POST', '/v1/proofs', asked), 'id')
  }

  async function requestPrivately(
    elf: Uint8Array,
    stdin: Stdin,
    choice: Omit<RemoteProveOptions, 'private' | keyof Listening>,
    { signal, onState }: Listening,
  ): Promise<string> {
    if (trust === undefined) throw new InputError('PRIVATE_NEEDS_POLICY', {})
    return sealingAnew('PRIVATE_KEY_UNKNOWN', async () => {
      onState?.('sealing', 0)
      const { publicKey } = await trust.privateInputKey(signal)
      const inputs = { elf, stdin: encodeStdin(stdin.buffers) }
      const { encapsulatedKey, sealed } = await sealInputs(publicKey, inputs)
      const form = new FormData()
      form.append('request', JSON.stringify({ private: { publicKey, encapsulatedKey }, ...choice }))
      form.append('sealed', new Blob([sealed as Uint8Array<ArrayBuffer>]), 'sealed')
      onState?.('sending', 0)
      const asked = { form, signal, idempotencyKey: crypto.randomUUID() }
      return textField(await ask('POST', '/v1/proofs', asked), 'id')
    })
  }

  /** Inputs are sealed to a key that may be gone when they arrive, or before they are opened. */
  async function sealingAnew<T>(goneCode: string, work: () => Promise<T>): Promise<T> {
    for (let times = 1; ; times++) {
      try {
        return await work()
      } catch (error) {
        const isGone = error instanceof Sp1TeeError && error.code === goneCode
        if (!isGone || times === MAX_SEALINGS) throw error
      }
    }
  }

  async function waitProof(
    id: string,
    options: RemoteProveOptions & { readonly programId?: Hex } = {},
  ): Promise<Proof> {
    const proof = await waitFor(id, options.signal, options.onState)
    await check(proof, options)
    if (trust === undefined) return proof
    const { attestation, simulated } = await trust.signer(proof.signer, options.signal)
    return { ...proof, ...(simulated && { simulated }), attestation }
  }

  async function cancel(id: string, signal?: AbortSignal): Promise<void> {
    await ask('DELETE', `/v1/proofs/${encodeURIComponent(id)}`, { signal })
  }

  async function rotate(signal?: AbortSignal) {
    const answer = await ask('POST', '/v1/signer/rotate', { json: {}, signal })
    const [previous, current, txHash] = (['previous', 'current', 'txHash'] as const).map((name) => {
      const value = textField(answer, name)
      return isHex(value) ? value : unusable(`its field ${name} is no hex`)
    }) as [Hex, Hex, Hex]
    return { previous, current, txHash }
  }

  async function waitFor(
    id: string,
    signal: AbortSignal | undefined,
    onState: RemoteProveOptions['onState'],
  ): Promise<Proof> {
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(1.5 * pollMs, LONGEST_POLL_MS)) {
      const job = await ask('GET', `/v1/proofs/${encodeURIComponent(id)}`, { signal })
      const { state, cycles, proof, error } = job as Record<string, unknown>
      if (state === 'succeeded') return parseProof(new TextEncoder().encode(JSON.stringify(proof)))
      if (state === 'failed') throw errorOf(error)
      if (state === 'cancelled') throw new UnavailableError('JOB_CANCELLED', { id })
      onState?.(String(state).slice(0, 20), Number(cycles) || 0)
      await pause(pollMs, signal)
    }
  }

  /** That the proof is of this program, in the scheme asked for, and hangs together. */
  async function check(
    proof: Proof,
    { programId, ...choice }: RemoteProveOptions & { readonly programId?: Hex },
  ): Promise<void> {
    const { checks } = await checkProof(proof)
    const wrong = checks.find(({ name, ok }) => !ok && name !== 'trustAnchor')
    if (wrong !== undefined) unusable(`its proof's ${wrong.name} is wrong: ${wrong.detail}`)
    if (programId !== undefined && proof.elfHash !== programId)
      unusable('its proof is of another program')
    for (const name of ['sp1', 'scheme', 'teeVersion'] as const) {
      if (choice[name] !== undefined && choice[name] !== proof[name]) {
        unusable(`its proof's ${name} is ${proof[name]}`)
      }
    }
    const made = { ...proof.domain, workloadId: proof.workloadId }
    for (const name of ['chainId', 'verifyingContract', 'workloadId'] as const) {
      const expected = choice.expectedBinding?.[name]
      if (expected !== undefined && String(expected).toLowerCase() !== String(made[name])) {
        unusable(`its proof's ${name} is ${made[name]}, not ${expected}`)
      }
    }
  }

  /** The answer's JSON; asks again while the queue is full, or the server is away for a while. */
  async function ask(method: string, path: string, options: AskOptions): Promise<unknown> {
    let fullTimes = 0
    let patienceLeftMs = patienceMs
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)) {
      const answer = await send(method, path, options).catch((error) => {
        if (isPassing(error) && patienceLeftMs > 0) return undefined
        throw error
      })
      if (answer !== undefined) {
        const { status, body, retryAfterSeconds } = answer
        if (status >= 200 && status < 300) return body
        const error = errorOf(body, status)
        if (status === 429 && ++fullTimes < MAX_ATTEMPTS) {
          await pause(1000 * retryAfterSeconds, options.signal)
          continue
        }
        if (!isPassing(error) || patienceLeftMs <= 0) throw error
      }
      patienceLeftMs -= retryMs
      await pause(retryMs, options.signal)
    }
  }

  /** A server that never answered is a wrong URL rather than one that restarts. */
  function isPassing(error: unknown): boolean {
    if (!(error instanceof Sp1TeeError) || !hasAnswered) return false
    return error.code === 'SERVER_UNREACHABLE' || PASSING_CODES.includes(error.code)
  }

  async function send(
    method: string,
    path: string,
    { signal, json, form, binary, idempotencyKey }: AskOptions,
  ): Promise<Answer> {
    const type = json !== undefined ? 'application/json' : 'application/octet-stream'
    const body = json !== undefined ? JSON.stringify(json) : (form ?? binary)
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        redirect: 'error',
        headers: {
          // Of a form, fetch knows it.
          ...(body !== undefined && form === undefined && { 'content-type': type }),
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      })
      if (response.ok) hasAnswered = true
      const retryAfterSeconds = Math.min(Number(response.headers.get('retry-after')) || 1, 60)
      return { status: response.status, body: await readJson(response), retryAfterSeconds }
    } catch (error) {
      if (signal?.aborted) throw interrupted()
      if (error instanceof Sp1TeeError) throw error
      const { cause = error } = error as { cause?: unknown }
      const { code } = cause as { code?: unknown }
      const reason = typeof code === 'string' ? code : 'the connection failed'
      throw new UnavailableError('SERVER_UNREACHABLE', { url: origin, reason }, error)
    }
  }

  async function readJson(response: Response): Promise<unknown> {
    const text = await readText(response, MAX_ANSWER_BYTES)
    if (text === undefined) return unusable('it is too long')
    try {
      return JSON.parse(text)
    } catch {
      return unusable(`it is no JSON (HTTP ${response.status})`)
    }
  }

  /** A problem as an error with its own code, in the server's words. */
  function errorOf(problem: unknown, status?: number): Sp1TeeError {
    const { code, detail, details } = Object(problem) as Record<string, unknown>
    const isProblem = typeof code === 'string' && typeof detail === 'string'
    const known = isProblem
      ? restoreError({
          code,
          message: printable(detail),
          details: typeof details === 'object' ? { ...details } : {},
        })
      : undefined
    if (known !== undefined) return known
    const reason = isProblem ? `${printable(code)}: ${printable(detail)}` : `HTTP ${status}`
    return new UnavailableError('SERVER_ANSWER', { url: origin, reason })
  }

  function textField(value: unknown, name: string): string {
    const field = (Object(value) as Record<string, unknown>)[name]
    return typeof field === 'string' ? field : unusable(`its field ${name} is missing`)
  }

  function unusable(reason: string): never {
    throw new UnavailableError('SERVER_ANSWER', { url: origin, reason })
  }
}

/** A server's text on its way to a terminal: bounded, and without control characters. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, MAX_TEXT_LENGTH)
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(interrupted())
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function interrupted(): InterruptedError {
  return new InterruptedError({ during: "waiting for the server's answer" })
}
