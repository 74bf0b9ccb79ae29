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
type Translate = NonNullable<Instruction['translate']>
/** WebAssembly instructions that do to their operands what an instruction here does. */
type Operation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'shl' | 'shr_s' | 'shr_u' | 'lt_s' | 'lt_u'
type Comparison = 'eq' | 'ne' | 'lt_s' | 'lt_u' | 'ge_s' | 'ge_u'
type Load = 'load8_s' | 'load8_u' | 'load16_s' | 'load16_u' | 'load'
type Store = 'store8' | 'store16' | 'store'

const register = (
  mnemonic: string,
  funct3: number,
  funct7: number,
  operation: Operation,
  execute: Execute,
) =>
  ({
    mnemonic,
    format: 'R',
    opcode: 0b0110011,
    funct3,
    funct7,
    execute,
    translate: (f, { rd, rs1, rs2 }) =>
      f.setX(rd, () => {
        f.getX(rs1)
        f.getX(rs2)
        f.x[operation]()
      }),
  }) satisfies Instruction

/** rd = rs1 operation imm */
const withImmediate =
  (operation: Operation): Translate =>
  (f, { rd, rs1, imm }) =>
    f.setX(rd, () => {
      f.getX(rs1)
      f.pushImm(imm)
      f.x[operation]()
    })

const immediate = (mnemonic: string, funct3: number, operation: Operation, execute: Execute) =>
  ({
    mnemonic,
    format: 'I',
    opcode: 0b0010011,
    funct3,
    execute,
    translate: withImmediate(operation),
  }) satisfies Instruction

const load = (mnemonic: string, funct3: number, bytes: 1 | 2 | 4, by: Load, execute: Execute) =>
  ({
    mnemonic,
    format: 'I',
    opcode: 0b0000011,
    funct3,
    execute,
    access: { bytes, isStore: false },
    translate: (f, { rd, rs1, imm }) =>
      f.setX(rd, () => {
        f.pushAddress(rs1, imm)
        f.x[by](f.guestOffset(imm))
      }),
  }) satisfies Instruction

const store = (mnemonic: string, funct3: number, bytes: 1 | 2 | 4, by: Store, execute: Execute) =>
  ({
    mnemonic,
    format: 'S',
    opcode: 0b0100011,
    funct3,
    execute,
    access: { bytes, isStore: true },
    translate: (f, { rs1, rs2, imm }) => {
      f.pushAddress(rs1, imm)
      f.getX(rs2)
      f.x[by](f.guestOffset(imm))
    },
  }) satisfies Instruction

const branch = (mnemonic: string, funct3: number, comparison: Comparison, execute: Execute) =>
  ({
    mnemonic,
    format: 'B',
    opcode: 0b1100011,
    funct3,
    execute,
    control: 'branch',
    translate: (f, { rs1, rs2 }) => {
      f.getX(rs1)
      f.getX(rs2)
      f.x[comparison]()
    },
  }) satisfies Instruction

const SYSTEM = 0b1110011

const unimplemented = (row: Omit<Instruction, 'execute' | 'unimplemented'>): Instruction => ({
  ...row,
  unimplemented: true,
  control: 'fault',
  execute: () => {
    throw new GuestError('GUEST_TRAP', { reason: `SP1 does not implement ${row.mnemonic}` })
  },
})

