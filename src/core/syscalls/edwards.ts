/**
 * Ed25519: ED_ADD and ED_DECOMPRESS.
 * Sources: RFC 8032, 5.1; sp1-core-executor 3.4.0 and 5.2.4 syscalls/precompiles/edwards, sp1-curves
 * edwards, sp1-core-machine syscall/precompiles/edwards.
 */
import { ED25519 } from './curves.js'
import { evenSquareRoot5Mod8, inverseOrZero } from './field.js'
import { readNumbers, readTarget, writeNumbers } from './operands.js'
import { defineSyscall, invalid, refuseMisaligned, type Syscall } from './syscall.js'

const { p, d, words } = ED25519
const POINT = { count: 2, words }
/** Memory holds y in this many bits; SP1 ignores the rest. */
const Y_BITS = 255

/** The point at the first pointer becomes its sum with the point at the second. */
export const edAdd = defineSyscall({
  name: 'ED_ADD',
  kernel: 'edAdd',
  code: 0x00_01_01_07,
  extraCycles: 1,
  execute(context, firstPointer, secondPointer) {
    refuseMisaligned('ED_ADD', firstPointer, secondPointer)
    const [x1, y1] = readTarget(context, firstPointer, POINT)
    const [x2, y2] = readNumbers(context.memory, secondPointer, POINT)
    if ([x1, y1, x2, y2].some((value) => value >= p)) {
      context.markUnprovable('ED_ADD was called with a coordinate that is not reduced')
    }
    const product = (d * x1 * x2 * y1 * y2) % p
    const xDenominator = (1n + product) % p
    const yDenominator = (1n + p - product) % p
    if (xDenominator === 0n || yDenominator === 0n) {
      context.markUnprovable('ED_ADD was called on points that have no sum')
    }
    const x3 = ((x1 * y2 + y1 * x2) * inverseOrZero(xDenominator, p)) % p
    const y3 = ((y1 * y2 + x1 * x2) * inverseOrZero(yDenominator, p)) % p
    writeNumbers(context.memory, firstPointer, [x3, y3], words)
  },
})

/**
 * ED_DECOMPRESS: memory holds x and then y; y is read, and x written, the odd one if the second
 * argument is 1.
 *
 * @param options.isReduced - 3.4.0 subtracts integers and leaves out a reduction: it panics for y = 0,
 * and the odd x for y = 1 or -1 is p.
 */
export function edDecompress({ isReduced }: { readonly isReduced: boolean }): Syscall {
  const name = 'ED_DECOMPRESS'
  return defineSyscall({
    name,
    kernel: 'edDecompress',
    code: 0x00_00_01_08,
    extraCycles: 0,
    execute(context, pointer, sign) {
      refuseMisaligned(name, pointer)
      if (sign > 1) invalid(name, 'its sign is neither 0 nor 1')
      const [encoded] = readNumbers(context.memory, pointer + 4 * words, { count: 1, words })
      if (encoded >= p) context.markUnprovable(`${name} was called with a y that is not reduced`)
      const y = BigInt.asUintN(Y_BITS, encoded)
      const ySquared = (y * y) % p
      if (ySquared === 0n && !isReduced) invalid(name, 'its y is 0')
      const xSquared = ((ySquared + p - 1n) * inverseOrZero((d * ySquared + 1n) % p, p)) % p
      const evenX = evenSquareRoot5Mod8(xSquared, p)
      if (evenX === undefined) invalid(name, 'no point of the curve has this y')
      let x = sign === 1 ? p - evenX : evenX
      if (x === p) {
        if (isReduced) x = 0n
        else context.markUnprovable(`${name} wrote an x that is not reduced`)
      }
      writeNumbers(context.memory, pointer, [x], words)
    },
  })
}
