/**
 * One run of a guest: the environment its `ecall`s reach, and the state SP1 restores when an
 * unconstrained block ends. Created by `execute`, used once.
 */
import { GuestError } from '../errors.js'
import type { Engine, EngineFactory, EngineFacts } from '../riscv/engine.js'
import { type Environment, Hart } from '../riscv/hart.js'
import { interpret } from '../riscv/interpreter.js'
import type { Memory } from '../riscv/memory.js'
import type { Program } from '../riscv/program.js'
import { invalid, type Syscall, type SyscallContext } from '../syscalls/syscall.js'
import { sortedRecord } from './cycle-tracker.js'
import { GuestStreams, type OutputLimits, type OutputListener } from './guest-io.js'
import type { Hook } from './hooks/hook.js'
import type { Sp1Release } from './release.js'
import { whyUnprovable } from './soundness.js'

const T0 = 5
const A0 = 10
const A1 = 11
/** The only syscalls an unconstrained block may use. */
const UNCONSTRAINED_SYSCALLS = new Set(['EXIT_UNCONSTRAINED', 'WRITE'])

export interface RunLimits extends OutputLimits {
  readonly cycles: number
  readonly memoryMib: number
}

export interface RunOptions {
  readonly program: Program
  readonly inputs: readonly Uint8Array[]
  /** How many there are; a VERIFY_SP1_PROOF takes one, unverified. */
  readonly deferredProofs: bigint
  readonly release: Sp1Release
  readonly limits: RunLimits
  readonly hooks?: ReadonlyMap<number, Hook>
  readonly onOutput?: OutputListener
  /** Default: the interpreter. */
  readonly createEngine?: EngineFactory
  /** Called before every slice and at every syscall; throws to stop the run. */
  readonly checkpoint: () => void
}

interface Fork {
  readonly pc: number
  readonly cycles: number
  readonly registers: Uint32Array
}

export class Run implements Environment, SyscallContext {
  readonly memory: Memory
  readonly hart: Hart
  readonly io: GuestStreams
  readonly #release: Sp1Release
  readonly #engine: Engine
  readonly #checkpoint: () => void
  readonly #syscallCounts = new Map<string, number>()
  readonly #deferredProofs: bigint
  #deferredProofsLeft: bigint
  readonly #committedDigest = new Uint32Array(8)
  readonly #committedWords = new Set<number>()
  readonly #deferredDigest = new Uint32Array(8)
  #fork: Fork | undefined
  #hasHalted = false

  constructor(options: RunOptions) {
    const { program, inputs, deferredProofs, release, limits, hooks, onOutput, checkpoint } =
      options
    this.#release = release
    this.#deferredProofs = deferredProofs
    this.#deferredProofsLeft = deferredProofs
    this.#checkpoint = checkpoint
    const { createEngine = interpret } = options
    const { engine, memory } = createEngine({
      program,
      isa: release.isa,
      kernels: release.kernels,
      cycleLimit: release.cycleLimit(limits.cycles),
      memory: {
        limitMib: limits.memoryMib,
        isStrict: release.isMemoryStrict,
        xlen: release.isa.xlen,
      },
    })
    this.#engine = engine
    this.memory = memory
    this.memory.onRegisterAccess = (register) => this.#refuseOwnRegister(program, register)
    this.hart = new Hart(this.memory, this, program.pcStart)
    this.io = new GuestStreams({
      inputs,
      release,
      limits,
      ...(hooks !== undefined && { hooks }),
      ...(onOutput !== undefined && { onOutput }),
      cyclesNow: () => this.#engine.cycles,
    })
    this.memory.loadImage(program)
  }

  /**
   * Execute up to `maxCycles` instructions.
   *
   * @returns true when the guest has ended successfully.
   * @throws GuestError with pc, cycles, stdout and stderr among its details.
   */
  advance(maxCycles: number): boolean {
    try {
      this.#checkpoint()
      const isDone = this.#engine.run(this.hart, maxCycles)
      if (isDone && this.isUnconstrained) {
        throw new GuestError('GUEST_TRAP', { reason: 'it ended inside an unconstrained block' })
      }
      return isDone
    } catch (error) {
      throw error instanceof GuestError ? error.withContext(this.#errorContext()) : error
    }
  }

  /**
   * SP1's executor panics if a load or store goes to the address of a register that it has read for
   * itself: the two accesses are out of order. An `ecall` has read its own in `requireAligned`.
   * Source: sp1-core-executor 3.4.0 executor.rs `load_rr`, `store_rr`; events/memory.rs.
   */
  #refuseOwnRegister({ pcBase }: Program, register: number): void {
    const index = ((this.hart.pc - pcBase) >>> 0) >>> 2
    const { row, rs1, rs2 } = this.#engine.code.at(index)
    if (row.format === 'System') return
    const isOwn = register === rs1 || (row.format === 'S' && register === rs2)
    if (isOwn)
      throw new GuestError('GUEST_TRAP', { reason: 'it accessed its own register in memory' })
  }

