/** A verifying key takes every core, so several at once would only take more memory. */
export function oneAtATime<A extends readonly unknown[], R>(
  compute: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return (...args) => {
    const turn = last.then(() => compute(...args))
    last = turn.catch(() => {})
    return turn
  }
}
