/**
 * So much of something for everybody. A tenant gets no more than it leaves for the others: alone at most
 * half, and while it is the only one that has much, there is some for everybody else.
 */
export class Shares {
  readonly #size: number
  readonly #tenants = new Map<string, number>()
  #taken = 0

  constructor(size: number) {
    this.#size = size
  }

  get taken(): number {
    return this.#taken
  }

  has(tenant: string, amount: number): boolean {
    return this.#of(tenant) + amount <= this.#size - this.#taken - amount
  }

  /** @returns whether there was so much */
  take(tenant: string, amount: number): boolean {
    if (!this.has(tenant, amount)) return false
    this.#taken += amount
    this.#tenants.set(tenant, this.#of(tenant) + amount)
    return true
  }

  giveBack(tenant: string, amount: number): void {
    this.#taken -= amount
    const left = this.#of(tenant) - amount
    if (left > 0) this.#tenants.set(tenant, left)
    else this.#tenants.delete(tenant)
  }

  #of(tenant: string): number {
    return this.#tenants.get(tenant) ?? 0
  }
}
