import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, encodeU64LE, toHex } from '../../../src/core/bytes.js'
import { InputError } from '../../../src/core/errors.js'
import {
  detectStdin,
  encodeStdin,
  MAX_BUFFERS,
  parseStdin,
  parseStdinValue,
} from '../../../src/core/executor/stdin.js'

const anyBuffers = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 })
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const header = (count: number, ptr: number, proofs: number, ...rest: Uint8Array[]) =>
  concatBytes(
    encodeU64LE(BigInt(count)),
    encodeU64LE(BigInt(ptr)),
    encodeU64LE(BigInt(proofs)),
    ...rest,
  )

describe('parseStdin', () => {
  it('reads what encodeStdin writes', () => {
    fc.assert(
      fc.property(anyBuffers, (buffers) => {
        expect(parseStdin(encodeStdin(buffers), 'sp1')).toEqual({ buffers, deferredProofs: 0n })
      }),
      { numRuns: 300 },
    )
  })

  it('reads the JSON form with arrays and with hex', () => {
    fc.assert(
      fc.property(anyBuffers, (buffers) => {
        const stdin = { buffers, deferredProofs: 0n }
        const arrays = { buffer: buffers.map((bytes) => [...bytes]), ptr: 0, proofs: [] }
        expect(parseStdin(text(arrays), 'json')).toEqual(stdin)
        expect(parseStdin(text({ buffer: buffers.map(toHex) }), 'json')).toEqual(stdin)
      }),
      { numRuns: 200 },
    )
  })

  it('gives a typed error or a stdin for any bytes, in every format', () => {
    const anyInput = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((json) => new TextEncoder().encode(json)),
      fc.tuple(anyBuffers, fc.nat(200), fc.nat(255)).map(([buffers, at, value]) => {
        const bytes = encodeStdin(buffers)
        bytes[at % bytes.length] = value
        return bytes
      }),
    )
    fc.assert(
      fc.property(anyInput, fc.constantFrom('sp1', 'json', 'raw', 'auto'), (bytes, format) => {
        try {
          if (format === 'auto') detectStdin(bytes)
          else parseStdin(bytes, format as 'sp1')
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          expect((error as InputError).code).toMatch(/^STDIN_/)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('refuses every truncation and every addition', () => {
    const bytes = encodeStdin([Uint8Array.of(1, 2, 3), new Uint8Array()])
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseStdin(bytes.subarray(0, length), 'sp1')).toThrow(InputError)
    }
    expect(() => parseStdin(concatBytes(bytes, Uint8Array.of(0)), 'sp1')).toThrow(InputError)
  })

  it('refuses more buffers than a process can bear, before it makes them', () => {
    const most = encodeStdin(Array.from({ length: MAX_BUFFERS }, () => new Uint8Array()))
    expect(parseStdin(most, 'sp1').buffers.length).toBe(MAX_BUFFERS)
    const more = encodeStdin(Array.from({ length: MAX_BUFFERS + 1 }, () => new Uint8Array()))
    const refusal = expect.objectContaining({ code: 'STDIN_MALFORMED' })
    expect(() => parseStdin(more, 'sp1')).toThrowError(refusal)
    const value = { buffer: Array.from({ length: MAX_BUFFERS + 1 }, () => '0x') }
    expect(() => parseStdinValue(value)).toThrowError(refusal)
  })

  it('counts deferred proofs and leaves them alone', () => {
    const opaque = Uint8Array.of(9, 9, 9)
    expect(parseStdin(header(0, 0, 2, opaque), 'sp1').deferredProofs).toBe(2n)
    expect(() => parseStdin(header(0, 0, 2), 'sp1')).toThrow(InputError)
    expect(parseStdin(text({ buffer: [], proofs: [{}] }), 'json').deferredProofs).toBe(1n)
  })

  it('refuses a position beyond the buffers, and lengths beyond the file', () => {
    expect(() => parseStdin(header(0, 1, 0), 'sp1')).toThrow(InputError)
    const huge = concatBytes(encodeU64LE(2n ** 64n - 1n), new Uint8Array(64))
    expect(() => parseStdin(huge, 'sp1')).toThrow(InputError)
  })

  it.each([
    ['an array', []],
    ['no buffer', { ptr: 0 }],
    ['a buffer that is text', { buffer: ['abc'] }],
    ['a byte of 256', { buffer: [[256]] }],
    ['half a byte', { buffer: [[0.5]] }],
    ['an unknown field', { buffer: [], more: 1 }],
    ['a ptr that is text', { buffer: [], ptr: '0' }],
    ['proofs that are no array', { buffer: [], proofs: 1 }],
  ])('refuses JSON with %s', (_name, value) => {
    expect(() => parseStdin(text(value), 'json')).toThrow(InputError)
  })
})

describe('detectStdin', () => {
  it.each([
    ['sp1', encodeStdin([Uint8Array.of(1)])],
    ['json', text({ buffer: [[1]] })],
    ['raw', Uint8Array.of(1)],
    ['raw', text({ buffers: [[1]] })],
    ['raw', new Uint8Array(32).fill(0, 0, 31).fill(1, 31)],
    ['raw', encodeStdin([Uint8Array.of(1)]).subarray(1)],
  ])('takes %s only if the whole file is that', (format, bytes) => {
    expect(detectStdin(bytes).format).toBe(format)
  })

  it('recognises a file with deferred proofs', () => {
    const buffers = concatBytes(encodeU64LE(1n), encodeU64LE(1n), Uint8Array.of(7))
    const bytes = concatBytes(buffers, encodeU64LE(0n), encodeU64LE(1n), Uint8Array.of(1))
    expect(detectStdin(bytes)).toMatchObject({ format: 'sp1', deferredProofs: 1n })
  })

  it.each([
    ['empty', new Uint8Array()],
    ['24 zero bytes', new Uint8Array(24)],
  ])('asks for the format of a file that is %s', (_name, bytes) => {
    expect(() => detectStdin(bytes)).toThrow(expect.objectContaining({ code: 'STDIN_AMBIGUOUS' }))
  })
})
