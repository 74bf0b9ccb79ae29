/**
 * One pass over the words of a program: decodes each to an entry of eight bytes, and finds where basic
 * blocks and functions begin. Instruction rows come as tables, so nothing here knows an instruction.
 *
 * In TypeScript this takes 60 ms for 240,000 words in a process that has just begun, here 3.
 */

/** Formats and kinds of control, in the order in which the host numbers them (code.ts). */
const FORMAT_I: u8 = 1
const FORMAT_SHAMT: u8 = 2
const FORMAT_S: u8 = 3
const FORMAT_B: u8 = 4
const FORMAT_U: u8 = 5
const FORMAT_J: u8 = 6
const PLAIN: u8 = 0
const BRANCH: u8 = 1
const JAL: u8 = 2
const JALR: u8 = 3
const FAULT: u8 = 5

/** Bits of an instruction's flags. */
const STEERS: u8 = 1
const LEADER: u8 = 2
const FUNCTION: u8 = 4
const DATA_TARGET: u8 = 8

const LOOK_CLOSER: u32 = 0xff
const FAULT_ROW: u32 = 1
const END_ROW: u32 = 2
const FIRST_ROW: u32 = 3
/** Where entries write that write x0. */
const SINK: u32 = 128
/** The stack pointer's offset among the registers. */
const SP: u32 = 8
/** Straight code is cut here, so that what a block counts in advance stays little. */
const MAX_BLOCK_INSTRUCTIONS: u32 = 256

/** Addresses of the host's tables: row by opcode and funct bits, and of each row a format and a control. */
let rowsByBits: usize = 0
let formats: usize = 0
let controls: usize = 0
/** Words that are instructions as a whole, with their rows: pairs of u32. */
let exacts: usize = 0
let exactCount: u32 = 0
let auipc: u32 = 0
let addi: u32 = 0

/**
 * @param tables - address of rowsByBits (4096 bytes), formats (256), controls (256), exacts (the rest).
 * @param words - address of the program's words; image: of the words of its initial memory.
 * @param entries - address for count + 1 entries; flags: for count + 1 bytes, zero.
 * @returns the index of the first word that is no instruction; count if all are.
 */
export function scan(
  tables: usize, exactWords: u32, auipcRow: u32, addiRow: u32,
  words: usize, count: u32, pcBase: u32, pcStart: u32,
  image: usize, imageCount: u32,
  entries: usize, flags: usize,
): u32 {
  rowsByBits = tables
  formats = tables + 4096
  controls = tables + 4352
  exacts = tables + 4608
  exactCount = exactWords
  auipc = FIRST_ROW + auipcRow
  addi = FIRST_ROW + addiRow
  for (let index: u32 = 0; index < count; index++) {
    const word = load<u32>(words + 4 * index)
    const row = rowOf(word)
    if (row == LOOK_CLOSER) return index
    enter(entries + 8 * index, index, count, word, row)
  }
  store<u32>(entries + 8 * count, END_ROW)
  markDataTargets(image, imageCount, pcBase, count, flags)
  markFrames(entries, flags, count)
  mark(flags, pcBase, count, pcStart, LEADER)
  store<u8>(flags + count, LEADER)
  for (let index: u32 = 0; index < count; index++) markControl(entries, flags, pcBase, count, index)
  cutLongBlocks(flags, count)
  return count
}

/** Most instructions in a row of which only the last steers. */
export function longestRun(flags: usize, count: u32): u32 {
  let run: u32 = 0
  let longest: u32 = 0
  for (let index: u32 = 0; index < count; index++) {
    run++
    if (run > longest) longest = run
    if ((load<u8>(flags + index) & STEERS) != 0) run = 0
  }
  return longest
}

function rowOf(word: u32): u32 {
  const funct7 = word >> 25
  const funct = funct7 == 0 ? 0 : funct7 == 1 ? 1 : funct7 == 32 ? 2 : 3
  const bucket = (word & 0x7f) | ((word >> 5) & 0x380)
  const row = <u32>load<u8>(rowsByBits + 4 * bucket + funct)
  if (row != LOOK_CLOSER) return row
  for (let i: u32 = 0; i < exactCount; i++) {
    if (load<u32>(exacts + 8 * i) == word) return load<u32>(exacts + 8 * i, 4)
  }
  return LOOK_CLOSER
}

