// The inputs of the benchmarks, each as SP1 keeps it: an SP1Stdin in bincode.
//
//   inputs.mjs            writes inputs/CASE.bin; the same bytes on every machine
//   inputs.mjs --check    changes nothing; fails if a committed one differs
import { checkPrimeSync, createHash, createPrivateKey, sign } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { invert } from '@noble/curves/abstract/modular.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'

const SEED = 'sp1-tee bench 1'
const FOLDER = join(import.meta.dirname, 'inputs')
const SIGNATURES = 10
const RSA_BITS = 2048
const RSA_EXPONENT = 65_537n

let draws = 0
/** The next bytes of a stream that is the same on every machine. */
function random(byteCount) {
  const parts = []
  for (let size = 0; size < byteCount; size += 32) {
    parts.push(createHash('sha256').update(`${SEED}/${draws++}`).digest())
  }
  return Buffer.concat(parts).subarray(0, byteCount)
}
const randomBelow = (max) => random(4).readUInt32LE() % max
const pick = (list) => list[randomBelow(list.length)]
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i))

const u32 = (...numbers) => Buffer.from(Uint32Array.from(numbers).buffer)
const u64 = (number) => Buffer.from(BigUint64Array.of(BigInt(number)).buffer)
const bytesBE = (n) => Buffer.from(n.toString(16).padStart(RSA_BITS / 4, '0'), 'hex')

const INPUTS = {
  'fibonacci-small': [u32(10)],
  fibonacci: [u32(10_000_000)],
  sha256: [u32(1, 2 ** 20)],
  sorting: [u32(1, 10_000)],
  json: [jsonDocument(), Buffer.from('/orders/321/lines/1/price')],
  regex: [
    Buffer.from(
      String.raw`(?i)\b(\p{Lu}[\p{L}\d]+)@([\p{Greek}a-z]+)\.(com|org|ελ)\b|\d{4}-\d\d-\d\d`,
    ),
    Buffer.from(logText()),
  ],
  'connect-four': [Buffer.from('33325242'), u32(8)],
  rsa: rsaSignature(),
  evm: [
    transfersContract(),
    Buffer.concat([Buffer.alloc(28), Buffer.of(0, 0, 2, 0)]),
    u64(30_000_000),
  ],
  ed25519: [u32(SIGNATURES), ...times(SIGNATURES, ed25519Signature)],
  secp256k1: [u32(SIGNATURES), ...times(SIGNATURES, secp256k1Signature)],
  bn254: [u32(20, 0x2545f491)],
  bls12381: [u32(20, 0x2545f491)],
  merkle: [u32(8)],
  'curve-additions': [u32(70_000, 30_000, 10_000, 10_000)],
}

function jsonDocument() {
  const line = () => ({
    item: `item-${randomBelow(1000)}`,
    count: 1 + randomBelow(9),
    price: randomBelow(100_000) / 100,
    isGift: randomBelow(2) === 1,
    note: pick([null, 'fragile', 'left at the “blue” door', 'tab\tand \\ and é']),
  })
  const order = (id) => ({ id, time: 1_700_000_000 + id, lines: times(2 + randomBelow(2), line) })
  return Buffer.from(JSON.stringify({ shop: 'bench', orders: times(400, order) }))
}

function logText() {
  const names = ['alice', 'Bob7', 'Žofie', 'Ωmega', 'дима', '李', 'x']
  const hosts = ['example.com', 'δοκιμή.ελ', 'site.org', 'nowhere.invalid', 'no-host']
  const entry = (i) =>
    `${pick(['2026-11-25', '25/11/26'])} ${pick(names)}@${pick(hosts)} took ${i * 7} µs, ${pick(names)} slept`
  return times(120, entry).join('\n')
}

/** Sends `i` from account i to account 7 i + 1 (modulo 16), for i from the argument down to 1. */
function transfersContract() {
  const balanceSlot = 'PUSH0 MSTORE PUSH1 40 PUSH0 KECCAK256'
  return assemble(`
    PUSH1 10
    mint:
      PUSH1 01 SWAP1 SUB
      DUP1 ${balanceSlot} PUSH4 ffffffff SWAP1 SSTORE
      DUP1 PUSH2 :mint JUMPI
    POP
    PUSH0 CALLDATALOAD
    transfer:
      DUP1 PUSH1 0f AND ${balanceSlot}
      DUP1 SLOAD
      DUP3 DUP2 LT PUSH2 :fail JUMPI
      DUP3 SWAP1 SUB SWAP1 SSTORE
      DUP1 PUSH1 07 MUL PUSH1 01 ADD PUSH1 0f AND ${balanceSlot}
      DUP1 SLOAD DUP3 ADD SWAP1 SSTORE
      DUP1 PUSH1 20 PUSH0 LOG1
      PUSH1 01 SWAP1 SUB
      DUP1 PUSH2 :transfer JUMPI
    PUSH0 ${balanceSlot} SLOAD PUSH0 MSTORE
    PUSH1 20 PUSH0 RETURN
    fail:
      PUSH0 PUSH0 REVERT`)
}

