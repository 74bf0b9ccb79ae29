/**
 * Opens web3 keystores of version 3, as Foundry and geth write them: scrypt or PBKDF2, AES-128-CTR,
 * and a keccak256 that tells a wrong password.
 * Source: Ethereum's Web3 Secret Storage Definition.
 */
import { createDecipheriv } from 'node:crypto'
import { pbkdf2Async } from '@noble/hashes/pbkdf2.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, equalBytes, fromHex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'

const DERIVED_BYTES = 32
/** scrypt needs 128 · n · r bytes; 1 GiB is four times what any wallet asks for. */
const MAX_SCRYPT_BYTES = 2 ** 30
const MAX_PBKDF2_ROUNDS = 10_000_000

/**
 * @param path - for errors only
 * @returns the secret key, 32 bytes
 * @throws InputError `KEYSTORE_MALFORMED`, `KEYSTORE_PASSWORD`
 */
export async function openKeystore(
  bytes: Uint8Array,
  password: string,
  path: string,
): Promise<Uint8Array> {
  const malformed = (reason: string): never => {
    throw new InputError('KEYSTORE_MALFORMED', { path, reason })
  }
  const field = (value: unknown, name: string): Record<string, unknown> =>
    typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : malformed(`has no ${name}`)
  const hex = (value: unknown, name: string): Uint8Array =>
    isHex(`0x${value}`) ? fromHex(`0x${value}` as const) : malformed(`has no hex in ${name}`)
  const count = (value: unknown, name: string, max: number): number =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) <= max
      ? (value as number)
      : malformed(`has a ${name} out of range`)

  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    malformed('is no JSON')
  }
  const file = field(parsed, 'object')
  if (file.version !== 3) malformed('is not of version 3')
  const crypto = field(file.crypto ?? file.Crypto, 'crypto')
  const params = field(crypto.kdfparams, 'kdfparams')
  const salt = hex(params.salt, 'salt')
  if (params.dklen !== DERIVED_BYTES) malformed('has a dklen that is not 32')
  if (crypto.cipher !== 'aes-128-ctr') malformed('has another cipher than aes-128-ctr')

  let derived: Uint8Array
  if (crypto.kdf === 'scrypt') {
    const [N, r, p] = [
      count(params.n, 'n', 2 ** 24),
      count(params.r, 'r', 1024),
      count(params.p, 'p', 1024),
    ]
    if (128 * N * r > MAX_SCRYPT_BYTES) malformed('asks for more than 1 GiB of memory')
    derived = await scryptAsync(password, salt, { N, r, p, dkLen: DERIVED_BYTES })
  } else if (crypto.kdf === 'pbkdf2' && params.prf === 'hmac-sha256') {
    const c = count(params.c, 'c', MAX_PBKDF2_ROUNDS)
    derived = await pbkdf2Async(sha256, password, salt, { c, dkLen: DERIVED_BYTES })
  } else {
    return malformed('has an unknown kdf')
  }
  const ciphertext = hex(crypto.ciphertext, 'ciphertext')
  const mac = keccak_256(concatBytes(derived.subarray(16), ciphertext))
  if (!equalBytes(mac, hex(crypto.mac, 'mac'))) throw new InputError('KEYSTORE_PASSWORD', { path })
  const iv = hex(field(crypto.cipherparams, 'cipherparams').iv, 'iv')
  if (iv.length !== 16) malformed('has an iv that is not 16 bytes')
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  return new Uint8Array(decipher.update(ciphertext))
}
