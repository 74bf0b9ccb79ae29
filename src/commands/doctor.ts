import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.js'
import { addressFlag, findRegistry, openChain, rpcFlags } from '../chain-flags.js'
import {
  type Collateral,
  ERROR_TABLES,
  findRegistration,
  inspectQuote,
  judgeQuote,
  latestReference,
  openCollateral,
  parseTdQuote,
  type QuoteCheck,
  type QuoteProvider,
  Sp1TeeError,
  type TdQuote,
} from '../core/index.js'
import { fetchCollateralOf, formatChecks, pccsFlags, readRoot } from '../quote-flags.js'
import { findSigner, keyFlags, openProvider, providerFlags, simulateFlags } from '../state.js'
import { SIMULATED, watch } from '../terminal.js'

const REPORT_DATA_BYTES = 64

interface Diagnosis {
  readonly healthy: boolean
  readonly simulated?: boolean
  readonly checks: readonly QuoteCheck[]
}

export default class Doctor extends BaseCommand {
  static override summary = 'check this machine, its signer, the collateral and the chain'
  static override description =
    'Gets a quote, verifies it with fresh collateral, and says of everything that fails what to do. Changes nothing, but keeps the collateral. With --rpc-url the chain is checked, and with --registry, --deployment or --preset whether the registry lists the signer. Exits with the code of the first failure.'
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --pccs-url https://localhost:8081 --json',
    '<%= config.bin %> doctor --rpc-url https://… --registry 0x… --pccs-contract 0x…',
    '<%= config.bin %> doctor --provider simulated --simulate old-tcb',
  ]
  static override flags = {
    ...providerFlags,
    ...keyFlags,
    ...pccsFlags,
    ...rpcFlags,
    ...simulateFlags,
    registry: Flags.string({
      description: 'the registry contract, with --rpc-url',
      helpValue: '0xADDRESS',
      env: 'SP1_TEE_REGISTRY',
      dependsOn: ['rpc-url'],
    }),
  }

  readonly #checks: QuoteCheck[] = []
  #firstExitCode = 0
  #simulated = false

  async run(): Promise<Diagnosis> {
    const { flags } = await this.parse(Doctor)
    await watch('Checks', this.isSilent(), async () => {
      const provider = await this.#checkMachine(flags)
      await this.#checkSigner(flags, provider)
    })
    const simulated = this.#simulated
    this.log(formatChecks(this.#checks))
    if (simulated) this.log(SIMULATED)
    process.exitCode = this.#firstExitCode
    return {
      healthy: this.#checks.every(({ ok }) => ok),
      ...(simulated && { simulated }),
      checks: this.#checks,
    }
  }

  /** Device, quote, collateral, verdict: each needs the one before. */
  async #checkMachine(flags: MachineFlags): Promise<QuoteProvider | undefined> {
    const provider = await this.#check(
      'device',
      () => openProvider(flags, (message) => this.remark(message)),
      ({ name, binding }) =>
        `quotes come from ${name}${binding === 'reportData' ? '' : '; no registry takes them'}`,
    )
    if (provider === undefined) return undefined
    this.#simulated = provider.simulated
    const quote = await this.#check(
      'quote',
      // Zeros bind no signer: nobody can register with this quote.
      async () => {
        const zeros = new Uint8Array(REPORT_DATA_BYTES)
        return parseTdQuote((await provider.attest(zeros, this.interrupted)).quote)
      },
      (made) => `version ${made.header.version}, ${inspectQuote(made).bodyType}`,
    )
    if (quote === undefined) return provider
    const collateral = await this.#check(
      'collateral',
      () => this.#collateralOf(quote, provider, flags),
      ({ tcbInfo, qeIdentity, pckCrl }) =>
        `valid until ${earliest(tcbInfo.value.nextUpdate, qeIdentity.value.nextUpdate, pckCrl.nextUpdate)}`,
    )
    if (collateral === undefined) return provider
    const root = await readRoot(provider.rootCertificatePath)
    const { checks } = judgeQuote({ quote, collateral, root, now: new Date() })
    for (const check of checks)
      this.#keep({ ...check, name: `quote.${check.name}` }, ERROR_TABLES.rejected.exitCode)
    return provider
  }

  async #collateralOf(
    quote: TdQuote,
    provider: QuoteProvider,
    flags: MachineFlags,
  ): Promise<Collateral> {
    if (provider.collateral !== undefined) return openCollateral(provider.collateral())
    return fetchCollateralOf(quote, flags, this.interrupted)
  }

  async #checkSigner(flags: SignerFlags, provider: QuoteProvider | undefined): Promise<void> {
    const allowDisk = flags['insecure-key-on-disk'] || provider?.simulated === true
    const signer = await this.#check(
      'signer',
      async () => ({ found: await findSigner(flags, allowDisk) }),
      ({ found }) => found?.address ?? 'there is none yet; `attest` makes it',
    )
    if (flags['rpc-url'] === undefined) return
    const chain = await this.#check(
      'chain',
      () => openChain(flags),
      ({ chainId }) => `chain ${chainId}`,
    )
    if (chain === undefined) return
    await this.#check(
      'block',
      () => latestReference(chain),
      ({ blockNumber }) => `the newest is ${blockNumber}`,
    )
    const registry = await findRegistry(flags)
    const address = signer?.found?.address
    if (registry === undefined || address === undefined) return
    await this.#check(
      'registration',
      () => findRegistration(chain, addressFlag('--registry', registry), address),
      (expiresAt) =>
        expiresAt === undefined
          ? 'the registry does not list the signer; `register` does that'
          : `until ${new Date(1000 * expiresAt).toISOString()}`,
    )
  }

  /** What a step found; undefined if it failed, which is then among the checks. */
  async #check<T>(
    name: string,
    task: () => Promise<T>,
    detail: (found: T) => string,
  ): Promise<T | undefined> {
    try {
      const found = await task()
      this.#keep({ name, ok: true, detail: detail(found) }, 0)
      return found
    } catch (error) {
      if (!(error instanceof Sp1TeeError) || error.code === 'INTERRUPTED') throw error
      const { message, code, exitCode } = error
      this.#keep({ name, ok: false, detail: message, code }, exitCode)
      return undefined
    }
  }

  #keep(check: QuoteCheck, exitCode: number): void {
    this.#checks.push(check)
    if (!check.ok && this.#firstExitCode === 0) this.#firstExitCode = exitCode
  }
}

type MachineFlags = Parameters<typeof openProvider>[0] & Parameters<typeof fetchCollateralOf>[1]

type SignerFlags = Parameters<typeof openChain>[0] & {
  readonly 'state-dir'?: string | undefined
  readonly 'insecure-key-on-disk': boolean
  readonly registry?: string | undefined
}

function earliest(...dates: readonly Date[]): string {
  return new Date(Math.min(...dates.map((date) => date.getTime()))).toISOString()
}
