/**
 * RV32I, one row per instruction, with SP1's reading where it differs from the manual: `jalr` keeps
 * bit 0 of its target, `jalr` and `slli` ignore the function bits the manual fixes, and what a zkVM
 * has no use for (fence, CSR access, wfi, mret) decodes but faults when executed.
 *
 * Source: RISC-V manual volume I, chapter 2; sp1-core-executor 3.4.0 executor.rs, and the decoder
 * rrs-succinct 0.1.0 process_instruction.rs.
 */
import { GuestError } from '../errors.js'
import type { Instruction } from './instruction.js'

type Execute = Instruction['execute']

const register = (mnemonic: string, funct3: number, funct7: number, execute: Execute) =>
  ({ mnemonic, format: 'R', opcode: 0b0110011, funct3, funct7, execute }) satisfies Instruction

const immediate = (mnemonic: string, funct3: number, execute: Execute) =>
  ({ mnemonic, format: 'I', opcode: 0b0010011, funct3, execute }) satisfies Instruction

const load = (mnemonic: string, funct3: number, execute: Execute) =>
  ({ mnemonic, format: 'I', opcode: 0b0000011, funct3, execute }) satisfies Instruction

const store = (mnemonic: string, funct3: number, execute: Execute) =>
  ({ mnemonic, format: 'S', opcode: 0b0100011, funct3, execute }) satisfies Instruction

const branch = (mnemonic: string, funct3: number, execute: Execute) =>
  ({ mnemonic, format: 'B', opcode: 0b1100011, funct3, execute }) satisfies Instruction

const SYSTEM = 0b1110011

const unimplemented = (row: Omit<Instruction, 'execute' | 'unimplemented'>): Instruction => ({
  ...row,
  unimplemented: true,
  execute: () => {
    throw new GuestError('GUEST_TRAP', { reason: `SP1 does not implement ${row.mnemonic}` })
  },
})

