/**
 * Execute, compute the verifying key, sign: one step, with every refusal on the way. What `prove`
 * runs once, a server repeats.
 */
import { fromHex, toHex } from '../bytes.js'
import { GuestError, InputError } from '../errors.js'
import { type ExecuteOptions, type ExecutionResult, execute } from '../executor/execute.js'
import { loadProgram } from '../executor/release.js'
import { requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import { type Binding, EIP712_DOMAIN_NAME, EIP712_DOMAIN_VERSION } from '../signer/eip712.js'
import type { Proof } from '../signer/proof.js'
import { type SchemeName, type Statement, schemeOf } from '../signer/schemes.js'
import type { Signer } from '../signer/signer.js'
import { VkeyCache } from './vkey-cache.js'

export interface ProveOptions
  extends Omit<ExecuteOptions, 'report' | 'onProgress' | 'unverifiedDeferredProofs'> {
  readonly scheme?: SchemeName
  /** The version in the message of scheme `succinct`, which needs one; a u32. */
  readonly teeVersion?: number
  /** For which contract, and as which workload, scheme `eip712` signs; it needs this. */
  readonly binding?: Binding
  /** Worker threads of the verifying key. */
  readonly threads?: number
  readonly onCycles?: (cycles: number) => void
  readonly onVkeyProgress?: (fraction: number) => void
}

export interface Prover {
  prove(elf: Uint8Array, stdin: Stdin, options?: ProveOptions): Promise<Proof>
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

export function createProver(options: ProverOptions): Prover {
  const parts = { vkeys: new VkeyCache(), execute, simulated: false, ...options }
  return { prove: (elf, stdin, options = {}) => prove(parts, elf, stdin, options) }
}

/**
 * @throws InputError a program or stdin SP1 would not load, or flags that do not fit the scheme
 * @throws GuestError the run failed, hit a limit, or SP1 could not prove it (`UNPROVABLE`)
 * @throws InterruptedError `signal` was aborted
 */
async function prove(
  { signer: signerOrSource, vkeys, execute, simulated }: Required<ProverOptions>,
  elf: Uint8Array,
  stdin: Stdin,
  options: ProveOptions,
): Promise<Proof> {
  const {
    sp1: _asked,
    fallbackSp1: _fallback,
    threads,
    onCycles,
    onVkeyProgress,
    ...rest
  } = options
  requireNoDeferredProofs(stdin)
  const scheme = schemeOf(options.scheme ?? 'automata')
  const teeVersion = checkTeeVersion(scheme.isVersioned, options.teeVersion)
  const { binding } = options
  requireBinding(scheme.isBound, binding)
  // A copy, so that nobody can make the program that is named another than the one that is run.
  const program = elf.slice()
  const sp1 = loadProgram(program, options).release.version
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(rest.signal ? [rest.signal] : [])])

  const [run, vkey] = await firstFailure(failure, [
    execute(program, stdin, { ...rest, sp1, signal, ...(onCycles && { onProgress: onCycles }) }),
    vkeys.get(program, {
      sp1,
      signal,
      ...(threads !== undefined && { threads }),
      ...(onVkeyProgress && { onProgress: onVkeyProgress }),
    }),
  ])
  requireProvable(run)

  const statement: Statement = {
    hashBytes: fromHex(vkey.hashBytes),
    bytes32: fromHex(vkey.bytes32),
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
    sp1,
    elfHash: run.elfHash,
    vkey: vkey.bytes32,
    vkeyHash: vkey.hashBytes,
    publicValues: run.publicValues,
    exitCode: run.exitCode,
    cycles: run.cycles,
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

/** @returns the version to sign; 0 where the scheme has none. */
function checkTeeVersion(isVersioned: boolean, teeVersion: number | undefined): number {
  const flag = '--tee-version'
  if (isVersioned && teeVersion === undefined) {
    throw new InputError('FLAG_INVALID', { flag, reason: 'must be given with --scheme succinct' })
  }
  if (!isVersioned && teeVersion !== undefined) {
    throw new InputError('FLAG_INVALID', { flag, reason: 'goes only with --scheme succinct' })
  }
  return teeVersion ?? 0
}

function requireBinding(isBound: boolean, binding: Binding | undefined): void {
  if (isBound === (binding !== undefined)) return
  const reason = isBound ? 'must be given with --scheme eip712' : 'goes only with --scheme eip712'
  throw new InputError('FLAG_INVALID', { flag: '--multiproof', reason })
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
