import { randomUUID } from 'node:crypto'
import { startAnvil } from '../anvil.js'
import { BaseCommand } from '../base-command.js'
import { findRegistration, type Hex, registerSigner } from '../core/index.js'
import {
  type App,
  type CollateralEvent,
  createApp,
  describeRegistration,
  LiveSigner,
  type SignerEvent,
  withDeadline,
} from '../core/server/app.js'
import { deployDevelopment } from '../development.js'
import { openRegistration } from '../register-flags.js'
import {
  checkDevelopmentFlags,
  checkHosts,
  checkOrigins,
  parseListen,
  serveFlags,
} from '../serve-flags.js'
import { openService } from '../service-setup.js'
import { createMemorySigner } from '../state.js'
import { SIMULATED, watchStep } from '../terminal.js'

type RegistrationOptions = Awaited<ReturnType<typeof openRegistration>>

/** Printed once, when it listens: one line with --json. */
interface Ready {
  readonly url: string
  readonly signer: Hex
  readonly expiresAt: number
  readonly chainId: number
  readonly rpcUrl?: string
  readonly registry: Hex
  readonly multiProof?: Hex
  readonly simulated?: true
}

export default class Serve extends BaseCommand {
  static override summary = 'prove for others: the long-lived service'
  static override description =
    "Listens, makes a signer in memory, registers it, takes proof requests over HTTP, and replaces the signer in time. Stops on SIGTERM or Ctrl-C when accepted jobs have ended; a second one stops at once. --dev needs Foundry's anvil."
  static override examples = [
    '<%= config.bin %> serve --dev',
    '<%= config.bin %> serve --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
  ]
  static override flags = serveFlags

