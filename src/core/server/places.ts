/**
 * How many jobs may run, and whose. When all places are taken, a tenant that has nothing running may
 * begin one job more, so that nobody's long guests hold up everybody; at most as many again as there
 * are places.
 */
export class Places {
  readonly #concurrency: number
  /** Jobs that run, by tenant. */
  readonly #tenants = new Map<string, number>()
  #taken = 0
  /** Nobody else has a job that waits; undefined if that is not known. */
  #waiting: Set<string> | undefined

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** Whose job may not begin now; undefined if nobody's may, or nobody else has one. */
  get closedTo(): readonly string[] | undefined {
    if (this.#taken < this.#concurrency) return []
    if (this.#taken >= 2 * this.#concurrency) return undefined
    const others = [...(this.#waiting ?? [])].some((tenant) => !this.#tenants.has(tenant))
    return this.#waiting === undefined || others ? [...this.#tenants.keys()] : undefined
  }

  /** Jobs of a tenant that would begin at once. */
  freeFor(tenant: string): number {
    const isExtra = this.#taken < 2 * this.#concurrency && !this.#tenants.has(tenant)
    return Math.max(this.#concurrency - this.#taken, Number(isExtra))
  }

  take(tenant: string): void {
    this.#taken++
    this.#tenants.set(tenant, (this.#tenants.get(tenant) ?? 0) + 1)
  }

  leave(tenant: string): void {
    this.#taken--
    const left = (this.#tenants.get(tenant) ?? 0) - 1
    if (left > 0) this.#tenants.set(tenant, left)
    else this.#tenants.delete(tenant)
  }

  /** The store has no job but of these. */
  onFoundNone(closedTo: readonly string[]): void {
    this.#waiting = new Set(closedTo)
  }

  onNewJob(tenant: string): void {
    this.#waiting?.add(tenant)
  }

  /** Others may have added to the store. */
  forgetWaiting(): void {
    this.#waiting = undefined
  }
}
