/**
 * Execute, compute the verifying key, sign: one step, with every refusal on the way. What `prove`
 * runs once, a server repeats.
 */
import { fromHex, toHex } from '../bytes.js'
import { GuestError, InputError } from '../errors.js'
import { type ExecuteOptions, type ExecutionResult, execute } from '../executor/execute.js'
import { requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import type { Binding } from '../signer/eip712.js'
import type { Proof } from '../signer/proof.js'
import { type SchemeName, type Statement, schemeOf } from '../signer/schemes.js'
import type { Signer } from '../signer/signer.js'
import { EIP712_DOMAIN_NAME, EIP712_DOMAIN_VERSION } from '../signer/typed-data.js'
import { asProvable, type ProvableRun, requireGenuine } from './provable-run.js'
import { ReleaseIndex } from './release-index.js'
import { VkeyCache } from './vkey-cache.js'

export interface SchemeChoice {
  readonly scheme?: SchemeName
  /** The version in the message of scheme `succinct`, which needs one; a u32. */
  readonly teeVersion?: number
  /** For which contract, and as which workload, scheme `eip712` signs; it needs this. */
  readonly binding?: Binding
}

export type RunStep = 'execution' | 'verifying key'

export interface RunOptions
  extends Omit<ExecuteOptions, 'report' | 'onProgress' | 'unverifiedDeferredProofs'> {
  /** Worker threads of the verifying key. */
  readonly threads?: number
  readonly onCycles?: (cycles: number) => void
  readonly onVkeyProgress?: (fraction: number) => void
  /** Sees each step begin and end; has to do its work. */
  readonly watch?: <T>(step: RunStep, work: () => Promise<T>) => Promise<T>
}

export interface ProveOptions extends RunOptions, SchemeChoice {}

export interface Prover {
  /** `run`, then `sign`. */
  prove(elf: Uint8Array, stdin: Stdin, options?: ProveOptions): Promise<Proof>
  /**
   * @throws InputError a program or stdin SP1 would not load
   * @throws GuestError the run failed, hit a limit, or SP1 could not prove it (`UNPROVABLE`)
   * @throws InterruptedError `signal` was aborted
   */
  run(elf: Uint8Array, stdin: Stdin, options?: RunOptions): Promise<ProvableRun>
  /** @throws InputError a choice that does not fit the scheme */
  sign(run: ProvableRun, choice?: SchemeChoice): Proof
}

export interface ProverOptions {
  /** Or what gives it once a run is over, so that a service signs with the signer it then has. */
  readonly signer: Signer | (() => Signer)
  /** Share one between provers to compute each key once. */
  readonly vkeys?: VkeyCache
  /** Where guests run; default: here, in this thread. */
  readonly execute?: typeof execute
  /** Mark every proof as worth nothing, because the signer's quotes are simulated. */
  readonly simulated?: boolean
}

interface ProverParts extends Required<ProverOptions> {
  readonly releases: ReleaseIndex
}

export function createProver(options: ProverOptions): Prover {
  const defaults = { vkeys: new VkeyCache(), execute, simulated: false }
  const parts = { ...defaults, ...options, releases: new ReleaseIndex() }
  return {
    async prove(elf, stdin, options = {}) {
      const { scheme, teeVersion, binding, ...rest } = options
      const choice = {
        ...(scheme !== undefined && { scheme }),
        ...(teeVersion !== undefined && { teeVersion }),
        ...(binding !== undefined && { binding }),
      }
      checkSchemeChoice(choice)
      return sign(parts, await run(parts, elf, stdin, rest), choice)
    },
    run: (elf, stdin, options = {}) => run(parts, elf, stdin, options),
    sign: (provable, choice = {}) => sign(parts, provable, choice),
  }
}

/**
 * Refuse at once what `sign` would refuse.
 *
 * @throws InputError `FLAG_INVALID`
 */
export function checkSchemeChoice({
  scheme = 'automata',
  teeVersion,
  binding,
}: SchemeChoice): void {
  const { isVersioned, isBound } = schemeOf(scheme)
  requireWith('succinct', '--tee-version', isVersioned, teeVersion !== undefined)
  requireWith('eip712', '--multiproof', isBound, binding !== undefined)
}

/** A flag that one scheme needs and the others have no use for. */
function requireWith(scheme: SchemeName, flag: string, isNeeded: boolean, isGiven: boolean): void {
  if (isNeeded === isGiven) return
  const reason = isNeeded
    ? `must be given with --scheme ${scheme}`
    : `goes only with --scheme ${scheme}`
  throw new InputError('FLAG_INVALID', { flag, reason })
}

async function run(
  { vkeys, execute, releases }: ProverParts,
  elf: Uint8Array,
  stdin: Stdin,
  options: RunOptions,
): Promise<ProvableRun> {
  const {
    sp1: _asked,
    fallbackSp1: _fallback,
    threads,
    onCycles,
    onVkeyProgress,
    watch = (_step, work) => work(),
    ...rest
  } = options
  requireNoDeferredProofs(stdin)
  // A copy, so that nobody can make the program that is named another than the one that is run.
  const program = elf.slice()
  const sp1 = releases.versionOf(program, options)
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(rest.signal ? [rest.signal] : [])])

  const [result, vkey] = await firstFailure(failure, [
    watch('execution', () =>
      execute(program, stdin, { ...rest, sp1, signal, ...(onCycles && { onProgress: onCycles }) }),
    ),
    watch('verifying key', () =>
      vkeys.get(program, {
        sp1,
        signal,
        ...(threads !== undefined && { threads }),
        ...(onVkeyProgress && { onProgress: onVkeyProgress }),
      }),
    ),
  ])
  requireProvable(result)
  const { elfHash, publicValues, exitCode, cycles } = result
  const { bytes32, hashBytes } = vkey
  const names = { vkey: bytes32, vkeyHash: hashBytes }
  return asProvable({ sp1, elfHash, ...names, publicValues, exitCode, cycles })
}

