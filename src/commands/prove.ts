import { basename } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand, hexFlag, invalidFlag } from '../base-command.js'
import { type DomainFlagValues, findDomain, rpcFlags } from '../chain-flags.js'
import {
  type Attestation,
  type Binding,
  type Client,
  createProver,
  type EngineName,
  encodeProof,
  fromHex,
  InterruptedError,
  identifyElf,
  isSimulatedQuote,
  type Proof,
  type ProveOptions,
  parseAttestation,
  parseQuote,
  parseReportData,
  type ReleaseChoice,
  type RemoteProveOptions,
  SCHEME_NAMES,
  Sp1TeeError,
  type Stdin,
} from '../core/index.js'
import { readInput, writeOutput } from '../files.js'
import { guestFlags, limitsOf, readGuest, releaseChoice } from '../guest-flags.js'
import { collateralFlags, rootFlags, trustOf } from '../quote-flags.js'
import { openClient, serverFlags } from '../server-flags.js'
import { keyFlags, loadSigner, providerFlags } from '../state.js'
import { formatCount, SIMULATED, watch, watchPhases } from '../terminal.js'
import { measureThisMachine, parseWorkloadId } from '../workload-flags.js'

const VKEY_BYTES = 32
/** How long Ctrl-C waits for the server to end the job. */
const MAX_CANCEL_MS = 3_000
const NO_JOB = 'The server had named no job; one that it was just taking goes on there.'

