/**
 * How much of a guest's address space is laid out: windows, each some times as large as the one before.
 * Memory costs by its size even if nothing uses it: making all of it takes 5 ms, and looking what of it
 * was used, to clear it for the next run, much longer.
 */
import { UnavailableError } from '../errors.js'
import { UNDO_PAGE_BYTES } from './memory-layout.js'

const MIB = 2 ** 20
const WASM_PAGE_BYTES = 65_536
/** What a run has at first. */
export const FIRST_WINDOW_BYTES = 4 * MIB
const WINDOW_GROWTH = 4

/** The window that holds `bytes`: whole pages, the first one or larger, and no more than `endBytes`. */
export function windowFor(bytes: number, endBytes: number): number {
  let window = FIRST_WINDOW_BYTES
  while (window < bytes) window *= WINDOW_GROWTH
  return Math.ceil(Math.min(window, endBytes) / UNDO_PAGE_BYTES) * UNDO_PAGE_BYTES
}

/** @throws UnavailableError `MEMORY_UNAVAILABLE` */
export function reserve(bytes: number, maxBytes: number): WebAssembly.Memory<ArrayBuffer> {
  const [initial, maximum] = [bytes / WASM_PAGE_BYTES, maxBytes / WASM_PAGE_BYTES]
  return orUnavailable(bytes, () => new WebAssembly.Memory<ArrayBuffer>({ initial, maximum }))
}

/**
 * Make it larger, or leave it as it was.
 *
 * @throws UnavailableError `MEMORY_UNAVAILABLE`
 */
export function growTo(memory: WebAssembly.Memory<ArrayBuffer>, bytes: number): void {
  const pages = (bytes - memory.buffer.byteLength) / WASM_PAGE_BYTES
  orUnavailable(bytes, () => memory.grow(pages))
}

/** WebAssembly reports that the host has no memory by a RangeError. */
function orUnavailable<T>(bytes: number, take: () => T): T {
  try {
    return take()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new UnavailableError('MEMORY_UNAVAILABLE', { mib: Math.ceil(bytes / MIB) }, cause)
  }
}
