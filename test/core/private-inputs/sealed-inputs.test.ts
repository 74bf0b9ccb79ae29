/** Inputs that are encrypted to a key: what was sealed opens, whatever was changed does not. */
import { randomBytes } from 'node:crypto'
import * as hpke from 'hpke'
import { describe, expect, it } from 'vitest'
import { encodeU64LE, fromHex, toHex } from '../../../src/core/bytes.js'
import {
  CHUNK_BYTES,
  createInputKey,
  type PrivateInputs,
  sealInputs,
} from '../../../src/core/private-inputs/sealed-inputs.js'

const entropy = (byteCount: number) => new Uint8Array(randomBytes(byteCount))
const key = await createInputKey(entropy)
const TAG_BYTES = 16
/** Two lengths, and choices of that length. */
const HEADER_BYTES = 8 + 17 + 8

function inputsOf(elfBytes: number, stdinBytes: number): PrivateInputs {
  return { choices: entropy(17), elf: entropy(elfBytes), stdin: entropy(stdinBytes) }
}

const UNREADABLE = expect.objectContaining({ code: 'PRIVATE_INPUTS_UNREADABLE' })

describe('what was sealed', () => {
  it.each([
    [0, 0],
    [1, 0],
    [0, 1],
    [1000, 24],
    [CHUNK_BYTES - HEADER_BYTES, 0],
    [CHUNK_BYTES - HEADER_BYTES, 1],
    [CHUNK_BYTES, CHUNK_BYTES - HEADER_BYTES],
    [3 * CHUNK_BYTES, 5],
  ])('opens again: %i bytes of program, %i of stdin', async (elfBytes, stdinBytes) => {
    const inputs = inputsOf(elfBytes, stdinBytes)
    const sealed = await sealInputs(key.publicKey, inputs)
    const opened = await key.open(sealed)
    expect(toHex(opened.choices)).toBe(toHex(inputs.choices))
    expect(toHex(opened.elf)).toBe(toHex(inputs.elf))
    expect(toHex(opened.stdin)).toBe(toHex(inputs.stdin))
  })

  it('shows nothing of it, and never looks the same', async () => {
    const inputs = { ...inputsOf(0, 0), elf: new Uint8Array(4096), stdin: new Uint8Array(4096) }
    const [one, two] = [
      await sealInputs(key.publicKey, inputs),
      await sealInputs(key.publicKey, inputs),
    ]
    expect(toHex(one.sealed)).not.toContain('00'.repeat(8))
    expect(one.encapsulatedKey).not.toBe(two.encapsulatedKey)
    expect(toHex(one.sealed)).not.toBe(toHex(two.sealed))
  })

  it('opens by no other key', async () => {
    const other = await createInputKey(entropy)
    await expect(other.open(await sealInputs(key.publicKey, inputsOf(9, 9)))).rejects.toEqual(
      UNREADABLE,
    )
  })
})

describe('what was changed does not open', async () => {
  const sealed = await sealInputs(key.publicKey, inputsOf(CHUNK_BYTES, CHUNK_BYTES))
  const bytes = sealed.sealed
  const cut = CHUNK_BYTES + TAG_BYTES
  const CHANGES: readonly [string, Uint8Array][] = [
    ['a bit', bytes.with(5, bytes[5]! ^ 1)],
    ['the last byte', bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)],
    ['nothing left', new Uint8Array()],
    ['less than a tag', bytes.slice(0, 7)],
    ['the last chunk cut off', bytes.slice(0, 2 * cut)],
    ['the last byte cut off', bytes.slice(0, -1)],
    ['the first chunk cut off', bytes.slice(cut)],
    ['a chunk twice', Uint8Array.from([...bytes, ...bytes.slice(2 * cut)])],
    ['a byte more', Uint8Array.from([...bytes, 0])],
    ['chunks in another order', swapped(bytes, cut)],
  ]
  it.each(CHANGES)('%s', async (_name, changed) => {
    await expect(key.open({ ...sealed, sealed: changed })).rejects.toEqual(UNREADABLE)
  })

  it('the encapsulated key', async () => {
    for (const encapsulatedKey of [`0x${'00'.repeat(32)}`, `0x${'11'.repeat(32)}`, '0x'] as const) {
      await expect(key.open({ ...sealed, encapsulatedKey })).rejects.toEqual(UNREADABLE)
    }
  })
})

it('refuses lengths that are longer than what is there', async () => {
  // Sealed by someone who does not keep to the format.
  const suite = new hpke.CipherSuite(
    hpke.KEM_DHKEM_X25519_HKDF_SHA256,
    hpke.KDF_HKDF_SHA256,
    hpke.AEAD_AES_128_GCM,
  )
  const info = new TextEncoder().encode('sp1-tee/private-inputs/1')
  const length = (value: bigint) => [...encodeU64LE(value)]
  const PLAINTEXTS = [
    [1, 2],
    [...length(5n), 1],
    [...length(0n), 1],
    [...length(0n), ...length(5n), 1],
    [...length(2n ** 63n), ...length(0n)],
    [...length(4097n), ...Array.from({ length: 5000 }, () => 0)],
  ]
  for (const plaintext of PLAINTEXTS) {
    const to = await suite.DeserializePublicKey(fromHex(key.publicKey))
    const { encapsulatedSecret, ctx } = await suite.SetupSender(to, { info })
    const sealed = await ctx.Seal(Uint8Array.from(plaintext), Uint8Array.of(1))
    const encapsulatedKey = toHex(encapsulatedSecret)
    await expect(key.open({ encapsulatedKey, sealed })).rejects.toEqual(UNREADABLE)
  }
})

it.each([
  ['of low order', `0x${'00'.repeat(32)}`],
  ['too short', '0x1234'],
] as const)('encrypts to no key that is %s', async (_name, publicKey) => {
  await expect(sealInputs(publicKey, inputsOf(1, 1))).rejects.toMatchObject({
    code: 'PRIVATE_KEY_MALFORMED',
  })
})

function swapped(bytes: Uint8Array, cut: number): Uint8Array {
  const result = bytes.slice()
  result.set(bytes.subarray(cut, 2 * cut), 0)
  result.set(bytes.subarray(0, cut), cut)
  return result
}
