/** Points as operands: two coordinates, of which a kernel takes only reduced ones. */
import { ELEMENT_BYTES, Field, fromWords, isLess } from './field'
import { at } from './guest'

// Where kernels keep theirs.
export const X1 = memory.data(ELEMENT_BYTES, 8)
export const Y1 = memory.data(ELEMENT_BYTES, 8)
export const X2 = memory.data(ELEMENT_BYTES, 8)
export const Y2 = memory.data(ELEMENT_BYTES, 8)

/** @returns false if a coordinate is not reduced. */
export function readPoint(x: usize, y: usize, point: u32, field: Field): bool {
  return readCoordinate(x, point, field) && readCoordinate(y, point + 4 * field.words, field)
}

/** @returns false if it is not reduced. */
export function readCoordinate(to: usize, pointer: u32, field: Field): bool {
  if (!isLess(at(pointer), field.pWords, field.words)) return false
  fromWords(to, at(pointer), field)
  return true
}
