/**
 * For what costs something and anybody may ask: it is asked once for all who ask within some time, and
 * they get the same answer, or the same error.
 */
export function askedRarely<T>(
  ask: () => Promise<T>,
  goodForMs: number,
  nowMs: () => number,
): () => Promise<T> {
  let last: Promise<T> | undefined
  let lastAtMs = 0
  return () => {
    const now = nowMs()
    if (last === undefined || now - lastAtMs >= goodForMs) {
      lastAtMs = now
      last = ask()
    }
    return last
  }
}
