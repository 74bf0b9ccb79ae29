/** How far a computation is, told in steps that are worth showing. */

const STEP = 0.02

/**
 * @param total - of all the work there will be, in any unit.
 * @returns to be called with each piece of work that is done
 */
export function countProgress(
  total: number,
  onProgress: (fraction: number) => void,
): (work: number) => void {
  let done = 0
  let reported = 0
  return (work) => {
    done += work
    const fraction = Math.min(done / total, 1)
    if (fraction - reported >= STEP) {
      reported = fraction
      onProgress(fraction)
    }
  }
}