export const RV32I: readonly Instruction[] = [
  // Integer computation, register-register.
  register('add', 0b000, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] + hart.x[rs2])
  }),
  register('sub', 0b000, 0b0100000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] - hart.x[rs2])
  }),
  register('sll', 0b001, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] << hart.x[rs2])
  }),
  register('slt', 0b010, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, (hart.x[rs1] | 0) < (hart.x[rs2] | 0) ? 1 : 0)
  }),
  register('sltu', 0b011, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] < hart.x[rs2] ? 1 : 0)
  }),
  register('xor', 0b100, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] ^ hart.x[rs2])
  }),
  register('srl', 0b101, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] >>> hart.x[rs2])
  }),
  register('sra', 0b101, 0b0100000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] >> hart.x[rs2])
  }),
  register('or', 0b110, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] | hart.x[rs2])
  }),
  register('and', 0b111, 0b0000000, (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] & hart.x[rs2])
  }),

  // Integer computation, register-immediate.
  immediate('addi', 0b000, (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] + imm)),
  immediate('slti', 0b010, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.x[rs1] | 0) < imm ? 1 : 0),
  ),
  immediate('sltiu', 0b011, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.x[rs1] < imm >>> 0 ? 1 : 0),
  ),
  immediate('xori', 0b100, (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] ^ imm)),
  immediate('ori', 0b110, (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] | imm)),
  immediate('andi', 0b111, (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] & imm)),
  {
    mnemonic: 'slli',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b001,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] << imm),
  },
  {
    mnemonic: 'srli',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b101,
    funct7: 0b0000000,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] >>> imm),
  },
  {
    mnemonic: 'srai',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b101,
    funct7: 0b0100000,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] >> imm),
  },
  {
    mnemonic: 'lui',
    format: 'U',
    opcode: 0b0110111,
    execute: (hart, { rd, imm }) => hart.setX(rd, imm),
  },
  {
    mnemonic: 'auipc',
    format: 'U',
    opcode: 0b0010111,
    execute: (hart, { rd, imm }) => hart.setX(rd, hart.pc + imm),
  },

  // Control transfer.
  {
    mnemonic: 'jal',
    format: 'J',
    opcode: 0b1101111,
    execute: (hart, { rd, imm }) => {
      hart.setX(rd, hart.pc + 4)
      hart.jump(hart.pc + imm)
    },
  },
  {
    mnemonic: 'jalr',
    format: 'I',
    opcode: 0b1100111,
    execute: (hart, { rd, rs1, imm }) => {
      const target = hart.x[rs1] + imm
      hart.setX(rd, hart.pc + 4)
      hart.jump(target)
    },
  },
  branch('beq', 0b000, (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] === hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('bne', 0b001, (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] !== hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('blt', 0b100, (hart, { rs1, rs2, imm }) => {
    if ((hart.x[rs1] | 0) < (hart.x[rs2] | 0)) hart.jump(hart.pc + imm)
  }),
  branch('bge', 0b101, (hart, { rs1, rs2, imm }) => {
    if ((hart.x[rs1] | 0) >= (hart.x[rs2] | 0)) hart.jump(hart.pc + imm)
  }),
  branch('bltu', 0b110, (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] < hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('bgeu', 0b111, (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] >= hart.x[rs2]) hart.jump(hart.pc + imm)
  }),

  // Loads and stores.
  load('lb', 0b000, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.memory.loadByte(hart.x[rs1] + imm) << 24) >> 24),
  ),
  load('lh', 0b001, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.memory.loadHalf(hart.x[rs1] + imm, 'lh') << 16) >> 16),
  ),
  load('lw', 0b010, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadWord(hart.x[rs1] + imm)),
  ),
  load('lbu', 0b100, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadByte(hart.x[rs1] + imm)),
  ),
  load('lhu', 0b101, (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadHalf(hart.x[rs1] + imm, 'lhu')),
  ),
  store('sb', 0b000, (hart, { rs1, rs2, imm }) =>
    hart.memory.storeByte(hart.x[rs1] + imm, hart.x[rs2]),
  ),
  store('sh', 0b001, (hart, { rs1, rs2, imm }) =>
    hart.memory.storeHalf(hart.x[rs1] + imm, hart.x[rs2]),
  ),
  store('sw', 0b010, (hart, { rs1, rs2, imm }) =>
    hart.memory.storeWord(hart.x[rs1] + imm, hart.x[rs2]),
  ),

  // System.
  {
    mnemonic: 'ecall',
    format: 'System',
    opcode: SYSTEM,
    funct12: 0b000000000000,
    execute: (hart) => hart.environment.ecall(hart),
  },
  {
    mnemonic: 'ebreak',
    format: 'System',
    opcode: SYSTEM,
    funct12: 0b000000000001,
    execute: () => {
      throw new GuestError('GUEST_TRAP', { reason: 'it reached a breakpoint (ebreak)' })
    },
  },
  unimplemented({ mnemonic: 'wfi', format: 'System', opcode: SYSTEM, funct12: 0b000100000101 }),
  unimplemented({ mnemonic: 'mret', format: 'System', opcode: SYSTEM, funct12: 0b001100000010 }),
  unimplemented({ mnemonic: 'fence', format: 'I', opcode: 0b0001111, funct3: 0b000 }),
  unimplemented({ mnemonic: 'csrrw', format: 'I', opcode: SYSTEM, funct3: 0b001 }),
  unimplemented({ mnemonic: 'csrrs', format: 'I', opcode: SYSTEM, funct3: 0b010 }),
  unimplemented({ mnemonic: 'csrrc', format: 'I', opcode: SYSTEM, funct3: 0b011 }),
  unimplemented({ mnemonic: 'csrrwi', format: 'I', opcode: SYSTEM, funct3: 0b101 }),
  unimplemented({ mnemonic: 'csrrsi', format: 'I', opcode: SYSTEM, funct3: 0b110 }),
  unimplemented({ mnemonic: 'csrrci', format: 'I', opcode: SYSTEM, funct3: 0b111 }),
]