export default class Prove extends BaseCommand {
  static override summary = 'execute a guest, compute its verifying key, and sign both'
  static override description =
    'Writes a proof file: the public values, the key that names the program, and the signature of the local signer, or of a server with --url. Refuses every run that SP1 could not prove.'
  static override examples = [
    '<%= config.bin %> prove guests/elf/fibonacci.elf --stdin guests/inputs/fibonacci.bin',
    '<%= config.bin %> prove fib.elf --input 0x0a000000 --scheme succinct --tee-version 2 --out fib.proof.json',
    '<%= config.bin %> prove fib.elf --input 0x0a000000 --scheme eip712 --deployment deployment.json',
    '<%= config.bin %> prove fib.elf --stdin in.bin --url http://127.0.0.1:3000',
    '<%= config.bin %> prove fib.elf --stdin in.bin --url https://prover.example --policy policy.yaml --private',
    '<%= config.bin %> prove fib.elf --url https://prover.example --job 0b8e5f0c-5a3e-4a52-9d7e-3f1f6f0f2a11',
  ]
  static override args = {
    elf: Args.string({ description: 'the guest program, or - for standard input', required: true }),
  }
  static override flags = {
    ...guestFlags,
    ...keyFlags,
    ...serverFlags,
    scheme: Flags.option({
      description: 'what is signed, and how',
      options: SCHEME_NAMES,
      env: 'SP1_TEE_SCHEME',
      default: 'automata' as const,
    })(),
    'tee-version': Flags.integer({
      description: 'version in the message of scheme succinct',
      env: 'SP1_TEE_TEE_VERSION',
      helpValue: 'N',
      min: 0,
      max: 2 ** 32 - 1,
    }),
    ...rpcFlags,
    multiproof: Flags.string({
      description: 'scheme eip712: the contract that the signature is for, with --chain',
      helpValue: '0xADDRESS',
      env: 'SP1_TEE_MULTIPROOF',
    }),
    'workload-id': Flags.string({
      description:
        'scheme eip712: the workload of this machine, or the one a server must have; default: measured by --provider, or any',
      helpValue: '0xHEX',
      env: 'SP1_TEE_WORKLOAD_ID',
    }),
    ...providerFlags,
    attestation: Flags.string({
      description:
        "the signer's attestation, as `attest --json` prints it, to go into the proof file",
      helpValue: 'FILE',
    }),
    policy: Flags.string({
      description:
        'with --url: what is accepted of the server’s signer, checked before anything is sent and again of the proof (schemas/policy.schema.json)',
      helpValue: 'FILE',
      dependsOn: ['url'],
    }),
    vkey: Flags.string({
      description:
        "with --url: the program's verifying key, as `vkey` prints it; without it, it is computed here while the server works, so that no proof of another program is taken",
      helpValue: '0xHEX',
      dependsOn: ['url'],
    }),
    private: Flags.boolean({
      description: 'encrypt program and stdin, so that only the attested TD can read them',
      dependsOn: ['url', 'policy'],
    }),
    job: Flags.string({
      description:
        'with --url: wait for this job, which was begun before, and check its proof; the job goes on after Ctrl-C',
      helpValue: 'ID',
      dependsOn: ['url'],
      exclusive: ['stdin', 'input', 'private'],
    }),
    ...collateralFlags,
    ...rootFlags,
    out: Flags.string({
      description: 'proof file; default: NAME.proof.json in the current folder',
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<Proof> {
    const parsed = await this.parse(Prove)
    const { args, flags } = parsed
    // Not by oclif's `exclusive`: a policy of the config file is no less meant than a typed one.
    if (flags.attestation !== undefined && flags.policy !== undefined) {
      const reason = 'does not go with a policy: the proof carries the attestation that it accepts'
      invalidFlag('--attestation', reason)
    }
    const { elf, stdin } = await readGuest(args.elf, flags, (text) => this.remark(text))
    const teeVersion = flags['tee-version']
    const choice = releaseChoice(parsed)
    const options = {
      scheme: flags.scheme,
      limits: limitsOf(flags),
      signal: this.interrupted,
      ...(teeVersion !== undefined && { teeVersion }),
    }
    const trust = await trustOf(flags, { signal: this.interrupted, isSilent: this.isSilent() })
    const client = openClient(flags, trust)
    const isBound = client !== undefined && flags.scheme === 'eip712'
    const expected = isBound ? { expectedBinding: await expectedBinding(flags) } : {}
    const vkey = flags.vkey
    const path = flags.attestation
    const attestation = path === undefined ? undefined : parseAttestation(await readInput(path))
    const made =
      client === undefined
        ? await this.#proveHere(elf, stdin, { ...choice, ...options }, flags)
        : await this.#proveThere(client, flags.job, elf, stdin, {
            ...options,
            ...expected,
            sp1: releaseFor(elf, choice),
            private: flags.private,
            ...(vkey !== undefined && {
              vkey: hexFlag('--vkey', vkey, VKEY_BYTES, 'a verifying key'),
            }),
          })
    const proof = attestation === undefined ? made : withAttestation(made, attestation)
    const out = flags.out ?? `${basename(args.elf).replace(/\.elf$/, '')}.proof.json`
    await writeOutput(out, encodeProof(proof))
    if (proof.simulated) this.log(SIMULATED)
    this.log(`public values  ${proof.publicValues}`)
    this.log(`cycles         ${formatCount(proof.cycles)}`)
    this.log(`verifying key  ${proof.vkey}`)
    this.log(`signer         ${proof.signer}`)
    this.log(`proof          ${out}`)
    return proof
  }

  async #proveHere(
    elf: Uint8Array,
    stdin: Stdin,
    options: ProveOptions,
    flags: BindingFlags & { 'insecure-key-on-disk': boolean; engine: EngineName },
  ): Promise<Proof> {
    const bound = options.scheme === 'eip712' ? await this.#bind(flags) : {}
    const { binding, simulated = false } = bound
    const signer = await loadSigner(flags, flags['insecure-key-on-disk'])
    const prover = createProver({ signer, simulated })
    return watchPhases(['Execute', 'Verifying key'], this.isSilent(), (show) =>
      prover.prove(elf, stdin, {
        ...options,
        ...(binding !== undefined && { binding }),
        engine: flags.engine,
        onCycles: (cycles) => show('Execute', `${formatCount(cycles)} cycles`),
        onVkeyProgress: (done) => show('Verifying key', `${Math.round(100 * done)} %`),
      }),
    )
  }

