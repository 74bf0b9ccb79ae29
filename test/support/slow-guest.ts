/** A guest that is at work for many minutes before it reaches the limit of cycles. */
import { elfOf, encode } from './assembler.js'

/** Permutes 200 zero bytes (KECCAK_PERMUTE) again and again. */
export const SLOW_GUEST = elfOf({
  text: [
    encode('lui', { rd: 5, imm: 0x10 << 12 }),
    encode('addi', { rd: 5, rs1: 5, imm: 0x109 }),
    encode('lui', { rd: 10, imm: 0x300 << 12 }),
    encode('ecall'),
    encode('jal', { imm: -4 }),
  ],
})