/** EVM code of its mnemonics; operands are hex or :label, and a label is a JUMPDEST. */
function assemble(text) {
  // biome-ignore format: the numbers of the Yellow Paper, by tens
  const CODES = {
    ADD: 0x01, MUL: 0x02, SUB: 0x03, LT: 0x10, AND: 0x16, KECCAK256: 0x20, CALLDATALOAD: 0x35,
    POP: 0x50, MSTORE: 0x52, SLOAD: 0x54, SSTORE: 0x55, JUMPI: 0x57, PUSH0: 0x5f, PUSH1: 0x60,
    PUSH2: 0x61, PUSH4: 0x63, DUP1: 0x80, DUP2: 0x81, DUP3: 0x82, SWAP1: 0x90, LOG1: 0xa1,
    RETURN: 0xf3, REVERT: 0xfd,
  }
  const JUMPDEST = 0x5b
  const code = []
  const labels = new Map()
  const jumps = []
  for (const word of text.trim().split(/\s+/)) {
    if (word.endsWith(':')) {
      labels.set(word.slice(0, -1), code.length)
      code.push(JUMPDEST)
    } else if (word.startsWith(':')) {
      jumps.push({ at: code.length, label: word.slice(1) })
      code.push(0, 0)
    } else if (word in CODES) {
      code.push(CODES[word])
    } else {
      code.push(...Buffer.from(word, 'hex'))
    }
  }
  const bytes = Buffer.from(code)
  for (const { at, label } of jumps) bytes.writeUInt16BE(labels.get(label), at)
  return bytes
}

function ed25519Signature(index) {
  const key = random(32)
  const message = random(40 + 30 * index)
  const signature = Buffer.from(ed25519.sign(message, key))
  // The last one does not verify.
  if (index === SIGNATURES - 1) message[0] ^= 1
  return Buffer.concat([ed25519.getPublicKey(key), signature, message])
}

function secp256k1Signature(index) {
  const message = random(40 + 30 * index)
  const [recovery, ...compact] = secp256k1.sign(keccak_256(message), random(32), {
    prehash: false,
    format: 'recovered',
  })
  return Buffer.concat([Buffer.from(compact), Buffer.of(recovery), message])
}

function rsaSignature() {
  const [p, q] = times(2, () => randomPrime(RSA_BITS / 2))
  const modulus = p * q
  const d = invert(RSA_EXPONENT, (p - 1n) * (q - 1n))
  const numbers = { n: modulus, e: RSA_EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n) }
  const base64 = (n) =>
    Buffer.from(n.toString(16).replace(/^(.(..)*)$/, '0$1'), 'hex').toString('base64url')
  const parts = Object.entries({ ...numbers, qi: invert(q, p) }).map(([k, n]) => [k, base64(n)])
  const key = createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(parts) }, format: 'jwk' })
  const message = random(100)
  return [bytesBE(modulus), message, sign('sha256', message, key)]
}

/** With the two highest bits set, so that a product of two has twice as many. */
function randomPrime(bits) {
  const top = 3n << BigInt(bits - 2)
  let candidate = top | BigInt(`0x${random(bits / 8).toString('hex')}`) | 1n
  while (!checkPrimeSync(candidate)) candidate += 2n
  return candidate
}

/** u64 count, each buffer as u64 length and bytes, u64 read position, u64 number of proofs. */
function encodeStdin(buffers) {
  const bodies = buffers.flatMap((buffer) => [u64(buffer.length), buffer])
  return Buffer.concat([u64(buffers.length), ...bodies, u64(0), u64(0)])
}

mkdirSync(FOLDER, { recursive: true })
for (const [name, buffers] of Object.entries(INPUTS)) {
  const path = join(FOLDER, `${name}.bin`)
  const bytes = encodeStdin(buffers)
  if (process.argv[2] !== '--check') writeFileSync(path, bytes)
  else if (!readFileSync(path).equals(bytes))
    throw new Error(`${path} is not what its recipe makes`)
}
process.stdout.write(`${Object.keys(INPUTS).length} inputs\n`)
