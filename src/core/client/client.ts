/**
 * The service from a client's side. What a server answers is not trusted: a proof is checked to hang
 * together and to be signed by the signer it names, and, where the program's verifying key is given or can
 * be computed, to be of that program: a proof's hash of the program is signed by nobody, its key is. With a
 * policy that signer's attestation is checked, too, before anything is sent and when the proof is there;
 * without one, whether it is to be trusted is for `verifyProof` to say.
 */
import { type Hex, isHex, toHex } from '../bytes.js'
import { InputError, Sp1TeeError, UnavailableError } from '../errors.js'
import type { ExecuteLimits } from '../executor/limits.js'
import { encodeStdin, requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import { sealInputs } from '../private-inputs/sealed-inputs.js'
import { checkProof } from '../prover/check-proof.js'
import { sha256 } from '../sha256.js'
import type { Binding } from '../signer/eip712.js'
import { type Proof, parseProof } from '../signer/proof.js'
import type { SchemeName } from '../signer/schemes.js'
import { connectServer, type ServerOptions, untilAskedAgain } from './server-connection.js'
import { SignerTrust, type TrustOptions } from './signer-trust.js'

const FIRST_POLL_MS = 50
const LONGEST_POLL_MS = 1_000
/** Private inputs are sealed anew when their key is gone: it expired, or the server was restarted. */
const MAX_SEALINGS = 4
const KEY_GONE_CODES = ['PRIVATE_KEY_UNKNOWN', 'PRIVATE_KEY_LOST']
/** What is longer goes as it is, beside the request: JSON holds twice as much, and servers take less of it. */
const MAX_INLINE_STDIN_BYTES = 2 ** 20
const STATES_ON_THE_WAY = ['queued', 'running']
const JOB_ID = /^[\w-]{1,64}$/

export interface RemoteProveOptions {
  readonly sp1?: string | undefined
  readonly scheme?: SchemeName
  readonly teeVersion?: number
  /** The server's own limits hold as well. */
  readonly limits?: Partial<Pick<ExecuteLimits, 'cycles' | 'memoryMib' | 'timeoutMs'>>
  /** Send program and stdin so that only the attested TD can read them; needs a policy. */
  readonly private?: boolean
  /** The program's verifying key, which the proof must have. It is not sent. */
  readonly vkey?: Hex
  /** What a proof of scheme `eip712` has to be for, and made by; the server is not told. */
  readonly expectedBinding?: Partial<Binding>
  readonly signal?: AbortSignal
  readonly onState?: (state: string, cycles: number) => void
  /** Told of each job that was accepted, so that it can be waited for elsewhere. */
  readonly onJob?: (id: string) => void
}

export interface WaitProofOptions extends RemoteProveOptions {
  /** SHA-256 of the program that the proof has to say it is of. */
  readonly programId?: Hex
  /** The program itself: of it is checked what `prove` checks. */
  readonly elf?: Uint8Array
}

export interface ClientOptions extends ServerOptions, Partial<TrustOptions> {
  /** The time that attestations are judged at. */
  readonly now?: () => Date
  /** Computes the key of a program that was sent, for a release, or for the one that the program tells. */
  readonly vkeyOf?: (
    elf: Uint8Array,
    sp1: string | undefined,
    signal: AbortSignal | undefined,
  ) => Promise<Hex>
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
   * Wait for a job, over restarts of the server, and check what it gives: that the proof says that it is
   * of `programId`, and that it is of the program `elf`, or the one with the key `vkey`, if these are given.
   *
   * @throws as `prove`
   */
  waitProof(id: string, options?: WaitProofOptions): Promise<Proof>
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

export function createClient(
  url: string,
  { apiKey, patienceMs, now = () => new Date(), policy, vkeyOf, ...rest }: ClientOptions = {},
): Client {
  const server = connectServer(url, {
    ...(apiKey !== undefined && { apiKey }),
    ...(patienceMs !== undefined && { patienceMs }),
  })
  const { ask, reading, textField } = server
  const unusable: typeof server.unusable = server.unusable
  const trust = policy && new SignerTrust({ policy, ...rest }, now, server)
  return { requestProof, waitProof, prove, cancel, rotate }

  function prove(elf: Uint8Array, stdin: Stdin, options: RemoteProveOptions = {}): Promise<Proof> {
    return checkingProgram(elf, options, (programId) =>
      sealingAnew(async () => {
        const id = await request(elf, stdin, options)
        return waitChecked(id, { ...options, programId })
      }),
    )
  }

  function requestProof(
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions = {},
  ): Promise<string> {
    return sealingAnew(() => request(elf, stdin, options))
  }

  function waitProof(id: string, { elf, ...options }: WaitProofOptions = {}): Promise<Proof> {
    if (elf === undefined) return waitChecked(id, options)
    return checkingProgram(elf, options, (programId) => waitChecked(id, { ...options, programId }))
  }

  /** The program's key is computed while the server works, and no longer than somebody needs it. */
  async function checkingProgram(
    elf: Uint8Array,
    { sp1, vkey: given, signal }: RemoteProveOptions,
    work: (programId: Hex) => Promise<Proof>,
  ): Promise<Proof> {
    const end = new AbortController()
    const signals = signal === undefined ? [end.signal] : [end.signal, signal]
    const keyFor = async (release: string | undefined) =>
      given === undefined ? vkeyOf?.(elf, release, AbortSignal.any(signals)) : undefined
    // Meanwhile the server works; it is the one to say what is wrong with the program.
    keyFor(sp1).catch(() => {})
    try {
      const proof = await work(toHex(sha256(elf)))
      const vkey = await reading(() => keyFor(proof.sp1))
      if (vkey !== undefined && vkey !== proof.vkey) unusable('its proof is of another program')
      return proof
    } finally {
      end.abort()
    }
  }

  async function request(
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions,
  ): Promise<string> {
    requireNoDeferredProofs(stdin)
    const answer = await (options.private
      ? requestPrivately(elf, stdin, options)
      : requestOpenly(elf, stdin, options))
    const id = textField(answer, 'id')
    if (!JOB_ID.test(id)) unusable('its job has no usable id')
    options.onJob?.(id)
    return id
  }

  async function requestOpenly(
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions,
  ): Promise<unknown> {
    const { signal, onState } = options
    await trust?.signer(undefined, signal)
    const choices = choicesOf(options)
    const body = bodyOf({ programId: toHex(sha256(elf)), ...choices }, stdin)
    const asked = { ...body, signal, idempotencyKey: crypto.randomUUID() }
    onState?.('sending', 0)
    try {
      return await ask('POST', '/v1/proofs', asked)
    } catch (error) {
      if (!(error instanceof Sp1TeeError) || error.code !== 'PROGRAM_UNKNOWN') throw error
    }
    const query = choices.sp1 === undefined ? '' : `?sp1=${encodeURIComponent(choices.sp1)}`
    await ask('PUT', `/v1/programs${query}`, { binary: elf, signal })
    return ask('POST', '/v1/proofs', asked)
  }

  async function requestPrivately(
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions,
  ): Promise<unknown> {
    if (trust === undefined) throw new InputError('PRIVATE_NEEDS_POLICY', {})
    const { signal, onState } = options
    onState?.('sealing', 0)
    const { publicKey } = await trust.privateInputKey(signal)
    const choices = new TextEncoder().encode(JSON.stringify(choicesOf(options)))
    const inputs = { choices, elf, stdin: encodeStdin(stdin.buffers) }
    const { encapsulatedKey, sealed } = await reading(() => sealInputs(publicKey, inputs))
    const form = formOf({ private: { publicKey, encapsulatedKey } }, 'sealed', sealed)
    onState?.('sending', 0)
    return ask('POST', '/v1/proofs', { form, signal, idempotencyKey: crypto.randomUUID() })
  }

  /** Inputs are sealed to a key that may be gone when they arrive, or before they are opened. */
  async function sealingAnew<T>(work: () => Promise<T>): Promise<T> {
    for (let times = 1; ; times++) {
      try {
        return await work()
      } catch (error) {
        const isGone = error instanceof Sp1TeeError && KEY_GONE_CODES.includes(error.code)
        if (!isGone || times === MAX_SEALINGS) throw error
      }
    }
  }

  async function waitChecked(id: string, options: Omit<WaitProofOptions, 'elf'>): Promise<Proof> {
    const proof = await waitFor(id, options.signal, options.onState)
    await check(proof, options)
    if (trust === undefined) return proof
    const { attestation, simulated } = await trust.signer(proof, options.signal)
    return { ...proof, ...(simulated && { simulated }), attestation }
  }

  async function cancel(id: string, signal?: AbortSignal): Promise<void> {
    await ask('DELETE', `/v1/proofs/${encodeURIComponent(id)}`, { signal })
  }

  async function rotate(signal?: AbortSignal) {
    const answer = await ask('POST', '/v1/signer/rotate', { json: {}, signal, isOnce: true })
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
      const { state, cycles, proof, error } = Object(job) as Record<string, unknown>
      if (state === 'succeeded') {
        return reading(() => parseProof(new TextEncoder().encode(JSON.stringify(proof))))
      }
      if (state === 'failed') throw server.errorOf(error)
      if (state === 'cancelled') throw new UnavailableError('JOB_CANCELLED', { id })
      const known = STATES_ON_THE_WAY.find((name) => name === state)
      onState?.(known ?? unusable('it gives no state of the job'), Number(cycles) || 0)
      await untilAskedAgain(pollMs, signal)
    }
  }

  /** That the proof is of this program, in the scheme asked for, and hangs together. */
  async function check(
    proof: Proof,
    { programId, ...choice }: Omit<WaitProofOptions, 'elf'>,
  ): Promise<void> {
    const { checks } = await checkProof(proof)
    const wrong = checks.find(({ name, ok }) => !ok && name !== 'trustAnchor')
    if (wrong !== undefined) unusable(`its proof's ${wrong.name} is wrong: ${wrong.detail}`)
    const isOther =
      (programId !== undefined && proof.elfHash !== programId) ||
      (choice.vkey !== undefined && proof.vkey !== choice.vkey)
    if (isOther) unusable('its proof is of another program')
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
}

/** What the server is told of how to run and sign, field by field: it refuses any other. */
function choicesOf({ sp1, scheme, teeVersion, limits }: RemoteProveOptions) {
  const { cycles, memoryMib, timeoutMs } = limits ?? {}
  return { sp1, scheme, teeVersion, ...(limits && { limits: { cycles, memoryMib, timeoutMs } }) }
}

function bodyOf(request: object, { buffers }: Stdin): { json: object } | { form: FormData } {
  const stdinBytes = buffers.reduce((sum, { length }) => sum + length, 0)
  if (stdinBytes > MAX_INLINE_STDIN_BYTES) {
    return { form: formOf(request, 'stdin', encodeStdin(buffers)) }
  }
  return { json: { ...request, stdin: { buffer: buffers.map(toHex) } } }
}

/** In the order in which servers read it. */
function formOf(request: object, name: 'stdin' | 'sealed', bytes: Uint8Array): FormData {
  const form = new FormData()
  form.append('request', JSON.stringify(request))
  form.append(name, new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
  return form
}
