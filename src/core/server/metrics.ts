/** What Prometheus is told. Labels have few values: no ids, no addresses of clients. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ERROR_TABLES, GuestError, Sp1TeeError } from '../errors.js'
import type { CollateralEvent, CollateralKeeper } from './collateral-keeper.js'
import type { JobEvent } from './job-event.js'
import type { SignerEvent } from './live-signer.js'
import type { JobCounts } from './store-view.js'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600]

export interface MetricsOptions {
  readonly version: string
  readonly simulated: boolean
  /** Undefined while the store does not say. */
  readonly counts: () => Promise<JobCounts | undefined>
  /** Of the signer there is. */
  readonly signer: () =>
    | {
        readonly address: string
        readonly expiresAt: number
        readonly sinceSeconds: number
        readonly attestation?: { readonly workloadId: string } | undefined
      }
    | undefined
  /** Of the live signer's quote. */
  readonly collateral?: Pick<CollateralKeeper, 'nextUpdates' | 'trust'> | undefined
  /** What the gas payer has, if it is known. */
  readonly walletWei?: () => bigint | undefined
  readonly isReady: () => Promise<boolean>
  /** Seconds since 1970. */
  readonly nowSeconds: () => number
}

export class Metrics {
  readonly #registry = new Registry()
  readonly #requests: Counter
  readonly #durations: Histogram
  readonly #jobDurations: Histogram
  readonly #waits: Histogram
  readonly #cycles: Counter
  readonly #speed: Histogram
  readonly #memory: Histogram
  readonly #refused: Counter
  readonly #failures: Counter
  readonly #storeErrors: Counter
  readonly #rotations: Counter
  readonly #quoteFailures: Counter
  readonly #collateralFailures: Counter
  readonly #rpcErrors: Counter
  readonly #bugs: Counter

