/**
 * What a call of each precompile costs: by its kernel, and by its bigint definition. The two take
 * turns, so that both meet the same machine; a figure is the least of the rounds.
 * `npm run bench:precompiles -- --json` prints JSON. It runs what `npm run build` has built.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { Memory } from '../dist/core/riscv/memory.js'
import { instantiateKernels } from '../dist/core/syscalls/kernel-module.js'
import { SYSCALLS_5_2_4 } from '../dist/core/syscalls/table.js'

const ROUNDS = 25
const KERNEL_ROUND_NS = 4e6
const DEFINITION_ROUND_NS = 8e6
const PAGE_BYTES = 65_536
const FIRST = 0x1_0000
const SECOND = 0x2_0000
const A2 = 12

const CURVES = {
  secp256k1: { point: secp256k1.Point, words: 8 },
  secp256r1: { point: p256.Point, words: 8 },
  bn254: { point: bn254.G1.Point, words: 8 },
  bls12381: { point: bls12_381.G1.Point, words: 12 },
  ed: { point: ed25519.Point, words: 8 },
}

let wasmMemory
const allocate = (bytes) => {
  const pages = bytes / PAGE_BYTES
  wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  return wasmMemory.buffer
}
const memory = new Memory({ limitMib: 1, allocate })
const kernels = instantiateKernels(wasmMemory, { ...memory.layout, ...memory })
const context = {
  hart: { x: memory.registers },
  memory,
  markUnprovable(reason) {
    throw new Error(reason)
  },
}

const rows = [...SYSCALLS_5_2_4.values()]
  .filter(({ kernel }) => kernel !== undefined)
  .map((syscall) => ({ syscall: syscall.name, ...measure(syscall) }))
  .map(({ syscall, kernelNs, definitionNs }) => ({
    syscall,
    kernelNs: round(kernelNs),
    definitionNs: round(definitionNs),
    ratio: round(definitionNs / kernelNs),
  }))

if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2))
else {
  console.log('ns per call               kernel  definition   ratio')
  for (const { syscall, kernelNs, definitionNs, ratio } of rows) {
    const figures = [kernelNs, definitionNs, ratio].map((figure, i) =>
      figure.toFixed(i === 2 ? 1 : 0).padStart([8, 12, 8][i]),
    )
    console.log(syscall.padEnd(24) + figures.join(''))
  }
}

function measure(syscall) {
  const kernel = kernels[syscall.kernel]
  const secondArgument = prepare(syscall.kernel)
  const callKernel = () => {
    if (kernel(FIRST, secondArgument) !== 1) throw new Error(`${syscall.name} was declined`)
  }
  const callDefinition = () => syscall.execute(context, FIRST, secondArgument)
  const kernelCalls = warmUp(callKernel, KERNEL_ROUND_NS)
  const definitionCalls = warmUp(callDefinition, DEFINITION_ROUND_NS)
  const kernelTimes = []
  const definitionTimes = []
  for (let i = 0; i < ROUNDS; i++) {
    kernelTimes.push(time(callKernel, kernelCalls))
    definitionTimes.push(time(callDefinition, definitionCalls))
  }
  return { kernelNs: Math.min(...kernelTimes), definitionNs: Math.min(...definitionTimes) }
}

/** Writes operands. A result replaces the first one, and is as good. @returns the second argument. */
function prepare(kernel) {
  const [, curve, operation] = /^(secp256k1|secp256r1|bn254|bls12381|ed)?(.*)$/.exec(kernel)
  if (curve === undefined) return prepareWords(kernel)
  const { point, words } = CURVES[curve]
  const { x, y } = point.BASE.multiply(123_456_789n).toAffine()
  if (operation === 'Decompress') {
    const [found, given] = curve === 'ed' ? [x, y] : [y, x]
    write(FIRST, words, [found, given])
    return 0
  }
  write(FIRST, words, [x, y])
  if (operation === 'Double') return 0
  const other = point.BASE.multiply(987_654_321n).toAffine()
  write(SECOND, words, [other.x, other.y])
  return SECOND
}

function prepareWords(kernel) {
  for (let i = 0; i < 200; i++) {
    memory.writeWord(FIRST + 4 * i, Math.imul(i + 1, 0x9e37_79b9))
    memory.writeWord(SECOND + 4 * i, Math.imul(i + 1, 0x85eb_ca6b))
  }
  memory.registers[A2] = 0x3_0000
  memory.registers[A2 + 1] = 0x4_0000
  if (kernel === 'uint256Mul') write(SECOND, 8, [2n ** 250n + 12_345n, secp256k1.Point.CURVE().n])
  return kernel === 'shaExtend' || kernel === 'keccakPermute' ? 0 : SECOND
}

function write(address, words, numbers) {
  numbers.forEach((number, n) => {
    for (let i = 0; i < words; i++) {
      const word = Number((number >> BigInt(32 * i)) & 0xffff_ffffn)
      memory.writeWord(address + 4 * (n * words + i), word)
    }
  })
}

/** Long enough for V8 to have optimised it. @returns how many calls take about `roundNs`. */
function warmUp(call, roundNs) {
  let calls = 1
  while (time(call, calls) * calls < roundNs) calls *= 2
  for (let i = 0; i < 5; i++) time(call, calls)
  return Math.max(1, Math.round(roundNs / time(call, calls)))
}

/** ns per call. */
function time(call, calls) {
  const start = process.hrtime.bigint()
  for (let i = 0; i < calls; i++) call()
  return Number(process.hrtime.bigint() - start) / calls
}

function round(value) {
  return Number(value.toPrecision(3))
}