export const RV32I: readonly Instruction[] = [
  // Integer computation, register-register.
  register('add', 0b000, 0b0000000, 'add', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] + hart.x[rs2])
  }),
  register('sub', 0b000, 0b0100000, 'sub', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] - hart.x[rs2])
  }),
  register('sll', 0b001, 0b0000000, 'shl', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] << hart.x[rs2])
  }),
  register('slt', 0b010, 0b0000000, 'lt_s', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, (hart.x[rs1] | 0) < (hart.x[rs2] | 0) ? 1 : 0)
  }),
  register('sltu', 0b011, 0b0000000, 'lt_u', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] < hart.x[rs2] ? 1 : 0)
  }),
  register('xor', 0b100, 0b0000000, 'xor', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] ^ hart.x[rs2])
  }),
  register('srl', 0b101, 0b0000000, 'shr_u', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] >>> hart.x[rs2])
  }),
  register('sra', 0b101, 0b0100000, 'shr_s', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] >> hart.x[rs2])
  }),
  register('or', 0b110, 0b0000000, 'or', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] | hart.x[rs2])
  }),
  register('and', 0b111, 0b0000000, 'and', (hart, { rd, rs1, rs2 }) => {
    hart.setX(rd, hart.x[rs1] & hart.x[rs2])
  }),

  // Integer computation, register-immediate.
  immediate('addi', 0b000, 'add', (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] + imm)),
  immediate('slti', 0b010, 'lt_s', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.x[rs1] | 0) < imm ? 1 : 0),
  ),
  immediate('sltiu', 0b011, 'lt_u', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.x[rs1] < imm >>> 0 ? 1 : 0),
  ),
  immediate('xori', 0b100, 'xor', (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] ^ imm)),
  immediate('ori', 0b110, 'or', (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] | imm)),
  immediate('andi', 0b111, 'and', (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] & imm)),
  {
    mnemonic: 'slli',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b001,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] << imm),
    translate: withImmediate('shl'),
  },
  {
    mnemonic: 'srli',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b101,
    funct7: 0b0000000,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] >>> imm),
    translate: withImmediate('shr_u'),
  },
  {
    mnemonic: 'srai',
    format: 'Shamt',
    opcode: 0b0010011,
    funct3: 0b101,
    funct7: 0b0100000,
    execute: (hart, { rd, rs1, imm }) => hart.setX(rd, hart.x[rs1] >> imm),
    translate: withImmediate('shr_s'),
  },
  {
    mnemonic: 'lui',
    format: 'U',
    opcode: 0b0110111,
    execute: (hart, { rd, imm }) => hart.setX(rd, imm),
    translate: (f, { rd, imm }) => f.setX(rd, () => f.pushImm(imm)),
  },
  {
    mnemonic: 'auipc',
    format: 'U',
    opcode: 0b0010111,
    execute: (hart, { rd, imm }) => hart.setX(rd, hart.pc + imm),
    translate: (f, { rd, imm }) => f.setX(rd, () => f.pushPcPlus(imm)),
  },

  // Control transfer.
  {
    mnemonic: 'jal',
    control: 'jal',
    format: 'J',
    opcode: 0b1101111,
    execute: (hart, { rd, imm }) => {
      hart.setX(rd, hart.pc + 4)
      hart.jump(hart.pc + imm)
    },
  },
  {
    mnemonic: 'jalr',
    control: 'jalr',
    format: 'I',
    opcode: 0b1100111,
    execute: (hart, { rd, rs1, imm }) => {
      const target = hart.x[rs1] + imm
      hart.setX(rd, hart.pc + 4)
      hart.jump(target)
    },
  },
  branch('beq', 0b000, 'eq', (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] === hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('bne', 0b001, 'ne', (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] !== hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('blt', 0b100, 'lt_s', (hart, { rs1, rs2, imm }) => {
    if ((hart.x[rs1] | 0) < (hart.x[rs2] | 0)) hart.jump(hart.pc + imm)
  }),
  branch('bge', 0b101, 'ge_s', (hart, { rs1, rs2, imm }) => {
    if ((hart.x[rs1] | 0) >= (hart.x[rs2] | 0)) hart.jump(hart.pc + imm)
  }),
  branch('bltu', 0b110, 'lt_u', (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] < hart.x[rs2]) hart.jump(hart.pc + imm)
  }),
  branch('bgeu', 0b111, 'ge_u', (hart, { rs1, rs2, imm }) => {
    if (hart.x[rs1] >= hart.x[rs2]) hart.jump(hart.pc + imm)
  }),

  // Loads and stores.
  load('lb', 0b000, 1, 'load8_s', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.memory.loadByte(hart.x[rs1] + imm) << 24) >> 24),
  ),
  load('lh', 0b001, 2, 'load16_s', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, (hart.memory.loadHalf(hart.x[rs1] + imm, 'lh') << 16) >> 16),
  ),
  load('lw', 0b010, 4, 'load', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadWord(hart.x[rs1] + imm)),
  ),
  load('lbu', 0b100, 1, 'load8_u', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadByte(hart.x[rs1] + imm)),
  ),
  load('lhu', 0b101, 2, 'load16_u', (hart, { rd, rs1, imm }) =>
    hart.setX(rd, hart.memory.loadHalf(hart.x[rs1] + imm, 'lhu')),
  ),
  store('sb', 0b000, 1, 'store8', (hart, { rs1, rs2, imm }) =>
    hart.memory.storeByte(hart.x[rs1] + imm, hart.x[rs2]),
  ),
  store('sh', 0b001, 2, 'store16', (hart, { rs1, rs2, imm }) =>
    hart.memory.storeHalf(hart.x[rs1] + imm, hart.x[rs2]),
  ),
  store('sw', 0b010, 4, 'store', (hart, { rs1, rs2, imm }) =>
    hart.memory.storeWord(hart.x[rs1] + imm, hart.x[rs2]),
  ),

  // System.
  {
    mnemonic: 'ecall',
    format: 'System',
    opcode: SYSTEM,
    funct12: 0b000000000000,
    control: 'ecall',
    execute: (hart) => hart.environment.ecall(hart),
  },
  {
    mnemonic: 'ebreak',
    format: 'System',
    opcode: SYSTEM,
    funct12: 0b000000000001,
    control: 'fault',
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