  /** By a new job, or the one that is named. */
  async #proveThere(
    client: Client,
    job: string | undefined,
    elf: Uint8Array,
    stdin: Stdin,
    options: RemoteProveOptions,
  ): Promise<Proof> {
    let id = job
    const onJob = (accepted: string) => {
      id = accepted
      if (!this.isSilent()) this.remark(`job            ${id}`)
    }
    return watch('Prove', this.isSilent(), async (show) => {
      const remote = { ...options, onJob, onState: tellProgress(show) }
      try {
        if (job !== undefined) return await client.waitProof(job, { ...remote, elf })
        return await client.prove(elf, stdin, remote)
      } catch (error) {
        if (!this.interrupted.aborted) throw error
        if (id === undefined) throw new InterruptedError({ during: 'the request', outcome: NO_JOB })
        const outcome = job === undefined ? await cancelJob(client, id) : goesOn(id)
        throw new InterruptedError({ during: `the wait for job ${id}`, outcome })
      }
    })
  }

  /** For which contract, and as what, this machine signs. */
  async #bind(
    flags: BindingFlags,
  ): Promise<{ readonly binding?: Binding; readonly simulated?: boolean }> {
    const { chainId, verifyingContract } = await findDomain(flags)
    if (chainId === undefined) return invalidFlag('--chain', 'must be given with --scheme eip712')
    if (verifyingContract === undefined) {
      return invalidFlag('--multiproof', 'must be given with --scheme eip712')
    }
    const named = flags['workload-id']
    if (named !== undefined) {
      const workloadId = parseWorkloadId('--workload-id', named)
      return { binding: { chainId, verifyingContract, workloadId } }
    }
    const { workloadId, simulated } = await measureThisMachine(flags, {
      warn: (text) => this.remark(text),
      signal: this.interrupted,
    })
    return { binding: { chainId, verifyingContract, workloadId }, simulated }
  }
}

type BindingFlags = Parameters<typeof measureThisMachine>[0] &
  DomainFlagValues & {
    readonly 'workload-id'?: string | undefined
  }

/** What the flags say of a server's signature; what they do not say is the server's to choose. */
async function expectedBinding(flags: BindingFlags): Promise<Partial<Binding>> {
  const workloadId = flags['workload-id']
  return {
    ...(await findDomain(flags)),
    ...(workloadId !== undefined && {
      workloadId: parseWorkloadId('--workload-id', workloadId),
    }),
  }
}

/** A server does not see our config file: the release there goes with a program that does not tell its own. */
function releaseFor(elf: Uint8Array, { sp1, fallbackSp1 }: ReleaseChoice): string | undefined {
  if (fallbackSp1 === undefined) return sp1
  return identifyElf(elf, { fallbackSp1 }).sp1 === fallbackSp1 ? fallbackSp1 : undefined
}

/** @returns what became of a job that nobody waits for any more */
async function cancelJob(client: Client, id: string): Promise<string> {
  try {
    await client.cancel(id, AbortSignal.timeout(MAX_CANCEL_MS))
    return 'The server has cancelled it; nothing was signed. Run the command again.'
  } catch (error) {
    if (!(error instanceof Sp1TeeError)) throw error
    return `The server did not say that it cancelled it. ${goesOn(id)}`
  }
}

function goesOn(id: string): string {
  return `It goes on, or has ended; to have its proof, pass --job ${id} with the same program.`
}

/** A simulated quote makes a simulated proof of it. */
function withAttestation(proof: Proof, attestation: Attestation): Proof {
  const { address } = parseReportData(fromHex(attestation.reportData))
  if (address !== proof.signer) {
    return invalidFlag('--attestation', `is of ${address}, and the signer is ${proof.signer}`)
  }
  const isSimulated = proof.simulated || isSimulatedQuote(parseQuote(fromHex(attestation.quote)))
  return { ...proof, ...(isSimulated && { simulated: true }), attestation }
}

/** The state of the job, its cycles, and how fast they go. */
function tellProgress(show: (text: string) => void): (state: string, cycles: number) => void {
  let began: { readonly ms: number; readonly cycles: number } | undefined
  return (state, cycles) => {
    if (cycles === 0) return show(state)
    const now = performance.now()
    began ??= { ms: now, cycles }
    const mhz = (cycles - began.cycles) / Math.max(now - began.ms, 1) / 1000
    const speed = mhz > 0 ? `, ${mhz.toFixed(1)} MHz` : ''
    show(`${state}, ${formatCount(cycles)} cycles${speed}`)
  }
}
