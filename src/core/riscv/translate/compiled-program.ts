/**
 * A program and what its runs leave for the next ones: decoded instructions, translations, how often
 * instructions without a unit have run, and how much memory it needs.
 */
import { fromBase64 } from '../../bytes.js'
import { InternalError } from '../../errors.js'
import { Code } from '../code.js'
import type { Isa } from '../isa.js'
import type { Program } from '../program.js'
import { STEPPER_RV32IM_BASE64 } from '../stepper.wasm.js'
import type { Target } from './emitter.js'
import { Translation } from './translation.js'

/** Of what is made once: an instruction's entry, and its share of maps and visits. */
const BYTES_PER_INSTRUCTION = 64
/** What the host makes of a module takes about as much again, several times. */
const BYTES_PER_MODULE_BYTE = 8

export class CompiledProgram {
  readonly code: Code
  /** How far the address space of the latest run was laid out, if it was more than what is usual. */
  windowBytes: number | undefined
  /** Runs that are over. */
  runs = 0
  /** Memory of engines that wait for another run. */
  idleBytes = 0
  readonly #translations: { readonly target: Target; readonly translation: Translation }[] = []
  /** How often each instruction was interpreted by runs that are over. */
  #pastVisits: Float64Array | undefined
  /** The same since units were last made between two runs. */
  #lateVisits: Float64Array | undefined

  /**
   * @param now - milliseconds of a monotonic clock, for timings.
   * @throws InputError `ELF_INSTRUCTION_UNKNOWN`
   */
  constructor(
    program: Program,
    isa?: Isa,
    readonly now: () => number = () => 0,
  ) {
    this.code = new Code(program, isa)
  }

  translationFor(target: Target): Translation {
    const known = this.#translations.find((one) => isSameTarget(one.target, target))
    if (known !== undefined) return known.translation
    const translation = new Translation(this.code, target, this.now)
    this.#translations.push({ target, translation })
    return translation
  }

  get translations(): readonly Translation[] {
    return this.#translations.map(({ translation }) => translation)
  }

  /** Spent on translation by all runs. */
  get translateMs(): number {
    return this.translations.reduce((sum, { translateMs }) => sum + translateMs, 0)
  }

  get pastVisits(): Float64Array {
    this.#pastVisits ??= new Float64Array(this.code.length)
    return this.#pastVisits
  }

  get lateVisits(): Float64Array {
    this.#lateVisits ??= new Float64Array(this.code.length)
    return this.#lateVisits
  }

  beginLateVisits(): void {
    this.#lateVisits?.fill(0)
  }

  /** About what it keeps. */
  get sizeBytes(): number {
    const modules = this.translations.reduce((sum, { moduleBytes }) => sum + moduleBytes, 0)
    const made = BYTES_PER_INSTRUCTION * this.code.length + BYTES_PER_MODULE_BYTE * modules
    return made + this.idleBytes
  }
}

/** Translated by the build, from the instruction rows (stepper.ts): it takes 10 ms. */
const BUILT_STEPPERS: Readonly<Record<string, string>> = { RV32IM: STEPPER_RV32IM_BASE64 }
const steppers = new Map<string, WebAssembly.Module>()

/** The interpreter in WebAssembly, made once. */
export function stepperOf({ name }: Isa): WebAssembly.Module {
  const known = steppers.get(name)
  if (known !== undefined) return known
  const built = BUILT_STEPPERS[name]
  if (built === undefined) throw new InternalError(`no interpreter was built for ${name}`)
  const module = new WebAssembly.Module(fromBase64(built))
  steppers.set(name, module)
  return module
}

function isSameTarget(a: Target, b: Target): boolean {
  return (
    a.hasCounts === b.hasCounts &&
    a.ordinaryEndBytes === b.ordinaryEndBytes &&
    a.layout.totalBytes === b.layout.totalBytes
  )
}