function enter(entry: usize, index: u32, count: u32, word: u32, row: u32): void {
  const format = load<u8>(formats + row)
  const control = load<u8>(controls + row)
  const imm = immOf(word, format)
  const writes = format != FORMAT_S && format != FORMAT_B && format <= FORMAT_J
  const rd: u32 = writes ? (word >> 7) & 31 : 0
  let number = FIRST_ROW + row
  if (control == FAULT) number = FAULT_ROW
  // Jumps to where no instruction begins are left to the host as well.
  if ((control == BRANCH || control == JAL) && !isInstruction(index, imm, count)) number = FAULT_ROW
  const registers =
    ((rd == 0 ? SINK : rd << 2) << 8) | (((word >> 15) & 31) << 18) | (((word >> 20) & 31) << 26)
  store<u32>(entry, number | registers)
  store<i32>(entry, imm, 4)
}

function isInstruction(index: u32, imm: i32, count: u32): bool {
  const target = <i64>index + (imm >> 2)
  return (imm & 3) == 0 && target >= 0 && target < <i64>count
}

function immOf(word: u32, format: u8): i32 {
  if (format == FORMAT_I) return <i32>word >> 20
  if (format == FORMAT_SHAMT) return (word >> 20) & 31
  if (format == FORMAT_S) return ((<i32>word >> 25) << 5) | ((word >> 7) & 31)
  if (format == FORMAT_B) {
    const low = ((word >> 7) & 0x1e) | ((word >> 20) & 0x7e0) | ((word << 4) & 0x800)
    return ((<i32>word >> 31) << 12) | low
  }
  if (format == FORMAT_U) return word & 0xffff_f000
  if (format == FORMAT_J) {
    const low = ((word >> 20) & 0x7fe) | ((word >> 9) & 0x800) | (word & 0xf_f000)
    return ((<i32>word >> 31) << 20) | low
  }
  return 0
}

/** No instruction is a multiple of 4, so words of code are never taken for targets. */
function markDataTargets(
  image: usize, imageCount: u32, pcBase: u32, count: u32, flags: usize,
): void {
  for (let i: u32 = 0; i < imageCount; i++) {
    mark(flags, pcBase, count, load<u32>(image + 4 * i), LEADER | DATA_TARGET)
  }
}

/** What data points to and begins with a stack frame is a function, called by pointers. */
function markFrames(entries: usize, flags: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    const flag = flags + index
    if ((load<u8>(flag) & DATA_TARGET) == 0) continue
    const entry = load<u32>(entries + 8 * index)
    // addi sp, sp, a negative number
    const isFrame = (entry & 0xffffff) == (addi | (SP << 8) | (SP << 16))
    if (isFrame && load<i32>(entries + 8 * index, 4) < 0) store<u8>(flag, load<u8>(flag) | FUNCTION)
  }
}

function mark(flags: usize, pcBase: u32, count: u32, pc: u32, bits: u8): void {
  const offset = pc - pcBase
  if ((offset & 3) != 0 || offset >> 2 >= count) return
  const flag = flags + (offset >> 2)
  store<u8>(flag, load<u8>(flag) | bits)
}

function markControl(entries: usize, flags: usize, pcBase: u32, count: u32, index: u32): void {
  const entry = load<u32>(entries + 8 * index)
  const row = entry & 0xff
  const control = row == FAULT_ROW ? FAULT : load<u8>(controls + row - FIRST_ROW)
  if (control == PLAIN) return
  const flag = flags + index
  store<u8>(flag, load<u8>(flag) | STEERS)
  store<u8>(flag, load<u8>(flag, 1) | LEADER, 1)
  const pc = pcBase + 4 * index
  const imm = load<u32>(entries + 8 * index, 4)
  const isCall = control != BRANCH && ((entry >> 8) & 0xff) != SINK
  const bits = isCall ? LEADER | FUNCTION : LEADER
  if (control == BRANCH || control == JAL) {
    mark(flags, pcBase, count, pc + imm, bits)
  } else if (control == JALR && index > 0 && (load<u8>(flag) & LEADER) == 0) {
    // auipc and jalr, as compilers write far jumps
    const before = load<u32>(entries + 8 * index - 8)
    const isPair = (before & 0xff) == auipc && ((before >> 8) & 0xff) == ((entry >> 16) & 0xff)
    if (isPair) mark(flags, pcBase, count, pc - 4 + load<u32>(entries + 8 * index - 4) + imm, bits)
  }
}

function cutLongBlocks(flags: usize, count: u32): void {
  let length: u32 = 0
  for (let index: u32 = 0; index < count; index++) {
    const flag = flags + index
    if ((load<u8>(flag) & LEADER) != 0) length = 0
    if (length++ < MAX_BLOCK_INSTRUCTIONS) continue
    store<u8>(flag, load<u8>(flag) | LEADER)
    length = 1
  }
}
