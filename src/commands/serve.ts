import { randomUUID } from 'node:crypto'
import { startAnvil } from '../anvil.js'
import { BaseCommand } from '../base-command.js'
import { type Hex, registerSigner } from '../core/index.js'
import { type App, createApp, LiveSigner, type SignerEvent } from '../core/server/app.js'
import { deployDevelopment } from '../development.js'
import { limitsOf } from '../guest-flags.js'
import { openRegistration } from '../register-flags.js'
import { checkDevelopmentFlags, parseListen, serveFlags } from '../serve-flags.js'
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
    "Makes a signer in memory, registers it, takes proof requests over HTTP, and replaces the signer in time. Stops on SIGTERM or Ctrl-C when accepted jobs have ended; a second one stops at once. --dev needs Foundry's anvil."
  static override examples = [
    '<%= config.bin %> serve --dev',
    '<%= config.bin %> serve --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
  ]
  static override flags = serveFlags

  readonly #stop = new AbortController()
  readonly #deadline = new AbortController()

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve)
    const address = parseListen(flags.listen, flags.insecure)
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
    flags: Parameters<typeof limitsOf>[0] & {
      readonly sp1?: string | undefined
      readonly concurrency: number
      readonly queue: number
      readonly 'rotate-every': number
      readonly 'drain-timeout': number
    },
    address: { host: string; port: number },
    options: RegistrationOptions,
    development: Pick<Ready, 'rpcUrl' | 'multiProof'> = {},
  ): Promise<void> {
    const { simulated } = options.provider
    const signer = new LiveSigner({
      newSigner: createMemorySigner,
      register: (signerAddress, rotation) => {
        const signal = AbortSignal.any([rotation, this.#stop.signal])
        return registerSigner({ ...options, address: signerAddress, signal })
      },
      rotateEveryMs: flags['rotate-every'] * 1000,
      nowSeconds: () => Date.now() / 1000,
      onEvent: (event) => this.#tell(event),
    })
    const registry = { chainId: options.chain.chainId, address: options.registry }
    const registration = await this.#step(
      `Attest and register a signer${simulated ? ' (simulated)' : ''}`,
      () => signer.start(),
      ({ address: registered }) => registered,
    )
    const app = createApp({
      signer,
      registry,
      simulated,
      concurrency: flags.concurrency,
      maxQueued: flags.queue,
      limits: limitsOf(flags),
      ...(flags.sp1 !== undefined && { fallbackSp1: flags.sp1 }),
      newId: randomUUID,
      nowMs: () => performance.now(),
      onError: (error) => this.remark(`A bug of sp1-tee: ${(error as Error).stack}`),
    })
    try {
      const url = await this.#step('Listen', () => app.listen(address), String)
      this.#printReady({
        url,
        signer: registration.address,
        expiresAt: registration.expiresAt,
        chainId: registry.chainId,
        ...development,
        registry: registry.address,
        ...(simulated && { simulated }),
      })
      await aborted(this.#stop.signal)
      this.remark('Stopping: accepted jobs may end. Again to stop at once.')
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
    if (event.kind === 'rotated') {
      this.remark(`signer: ${event.rotation.current} (was ${event.rotation.previous})`)
    } else {
      const { message } = event.error as Error
      this.remark(`rotation failed, next try in ${event.retryMs / 1000} s: ${message}`)
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
}
