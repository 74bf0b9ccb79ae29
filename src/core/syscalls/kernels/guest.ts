/**
 * The guest's memory, and the question every kernel asks first: is this call plain?
 *
 * A kernel that declines must have changed nothing, so it checks all of its operands before it writes.
 */

let guest: usize = 0
let used: usize = 0
let ordinaryEnd: u32 = 0

/** SP1 keeps its registers below. */
const ORDINARY_START: u32 = 32

/** Guest address a lies at `guestOffset` + a, and at `usedOffset` + a / 4 whether its word was used. */
export function init(guestOffset: u32, usedOffset: u32, ordinaryEndBytes: u32): void {
  guest = guestOffset
  used = usedOffset
  ordinaryEnd = ordinaryEndBytes
}

/** Where a guest address lies here. */
// @ts-ignore: decorator
@inline
export function at(pointer: u32): usize {
  return guest + pointer
}

/** May all of these words be read, and written to replace what they held? */
// @ts-ignore: decorator
@inline
export function isPlain(pointer: u32, words: u32): bool {
  return (
    (pointer & 3) == 0 &&
    pointer >= ORDINARY_START &&
    <u64>pointer + 4 * words <= <u64>ordinaryEnd
  )
}

/** Plain, and without a hint that was never loaded: SP1 does not see that in what it replaces. */
// @ts-ignore: decorator
@inline
export function isPlainTarget(pointer: u32, words: u32): bool {
  return isPlain(pointer, words) && (areUsed(pointer, words) || areUnusedZero(pointer, words))
}

/** For a multiple of four words. */
// @ts-ignore: decorator
@inline
function areUsed(pointer: u32, words: u32): bool {
  const from = used + (pointer >> 2)
  let all: u32 = 0x0101_0101
  for (let i: usize = 0; i < words; i += 4) all &= load<u32>(from + i)
  return all == 0x0101_0101
}

function areUnusedZero(pointer: u32, words: u32): bool {
  const from = used + (pointer >> 2)
  for (let i: usize = 0; i < words; i++) {
    if (load<u8>(from + i) == 0 && load<u32>(at(pointer) + 4 * i) != 0) return false
  }
  return true
}

/** Do two ranges share a word? Both are plain. */
// @ts-ignore: decorator
@inline
export function isOverlapping(first: u32, firstWords: u32, second: u32, secondWords: u32): bool {
  return first < second + 4 * secondWords && second < first + 4 * firstWords
}

/** For an even number of words. */
// @ts-ignore: decorator
@inline
export function markUsed(pointer: u32, words: u32): void {
  const from = used + (pointer >> 2)
  let i: usize = 0
  for (; i + 8 <= words; i += 8) store<u64>(from + i, 0x0101_0101_0101_0101)
  for (; i < words; i += 2) store<u16>(from + i, 0x0101)
}
