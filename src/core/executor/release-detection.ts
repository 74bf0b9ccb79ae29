/**
 * Which release of SP1 a program was built for, as far as its file tells.
 * - Panic messages name the crate that the guest is linked with, version included
 *   (`sp1-zkvm-5.2.4/src/…`). That is sure, and missing where paths are trimmed.
 * - Code for 64-bit RISC-V is what SP1 6 brought. That is sure, too.
 * - Otherwise the file descriptor of public values: 3 until SP1 3, 13 since SP1 4. The code that
 *   writes there loads it into a0, 2 (WRITE) into t0, and calls. That is as good as sure: no other
 *   descriptor of one release has the number of the other's.
 */
import { decode } from '../riscv/decode.js'
import { isRv64 } from '../riscv/elf.js'
import type { Program } from '../riscv/program.js'
import type { Sp1Release } from './release.js'

/** The first number of the version: 3 stands for releases up to 3, 5 for 4 and 5, 6 for later ones. */
export type ReleaseLine = 3 | 5 | 6

export interface ReleaseSign {
  readonly line: ReleaseLine
  /** What it was told by, for people. */
  readonly sign: string
}

const CRATE_PATH = /sp1[-_](?:zkvm|lib|primitives)-(\d+)\.(\d+)\.(\d+)/
const A0 = 10
const T0 = 5
const WRITE = 2
const DESCRIPTORS = new Map<number, 3 | 5>([
  [3, 3],
  [13, 5],
])
/** How far before an `ecall` its arguments are loaded. */
const WINDOW = 12

/**
 * Undefined if nothing tells, or the signs disagree.
 *
 * @param programOf - loads it in a way that suits every release; asked if the file alone does not tell.
 */
export function detectRelease(
  elf: Uint8Array,
  programOf: (elf: Uint8Array) => Program,
): ReleaseSign | undefined {
  return signOfCrates(elf) ?? signOfClass(elf) ?? signOfDescriptors(programOf(elf))
}

/** Whether a release is of the line that was found. */
export function isOfLine({ version }: Pick<Sp1Release, 'version'>, line: ReleaseLine): boolean {
  return lineOf(Number.parseInt(version, 10)) === line
}

function signOfCrates(elf: Uint8Array): ReleaseSign | undefined {
  // Latin-1 keeps every byte a character, so that nothing before a path can break it.
  const match = CRATE_PATH.exec(new TextDecoder('latin1').decode(elf))
  if (match === null) return undefined
  const line = lineOf(Number(match[1]))
  return line === undefined ? undefined : { line, sign: `it names ${match[0]}` }
}

function lineOf(major: number): ReleaseLine | undefined {
  if (major === 0) return undefined
  if (major <= 3) return 3
  return major <= 5 ? 5 : 6
}

function signOfClass(elf: Uint8Array): ReleaseSign | undefined {
  return isRv64(elf) ? { line: 6, sign: 'it is for 64-bit RISC-V' } : undefined
}

function signOfDescriptors({ instructionWords }: Program): ReleaseSign | undefined {
  const found = new Set<3 | 5>()
  instructionWords.forEach((word, index) => {
    if (decode(word)?.row.mnemonic !== 'ecall') return
    const before = instructionWords.subarray(Math.max(0, index - WINDOW), index)
    if (constantIn(before, T0) !== WRITE) return
    const line = DESCRIPTORS.get(constantIn(before, A0) ?? -1)
    if (line !== undefined) found.add(line)
  })
  const [line] = found
  if (line === undefined || found.size > 1) return undefined
  const descriptor = line === 3 ? 3 : 13
  return { line, sign: `it writes public values to descriptor ${descriptor}` }
}

/** What the last `li rd, constant` of these words loads; undefined if something else wrote rd. */
function constantIn(words: Uint32Array, rd: number): number | undefined {
  for (let i = words.length - 1; i >= 0; i--) {
    const instruction = decode(words[i])
    if (instruction?.rd !== rd) continue
    const isConstant = instruction.row.mnemonic === 'addi' && instruction.rs1 === 0
    return isConstant ? instruction.imm : undefined
  }
  return undefined
}
