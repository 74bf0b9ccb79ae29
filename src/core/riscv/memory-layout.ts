/**
 * Where things are in the bytes that a guest's memory and compiled code share. Compiled code has these
 * numbers in it, so they depend on nothing but what it is compiled for.
 *
 * registers and state · kernels · entries · slots · arrivals · counts · guest memory · used · touched
 */

/** What compiled code and its host tell each other; u32 each. */
export const STATE = {
  /** x0 to x31, with room for those of 64 bits. */
  registers: 0,
  /** Where decoded RV32 instructions write that write x0: behind its registers. */
  sink: 128,
  /** Where the hart is, when compiled code calls what is not in the same module. */
  pc: 256,
  /** Instructions it may still execute before it comes back, signed. */
  left: 260,
  /** Not 0: it came back for a reason, which the low bits of the returned pc tell. */
  exit: 264,
  /** 1 while an unconstrained block runs. */
  isUnconstrained: 268,
  // What the interpreter in WebAssembly, which is the same for all programs, has to be told of one.
  count: 272,
  pcBase: 276,
  entriesOffset: 280,
  slotsOffset: 284,
  arrivalsOffset: 288,
  guestOffset: 292,
  usedOffset: 296,
  touchedOffset: 300,
  /** End of the addresses that are plain memory. */
  ordinaryEnd: 304,
  /** An instruction that was arrived at more often than this is worth a look. */
  hotArrivals: 308,
  /** Taken from `left` for the time of kernels and of translation, not for instructions. */
  charged: 312,
  /** By the identifier of a syscall: how often its kernel did a call, and its code if it has one. */
  kernelCalls: 512,
  kernelCodes: 768,
} as const

/** What the host is asked for: by (what, entry) → pc. One function, because V8 compiles each by itself. */
export const HOST = {
  /** Do the ecall at state.pc, and say where to go on. */
  ecall: 0,
  /** Decode an entry that is not decoded yet. */
  decode: 1,
  /** Make a unit for an instruction that is arrived at often, perhaps; says how many cycles that costs. */
  heat: 2,
} as const

/** Identifiers of syscalls that have kernels are below: the lowest bits of a code. */
export const MAX_KERNELS = 64

/** Kernels have this for constants and scratch, up to where the program's part begins. */
export const KERNELS_OFFSET = 1024
export const PROGRAM_OFFSET = 65_536
/** Of WebAssembly, and more than any of ours. */
const PAGE_BYTES = 65_536
/** Unit of roll-back. */
export const UNDO_PAGE_BYTES = 4096

/** The function table: the interpreter in WebAssembly, kernels by identifier, units. */
export const STEPPER_SLOT = 0
export const FIRST_KERNEL_SLOT = 1
export const FIRST_UNIT_SLOT = FIRST_KERNEL_SLOT + MAX_KERNELS

/** A decoded instruction: row, rd, rs1, rs2 (a byte each, registers as offsets), imm. */
export const ENTRY_BYTES = 8

export interface MemoryLayout {
  /** The decoded instructions, and one behind the last that ends the program. */
  readonly entriesOffset: number
  /** Index into the function table of the code at each instruction, u32; 0 is none. */
  readonly slotsOffset: number
  /** How often the interpreter arrived at each instruction other than from the one before it, u32. */
  readonly arrivalsOffset: number
  /** How often each block was entered in compiled code, u64, at the index of its first instruction. */
  readonly countsOffset: number
  /** Guest address 0. */
  readonly guestOffset: number
  /** A byte per word of guest memory: 1 if it was used. */
  readonly usedOffset: number
  /** A byte per page of guest memory: 1 if an unconstrained block will have to restore it. */
  readonly touchedOffset: number
  readonly totalBytes: number
}

/**
 * @param guestBytes - size of the guest's address space, a multiple of UNDO_PAGE_BYTES.
 * @param codeWords - instructions of the program; 0 if nothing will be compiled.
 */
export function layoutOf(guestBytes: number, codeWords: number): MemoryLayout {
  const entriesOffset = PROGRAM_OFFSET
  // The interpreter arrives behind the last instruction before it knows.
  const places = codeWords > 0 ? codeWords + 1 : 0
  const slotsOffset = entriesOffset + ENTRY_BYTES * places
  const arrivalsOffset = slotsOffset + 4 * places
  const countsOffset = roundUp(arrivalsOffset + 4 * places, 8)
  const guestOffset = roundUp(countsOffset + 8 * places, PAGE_BYTES)
  const usedOffset = guestOffset + guestBytes
  const touchedOffset = usedOffset + guestBytes / 4
  const totalBytes = roundUp(touchedOffset + guestBytes / UNDO_PAGE_BYTES, PAGE_BYTES)
  return {
    ...{ entriesOffset, slotsOffset, arrivalsOffset, countsOffset },
    ...{ guestOffset, usedOffset, touchedOffset, totalBytes },
  }
}

function roundUp(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to
}