  readonly #stop = new AbortController()
  readonly #deadline = new AbortController()

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve)
    const isGuarded = flags.insecure || flags.keys !== undefined
    const address = parseListen(flags.listen, isGuarded)
    checkOrigins(flags['allow-origin'])
    checkHosts(flags['public-host'])
    this.#heedSignals()
    if (!flags.dev) {
      const registration = await openRegistration(flags, (text) => this.remark(text))
      return this.#serve(flags, address, registration)
    }
    checkDevelopmentFlags(this.argv)
    const anvil = await this.#step(
      'Start a chain (anvil)',
      () => startAnvil([], flags.anvil),
      ({ rpcUrl }) => rpcUrl,
    )
    try {
      const { deployment, registration } = await this.#step(
        'Deploy the contracts',
        () => deployDevelopment(anvil, flags, (text) => this.remark(text)),
        ({ deployment: { registry, multiProof } }) =>
          `registry ${registry}, MultiProof ${multiProof}`,
      )
      const { multiProof } = deployment
      await this.#serve(flags, address, registration, { rpcUrl: anvil.rpcUrl, multiProof })
    } finally {
      await anvil.stop()
    }
  }

  async #serve(
    flags: Parameters<typeof openService>[0] & {
      readonly 'rotate-every': number
      readonly 'drain-timeout': number
      readonly 'log-json': boolean
      readonly 'log-level': string
    },
    address: { host: string; port: number },
    options: RegistrationOptions,
    development: Pick<Ready, 'rpcUrl' | 'multiProof'> = {},
  ): Promise<void> {
    const { chain, registry } = options
    const provider = withDeadline(options.provider)
    const { simulated } = provider
    const { multiProof } = development
    const registering = { ...options, multiProof }
    const parts = await openService(flags, registering, (text) => this.remark(text))
    const signer = new LiveSigner({
      newSigner: createMemorySigner,
      register: async (signerAddress, rotation, onStep) => {
        const signal = AbortSignal.any([rotation, this.#stop.signal])
        const asked = { ...options, provider, address: signerAddress, signal, onStep }
        return describeRegistration(await registerSigner(asked), provider)
      },
      check: (signerAddress) => findRegistration(chain, registry, signerAddress),
      rotateEveryMs: flags['rotate-every'] * 1000,
      nowSeconds: () => Date.now() / 1000,
      onAttempt: (attempt) => app.onAttempt(attempt),
      onEvent: (event) => {
        app.onSigner(event)
        if (!flags['log-json']) this.#tell(event)
      },
    })
    const app: App = createApp({
      ...parts,
      signer,
      registry: { chainId: chain.chainId, address: registry },
      simulated,
      version: this.config.version,
      newId: randomUUID,
      onCollateral: (event) => {
        if (!flags['log-json']) this.#tellOfCollateral(event)
      },
      ...(flags['log-json'] && { log: { level: flags['log-level'], stream: process.stderr } }),
      onError: (error) => {
        if (!flags['log-json']) this.remark(`A bug of sp1-tee: ${(error as Error).stack}`)
      },
    })
    try {
      // Before a registration is paid for, which every restart would do again.
      const url = await this.#step('Listen', () => app.listen(address), String)
      const registration = await this.#step(
        `Attest and register a signer${simulated ? ' (simulated)' : ''}`,
        () => signer.start(),
        ({ address: registered }) => registered,
      )
      this.#printReady({
        url,
        signer: registration.address,
        expiresAt: registration.expiresAt,
        chainId: chain.chainId,
        ...development,
        registry,
        ...(parts.multiProof && { multiProof: parts.multiProof }),
        ...(simulated && { simulated }),
      })
      await aborted(this.#stop.signal)
      this.remark('Stopping: accepted jobs may end. Again to stop at once.')
    } catch (error) {
      // Nobody was told that it serves; what jobs there were are given back.
      this.#deadline.abort()
      throw error
    } finally {
      await this.#drain(app, flags['drain-timeout'])
    }
  }

  async #drain(app: App, timeoutSeconds: number): Promise<void> {
    const timer = setTimeout(() => this.#deadline.abort(), timeoutSeconds * 1000)
    await app.drain(this.#deadline.signal)
    clearTimeout(timer)
  }

  /** The first signal stops, the next one stops at once. */
  #heedSignals(): void {
    const onSignal = () => {
      if (this.#stop.signal.aborted) this.#deadline.abort()
      this.#stop.abort()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  }

  /** It stops at once, but properly: `#heedSignals`. */
  protected override onSecondInterrupt(): void {}

  #step<T>(title: string, work: () => Promise<T>, tell: (found: T) => string): Promise<T> {
    return watchStep(title, this.isSilent(), work, tell)
  }

  #printReady(ready: Ready): void {
    if (this.jsonEnabled()) {
      process.stdout.write(`${JSON.stringify(ready)}\n`)
      return
    }
    const { simulated, expiresAt, ...lines } = ready
    if (simulated) this.log(SIMULATED)
    for (const [name, value] of Object.entries(lines)) this.log(`${name.padEnd(12)} ${value}`)
    this.log(`${'expires'.padEnd(12)} ${new Date(expiresAt * 1000).toISOString()}`)
  }

  #tell(event: SignerEvent): void {
    switch (event.kind) {
      case 'rotated':
        this.remark(`signer: ${event.rotation.current} (was ${event.rotation.previous})`)
        break
      case 'failed': {
        const { message } = event.error as Error
        this.remark(`rotation failed, next try in ${event.retryMs / 1000} s: ${message}`)
        break
      }
      case 'expiring':
        this.remark(`ALARM: in ${Math.round(event.secondsLeft)} s nothing can be signed any more`)
        break
      case 'unlisted':
        this.remark(`the registry does not list ${event.address} any more: making another signer`)
        break
      case 'checkFailed':
        this.remark(`the registration could not be checked: ${(event.error as Error).message}`)
    }
  }

  #tellOfCollateral(event: CollateralEvent): void {
    if (event.kind === 'failed') {
      const { message } = event.error as Error
      this.remark(
        `clients get no collateral from here, next try in ${event.retryMs / 1000} s: ${message}`,
      )
    } else if (event.status !== 'UpToDate')
      this.remark(`Intel says ${event.status} of this platform`)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
}
