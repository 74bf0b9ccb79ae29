/**
 * The state of one RISC-V hart: 32 registers and the pc, with the memory and environment it uses.
 *
 * SP1 keeps registers at addresses 0 to 31 of guest memory, and a store there changes them. So x0 is
 * a cell that reads back what was stored, until the next instruction that writes x0 clears it.
 */
import type { Memory } from './memory.js'

/** What `ecall` reaches. */
export interface Environment {
  ecall(hart: Hart): void
}

export class Hart {
  /** x0..x31, u32; other bytes after memory has moved. */
  x: Uint32Array
  pc: number
  /** Where execution goes after this instruction. */
  nextPc = 0
  /** Why SP1 could not prove this run although its executor accepts it; the first reason found. */
  unprovable: string | undefined

  constructor(
    readonly memory: Memory,
    readonly environment: Environment,
    pcStart: number,
  ) {
    this.x = memory.registers
    this.pc = pcStart
    memory.onUnprovable = (reason) => this.markUnprovable(reason)
    memory.onMoved = () => {
      this.x = memory.registers
    }
  }

  setX(rd: number, value: number): void {
    this.x[rd] = rd === 0 ? 0 : value
  }

  /** `target` may be any integer; it wraps to 32 bits. */
  jump(target: number): void {
    this.nextPc = target >>> 0
    // SP1's executor rounds such a pc down, but no row of its program table has it.
    if ((target & 3) !== 0) this.markUnprovable('a jump to an address that is no multiple of 4')
  }

  /** What an unconstrained block does is never proved, so nothing in it counts. */
  markUnprovable(reason: string): void {
    if (!this.memory.isRecordingUndo) this.unprovable ??= reason
  }
}