  constructor(options: MetricsOptions) {
    const { version, simulated, counts, signer, isReady, nowSeconds } = options
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name, help, labelNames, registers })
    const histogram = (name: string, help: string, labelNames: string[], buckets = SECONDS) =>
      new Histogram({ name, help, labelNames, buckets, registers })
    const gauge = (
      name: string,
      help: string,
      labelNames: string[],
      collect: (gauge: Gauge) => void | Promise<void>,
    ) =>
      new Gauge({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset()
          return collect(this)
        },
      })

    gauge('sp1_tee_build_info', 'Always 1', ['version', 'simulated'], (info) =>
      info.set({ version, simulated: String(simulated) }, 1),
    )
    gauge('sp1_tee_ready', '1 while new work is taken, as /readyz says', [], async (ready) =>
      ready.set(Number(await isReady())),
    )
    this.#requests = counter('sp1_tee_requests_total', 'HTTP requests', ['route', 'code'])
    this.#durations = histogram(
      'http_request_duration_seconds',
      'From the request to the end of the answer',
      ['route'],
    )
    gauge('sp1_tee_jobs', 'Jobs in the store', ['state'], async (jobs) => {
      for (const [state, count] of Object.entries((await counts()) ?? {}))
        jobs.set({ state }, count)
    })
    this.#jobDurations = histogram('sp1_tee_job_duration_seconds', 'From beginning to end', [
      'outcome',
    ])
    this.#waits = histogram('sp1_tee_queue_wait_seconds', 'From submission to the beginning', [])
    this.#refused = counter('sp1_tee_jobs_refused_total', 'Jobs refused because the queue was full')
    this.#cycles = counter('sp1_tee_execution_cycles_total', 'Executed')
    this.#speed = histogram(
      'sp1_tee_execution_cycles_per_second',
      'Of jobs that succeeded, from beginning to end',
      [],
      [1e5, 1e6, 1e7, 3e7, 1e8, 3e8, 1e9],
    )
    this.#memory = histogram(
      'sp1_tee_execution_memory_bytes',
      'Most that the process of a run was seen to have of the memory of the machine',
      [],
      [64, 128, 256, 512, 1024, 2048, 4096].map((mib) => mib * 2 ** 20),
    )
    this.#failures = counter('sp1_tee_guest_failures_total', 'Jobs whose guest failed', ['cause'])
    this.#storeErrors = counter('sp1_tee_store_errors_total', 'Requests the store of jobs failed')
    gauge('sp1_tee_signer_info', 'Always 1', ['address', 'workload_id'], (info) => {
      const { address, attestation } = signer() ?? {}
      if (address === undefined) return
      info.set({ address, workload_id: attestation?.workloadId ?? '' }, 1)
    })
    gauge(
      'sp1_tee_signer_expiry_timestamp_seconds',
      'When the registration of the signer expires; 0 without one',
      [],
      (expiry) => expiry.set(signer()?.expiresAt ?? 0),
    )
    gauge('sp1_tee_attestation_age_seconds', 'Since the signer was registered', [], (age) => {
      const live = signer()
      if (live !== undefined) age.set(nowSeconds() - live.sinceSeconds)
    })
    this.#rotations = counter('sp1_tee_registration_tx_total', 'Rotations of the signer', [
      'outcome',
    ])
    this.#quoteFailures = counter(
      'sp1_tee_quote_failures_total',
      'Rotations for which there was no quote',
      ['cause'],
    )
    gauge(
      'sp1_tee_collateral_next_update_timestamp_seconds',
      "When Intel replaces what the signer's quote is verified with",
      ['kind'],
      (update) => {
        const ends = Object.entries(options.collateral?.nextUpdates ?? {})
        for (const [kind, seconds] of ends) update.set({ kind }, seconds)
      },
    )
    this.#collateralFailures = counter(
      'sp1_tee_collateral_failures_total',
      'Times that it could not be had, or the quote did not verify with it',
      ['cause'],
    )
    gauge(
      'sp1_tee_tcb_status',
      "1 for what Intel says of the platform of the signer's quote",
      ['status'],
      (tcb) => {
        const { status } = options.collateral?.trust ?? {}
        if (status !== undefined) tcb.set({ status }, 1)
      },
    )
    gauge('sp1_tee_wallet_balance_wei', 'What the gas payer has left', [], (wallet) => {
      const wei = options.walletWei?.()
      if (wei !== undefined) wallet.set(Number(wei))
    })
    this.#bugs = counter('sp1_tee_bugs_total', 'Requests and jobs that failed by a bug of sp1-tee')
    this.#rpcErrors = counter('sp1_tee_rpc_errors_total', 'Questions that the chain did not answer')
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** @param route - as the table has it, not as it was asked for */
  onRequest(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, code: String(status) })
    this.#durations.observe({ route }, seconds)
  }

  onJob(event: JobEvent): void {
    switch (event.kind) {
      case 'submitted':
        return
      case 'refused':
        this.#refused.inc()
        return
      case 'began':
        this.#waits.observe(event.waitedMs / 1000)
        return
      case 'ended': {
        const { state, cycles, ranMs, error } = event
        this.#jobDurations.observe({ outcome: state }, ranMs / 1000)
        this.#cycles.inc(cycles)
        if (state === 'succeeded') this.#speed.observe((cycles * 1000) / Math.max(ranMs, 0.001))
        if (
          error instanceof GuestError ||
          (error instanceof Sp1TeeError && error.httpStatus === 422)
        ) {
          this.#failures.inc({ cause: error.code })
        }
        return
      }
      case 'executed':
        if (event.peakBytes > 0) this.#memory.observe(event.peakBytes)
        return
      case 'storeFailed':
        this.#storeErrors.inc()
    }
  }

  onSigner(event: SignerEvent): void {
    if (event.kind === 'rotated') this.#rotations.inc({ outcome: 'confirmed' })
    if (event.kind === 'checkFailed') this.onRpcFailure()
    if (event.kind !== 'failed') return
    this.#rotations.inc({ outcome: 'failed' })
    const { error } = event
    const isOfQuote =
      error instanceof Sp1TeeError && Object.hasOwn(ERROR_TABLES.device.rows, error.code)
    if (isOfQuote) this.#quoteFailures.inc({ cause: error.code })
  }

  onCollateral(event: CollateralEvent): void {
    if (event.kind !== 'failed') return
    const { error } = event
    this.#collateralFailures.inc({ cause: error instanceof Sp1TeeError ? error.code : 'INTERNAL' })
  }

  onBug(): void {
    this.#bugs.inc()
  }

  onRpcFailure(): void {
    this.#rpcErrors.inc()
  }
}
