/** The statement about the key for private inputs: viem says what EIP-712 makes of it. */
import { hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import {
  computePrivateInputKeyDigest,
  type PrivateInputStatement,
  parsePrivateInputStatement,
  signPrivateInputKey,
  verifyPrivateInputStatement,
} from '../../../src/core/private-inputs/statement.js'
import { createSigner } from '../../../src/core/signer/signer.js'

const signer = createSigner(new Uint8Array(32).fill(7))
const KEY = {
  publicKey: `0x${'3a'.repeat(32)}`,
  expiresAt: 1_800_000_600,
  chainId: 31337,
  registry: `0x${'22'.repeat(20)}`,
} as const
const statement = signPrivateInputKey(signer, KEY)

it('signs the typed data that EIP-712 defines', () => {
  const digest = hashTypedData({
    domain: {
      name: 'SP1 TEE Prover',
      version: '1',
      chainId: KEY.chainId,
      verifyingContract: KEY.registry,
    },
    types: {
      PrivateInputKey: [
        { name: 'publicKey', type: 'bytes32' },
        { name: 'expiresAt', type: 'uint64' },
      ],
    },
    primaryType: 'PrivateInputKey',
    message: { publicKey: KEY.publicKey, expiresAt: BigInt(KEY.expiresAt) },
  })
  expect(toHex(computePrivateInputKeyDigest(KEY))).toBe(digest)
})

it('is taken from the signer until it expires', () => {
  const verify = (nowSeconds: number) =>
    verifyPrivateInputStatement(statement, signer.address, nowSeconds)
  expect(verify(KEY.expiresAt - 1)).toEqual(KEY)
  expect(() => verify(KEY.expiresAt)).toThrowError(
    expect.objectContaining({ code: 'PRIVATE_KEY_REFUSED' }),
  )
})

const CHANGED: readonly [string, Partial<PrivateInputStatement>][] = [
  ['another key', { publicKey: `0x${'3b'.repeat(32)}` }],
  ['a later expiry', { expiresAt: KEY.expiresAt + 1 }],
  ['another chain', { chainId: 1 }],
  ['another registry', { registry: `0x${'23'.repeat(20)}` }],
  ['no signature', { signature: `0x${'00'.repeat(65)}` }],
]
it.each(CHANGED)('with %s it is nobody’s', (_name, change) => {
  expect(() =>
    verifyPrivateInputStatement({ ...statement, ...change }, signer.address, 0),
  ).toThrowError(expect.objectContaining({ code: 'PRIVATE_KEY_REFUSED' }))
})

describe('parsing', () => {
  it('takes what was announced', () => {
    expect(parsePrivateInputStatement(JSON.parse(JSON.stringify(statement)))).toEqual(statement)
  })

  it.each([
    null,
    [],
    'x',
    { ...statement, more: 1 },
    { ...statement, publicKey: '0x3a' },
    { ...statement, publicKey: `0x${'3A'.repeat(32)}` },
    { ...statement, registry: undefined },
    { ...statement, expiresAt: -1 },
    { ...statement, expiresAt: 1.5 },
    { ...statement, expiresAt: 2 ** 45 },
    { ...statement, chainId: '1' },
    { ...statement, signature: '0x' },
  ])('refuses %j', (value) => {
    expect(() => parsePrivateInputStatement(value)).toThrowError(
      expect.objectContaining({ code: 'PRIVATE_KEY_MALFORMED' }),
    )
  })
})