  get translateMs(): number {
    return this.#engine.translateMs
  }

  /** As its engine's. */
  get isWarm(): boolean {
    return this.#engine.isWarm
  }

  /** How the engine did it. */
  get facts(): EngineFacts {
    return this.#engine.facts()
  }

  /** Everything has been asked that will be. */
  release(): void {
    this.#engine.release()
  }

  /** Executed instructions, those of unconstrained blocks only while one is active. */
  get cycles(): number {
    return this.#engine.cycles
  }

  get syscalls(): Record<string, number> {
    const counts = new Map(this.#syscallCounts)
    const { kernelCalls } = this.#engine
    this.#release.kernels.codes.forEach((code, i) => {
      const calls = kernelCalls[i] ?? 0
      const { name } = this.#release.syscalls.get(code) as Syscall
      if (calls > 0) counts.set(name, (counts.get(name) ?? 0) + calls)
    })
    return sortedRecord(counts)
  }

  get opcodes(): Record<string, number> {
    const counts = new Map<string, number>()
    const { code, visits } = this.#engine
    for (let index = 0; index < code.length; index++) {
      if (visits[index] === 0) continue
      const opcode = this.#release.opcodeOf(code.at(index).row.mnemonic)
      counts.set(opcode, (counts.get(opcode) ?? 0) + visits[index])
    }
    return sortedRecord(counts)
  }

  get unprovable(): string | undefined {
    return whyUnprovable({
      unprovable: this.hart.unprovable,
      deferredProofs: this.#deferredProofs,
      hasHalted: this.#hasHalted,
      publicValues: this.io.publicValues,
      digests: this.#release.publicValuesDigests,
      committedDigest: this.#committedDigest,
      deferredDigest: this.#deferredDigest,
    })
  }

  // Environment

  ecall(hart: Hart): void {
    this.#checkpoint()
    const code = hart.x[T0]
    const syscall = this.#release.syscalls.get(code)
    if (syscall === undefined) {
      throw new GuestError('SYSCALL_UNKNOWN', { code: `0x${code.toString(16).padStart(8, '0')}` })
    }
    if (!this.isUnconstrained) {
      this.#syscallCounts.set(syscall.name, (this.#syscallCounts.get(syscall.name) ?? 0) + 1)
    } else if (!UNCONSTRAINED_SYSCALLS.has(syscall.name)) {
      invalid(syscall.name, 'an unconstrained block may not use it')
    }
    const result = syscall.execute(this, hart.x[A0], hart.x[A1])
    hart.setX(T0, result ?? code)
  }

  // SyscallContext

  get isUnconstrained(): boolean {
    return this.#fork !== undefined
  }

  halt(exitCode: number): void {
    if (exitCode !== 0) throw new GuestError('GUEST_EXIT', { exitCode })
    this.hart.nextPc = 0
    this.#hasHalted = true
  }

  enterUnconstrained(): void {
    const { pc, x } = this.hart
    this.#fork = { pc, cycles: this.cycles, registers: x.slice() }
    this.memory.beginUndo()
  }

  exitUnconstrained(): void {
    if (this.#fork === undefined) return
    const { pc, cycles, registers } = this.#fork
    this.memory.rollBack()
    this.hart.x.set(registers)
    this.hart.pc = pc
    this.hart.nextPc = (pc + 4) >>> 0
    this.#engine.cycles = cycles
    this.#fork = undefined
  }

  commitDigestWord(index: number, word: number): void {
    // The proof exposes one digest, so every COMMIT of a word must agree with the first.
    if (this.#committedWords.has(index) && this.#committedDigest[index] !== word) {
      this.markUnprovable('COMMIT was called twice with different words')
    }
    this.#committedWords.add(index)
    this.#committedDigest[index] = word
  }

  takeDeferredProof(): boolean {
    if (this.#deferredProofsLeft === 0n) return false
    this.#deferredProofsLeft--
    return true
  }

  commitDeferredDigestWord(index: number, word: number): void {
    if (word !== 0) this.markUnprovable('it committed to deferred proofs, and none were given')
    this.#deferredDigest[index] = word
  }

  markUnprovable(reason: string): void {
    this.hart.markUnprovable(reason)
  }

  #errorContext() {
    const { stdout, stderr } = this.io
    return { pc: this.hart.pc, cycles: this.cycles, stdout, stderr }
  }
}
