/**
 * Named checks, one after the other: what failed is kept with its reason, what follows goes on, and
 * what needs something that failed says so. The list is what a person reads.
 */
import { InputError, RejectedError, type Sp1TeeError } from '../errors.js'

export interface QuoteCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** Of the error, if the check failed by itself. */
  readonly code?: string
}

/** What a check found; asking for it ends the check that asks, if the one that should have failed. */
export interface Finding<T> {
  readonly value: T
}

/** Thrown within a check that needs what another one did not find; never leaves this file. */
class NotReached {
  constructor(readonly failed: string) {}
}

export class CheckList {
  readonly checks: QuoteCheck[] = []
  /** The first error. */
  refusal: Sp1TeeError | undefined

  /** @param detail - what to say of a check that succeeded. */
  run<T>(name: string, task: () => T, detail: (found: T) => string): Finding<T> {
    try {
      const value = task()
      this.checks.push({ name, ok: true, detail: detail(value) })
      return { value }
    } catch (error) {
      this.#keep(name, error)
      return {
        get value(): never {
          throw new NotReached(name)
        },
      }
    }
  }

  #keep(name: string, error: unknown): void {
    if (error instanceof NotReached) {
      this.checks.push({ name, ok: false, detail: `not reached, because ${error.failed} failed` })
    } else if (error instanceof RejectedError || error instanceof InputError) {
      this.refusal ??= error
      this.checks.push({ name, ok: false, detail: error.message, code: error.code })
    } else throw error
  }
}
