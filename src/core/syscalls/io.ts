/**
 * Syscalls that move bytes between guest and host: WRITE, HINT_LEN and HINT_READ.
 * Source: sp1-core-executor 3.4.0 and 5.2.4 syscalls/{write,hint}.rs.
 */
import { GuestError } from '../errors.js'
import { defineSyscall, type GuestIo, invalid, type Syscall } from './syscall.js'

const A2 = 12
const NO_INPUT = 0xffff_ffff

export const write = defineSyscall({
  name: 'WRITE',
  code: 0x00_00_00_02,
  extraCycles: 0,
  execute({ hart, memory, io }, fd, pointer) {
    const byteCount = hart.x[A2]
    io.requireRoom(fd, byteCount)
    io.write(fd, memory.peekBytes(pointer, byteCount))
  },
})

/** Without input SP1 3.x panics. */
export const hintLen = hintLength((io) => {
  const { nextInputLength, inputsRead } = io
  if (nextInputLength === undefined)
    throw new GuestError('HINT_MISSING', { buffersRead: inputsRead })
  return nextInputLength
})

/** Without input SP1 5.x answers with the largest number. */
export const hintLenOrMax = hintLength((io) => io.nextInputLength ?? NO_INPUT)

export const hintRead = defineSyscall({
  name: 'HINT_READ',
  code: 0x00_00_00_f1,
  extraCycles: 0,
  execute({ memory, io }, pointer, length) {
    const input = io.takeInput()
    if (input.length !== length) {
      throw new GuestError('HINT_LENGTH', { expected: length, actual: input.length })
    }
    if ((pointer & 3) !== 0) invalid('HINT_READ', 'its address is no multiple of 4')
    // Little-endian, as everything here.
    const words = new Uint32Array((length + 3) >>> 2)
    new Uint8Array(words.buffer).set(input)
    if (!memory.hintWords(pointer, words)) {
      invalid('HINT_READ', 'its memory holds an earlier hint')
    }
  },
})

function hintLength(lengthOf: (io: GuestIo) => number): Syscall {
  return defineSyscall({
    name: 'HINT_LEN',
    code: 0x00_00_00_f0,
    extraCycles: 0,
    execute({ io }) {
      return lengthOf(io)
    },
  })
}