function sign(
  { signer: signerOrSource, simulated }: ProverParts,
  run: ProvableRun,
  choice: SchemeChoice,
): Proof {
  requireGenuine(run)
  checkSchemeChoice(choice)
  const scheme = schemeOf(choice.scheme ?? 'automata')
  const { binding, teeVersion = 0 } = choice
  const statement: Statement = {
    hashBytes: fromHex(run.vkeyHash),
    bytes32: fromHex(run.vkey),
    publicValues: fromHex(run.publicValues),
    teeVersion,
    ...(binding !== undefined && { binding }),
  }
  const signer = typeof signerOrSource === 'function' ? signerOrSource() : signerOrSource
  const signature = signer.signDigest(scheme.digest(statement))
  const proofBytes = scheme.proofBytes(statement, signature)
  return {
    version: 1,
    scheme: scheme.name,
    ...run,
    signer: signer.address,
    signature: toHex(signature),
    ...(scheme.isVersioned && { teeVersion }),
    ...(binding !== undefined && fieldsOf(binding)),
    ...(proofBytes !== undefined && { proofBytes: toHex(proofBytes) }),
    ...(simulated && { simulated }),
  }
}

function requireProvable({ unprovable, cycles, stdout, stderr }: ExecutionResult): void {
  if (unprovable === undefined) return
  throw new GuestError('UNPROVABLE', { reason: unprovable }, { cycles, stdout, stderr })
}

function fieldsOf({ chainId, verifyingContract, workloadId }: Binding) {
  const [name, version] = [EIP712_DOMAIN_NAME, EIP712_DOMAIN_VERSION] as const
  return { domain: { name, version, chainId, verifyingContract }, workloadId }
}

/** Both results; or the error of the first that failed, after the other has stopped for it. */
async function firstFailure<A, B>(
  failure: AbortController,
  works: readonly [Promise<A>, Promise<B>],
): Promise<[A, B]> {
  let first: { error: unknown } | undefined
  const settled = works.map((work) =>
    work.catch((error) => {
      first ??= { error }
      failure.abort()
    }),
  )
  const results = await Promise.all(settled)
  if (first !== undefined) throw first.error
  return results as [A, B]
}
