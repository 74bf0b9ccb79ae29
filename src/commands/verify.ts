import { Args, Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand, invalidFlag } from '../base-command.js'
import { type DomainFlagValues, findDomain, openChain, rpcFlags } from '../chain-flags.js'
import {
  type AttestationAnchor,
  askMultiProof,
  type ContractAnchor,
  ERROR_TABLES,
  type Hex,
  isHex,
  judgeSigner,
  type Proof,
  parseAttestation,
  parseProof,
  type Verdict,
  type VerifyOptions,
  verifyProof,
} from '../core/index.js'
import { readInput } from '../files.js'
import { isTyped } from '../flag-sources.js'
import { atFlags, collateralFlags, parseTime, rootFlags, trustOf } from '../quote-flags.js'
import { SIMULATED, watch } from '../terminal.js'

const ADDRESS_HEX_DIGITS = 40
const NAME_WIDTH = 13
/** Each of them names a contract. */
const CONTRACT_FLAGS = ['multiproof', 'preset', 'deployment']

export default class Verify extends BaseCommand {
  static override summary = 'check a proof file'
  static override description =
    'Derives again everything the proof says, and needs something outside it that vouches for the signer: without a trust anchor no proof is valid. Exits with code 5 if it is not.'
  static override examples = [
    '<%= config.bin %> verify fibonacci.proof.json --signer 0x… --elf guests/elf/fibonacci.elf',
    '<%= config.bin %> verify fibonacci.proof.json --rpc-url https://… --multiproof 0x…',
    '<%= config.bin %> verify fibonacci.proof.json --policy policy.yaml --attestation attestation.json',
  ]
  static override args = {
    proof: Args.string({ description: 'the proof file, or - for standard input', required: true }),
  }
  static override flags = {
    signer: Flags.string({
      description: 'trust anchor: the address whose signature is accepted',
      helpValue: '0xADDRESS',
      env: 'SP1_TEE_SIGNER',
    }),
    ...rpcFlags,
    multiproof: Flags.string({
      description:
        'trust anchor, with --rpc-url: the MultiProof contract that must accept the proof, and that one of scheme eip712 must be for',
      helpValue: '0xADDRESS',
      env: 'SP1_TEE_MULTIPROOF',
    }),
    policy: Flags.string({
      description:
        "trust anchor: what is accepted of the signer's attestation, JSON or YAML (schemas/policy.schema.json)",
      helpValue: 'FILE',
      env: 'SP1_TEE_POLICY',
    }),
    attestation: Flags.string({
      description:
        "with --policy: the signer's attestation, as `attest --json` prints it, if the proof carries none",
      helpValue: 'FILE',
      dependsOn: ['policy'],
    }),
    ...collateralFlags,
    ...rootFlags,
    ...atFlags,
    elf: Flags.string({ description: 'the program; its key is computed again', helpValue: 'FILE' }),
    'public-values': Flags.string({
      description: 'the public values the proof must have',
      helpValue: '0xHEX',
    }),
  }

  async run(): Promise<Verdict> {
    const { args, flags } = await this.parse(Verify)
    const { signer } = flags
    if (signer !== undefined && !(isHex(signer) && signer.length === 2 + ADDRESS_HEX_DIGITS)) {
      invalidFlag('--signer', 'takes an address: 0x and 40 hex digits')
    }
    const publicValues = flags['public-values']
    if (publicValues !== undefined && !isHex(publicValues)) {
      invalidFlag('--public-values', 'takes 0x hex')
    }
    const proof = parseProof(await readInput(args.proof))
    const elf = flags.elf === undefined ? undefined : await readInput(flags.elf)
    const domain = await findDomain(flags)
    const contract = await this.#contract(flags, domain, proof.domain !== undefined)
    const attestation = await this.#attestation(proof, flags)
    const verdict = await watch('Verify', this.isSilent(), (show) =>
      verifyProof(proof, {
        domain,
        signal: this.interrupted,
        onProgress: (done) => show(`verifying key ${Math.round(100 * done)} %`),
        ...(signer !== undefined && { signer: signer as Hex }),
        ...(contract !== undefined && { contract }),
        ...(attestation !== undefined && { attestation }),
        ...(publicValues !== undefined && { publicValues: publicValues as Hex }),
        ...(elf !== undefined && { elf }),
      }),
    )
    const width = Math.max(NAME_WIDTH, ...verdict.checks.map(({ name }) => name.length))
    for (const { name, ok, detail } of verdict.checks) {
      this.log(`${ok ? chalk.green('ok') : chalk.red('NO')}  ${name.padEnd(width)} ${detail}`)
    }
    if (verdict.simulated) this.log(SIMULATED)
    this.log(verdict.valid ? chalk.green('valid') : chalk.red('not valid'))
    if (!verdict.valid) process.exitCode = ERROR_TABLES.rejected.exitCode
    return verdict
  }

  /** Under the policy, if one is named: of the attestation that is given, or that the proof carries. */
  async #attestation(
    proof: Proof,
    flags: Parameters<typeof trustOf>[0] & {
      readonly attestation?: string | undefined
      readonly at?: string | undefined
    },
  ): Promise<AttestationAnchor | undefined> {
    const trust = await trustOf(flags, { signal: this.interrupted, isSilent: this.isSilent() })
    if (trust === undefined) return undefined
    const attestation =
      flags.attestation === undefined
        ? proof.attestation
        : parseAttestation(await readInput(flags.attestation))
    if (attestation === undefined) {
      const detail = 'the proof carries none: pass --attestation'
      return { valid: false, checks: [{ name: 'attestation', ok: false, detail }] }
    }
    const { verdict } = await judgeSigner(proof.signer, attestation, {
      ...trust,
      now: parseTime(flags.at),
      ...(proof.workloadId !== undefined && { workloadId: proof.workloadId }),
    })
    return verdict
  }

  /** The contract to ask. Without an RPC, what else vouches for the signer may do. */
  async #contract(
    flags: DomainFlags & Parameters<typeof openChain>[0],
    { verifyingContract: address }: ExpectedDomain,
    isCompared: boolean,
  ): Promise<ContractAnchor | undefined> {
    if (address === undefined) return undefined
    const isAnchored = flags.signer !== undefined || flags.policy !== undefined
    const isTypedHere = CONTRACT_FLAGS.some((name) => isTyped(name, this.argv))
    if (flags['rpc-url'] === undefined && isAnchored && (isCompared || !isTypedHere)) {
      return undefined
    }
    const chain = await openChain(flags)
    return {
      description: `MultiProof ${address} on chain ${chain.chainId}`,
      ask: (proof) => askMultiProof(chain, address, proof),
    }
  }
}

type ExpectedDomain = NonNullable<VerifyOptions['domain']>

interface DomainFlags extends DomainFlagValues {
  readonly signer?: string | undefined
  readonly policy?: string | undefined
}
