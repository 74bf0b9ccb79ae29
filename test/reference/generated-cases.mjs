// Cases that nobody would write by hand: hooks and real programs, with random inputs from a seed.
//
//   generated-cases.mjs     writes test/vectors/guests/generated-cases.json
import { checkPrimeSync, createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { invert, pow } from '@noble/curves/abstract/modular.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'

const SEED = 'sp1-tee cases 1'
const ED_P = 2n ** 255n - 19n
const BLS_P = bls12_381.G1.Point.Fp.ORDER
const RANDOM_PER_HOOK = 12

let draws = 0
/** The next bytes of a stream that is the same on every machine. */
function random(byteCount) {
  const parts = []
  for (let size = 0; size < byteCount; size += 32) {
    parts.push(createHash('sha256').update(`${SEED}/${draws++}`).digest())
  }
  return Buffer.concat(parts).subarray(0, byteCount)
}
const randomBelow = (max) => BigInt(`0x${random(80).toString('hex')}`) % max
const BE = (n, length) =>
  Buffer.from(
    n
      .toString(16)
      .padStart(2 * length, '0')
      .slice(-2 * length),
    'hex',
  )
const LE = (n, length) => BE(n, length).reverse()
const u32BE = (n) => BE(BigInt(n), 4)
const fdBytes = (fd) => LE(BigInt(fd), 4)
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i))

const cases = []
const add = (name, guest, buffers, about) =>
  cases.push({
    name: `${guest}/${name}`,
    guest,
    buffers: buffers.map((buffer) => Buffer.from(buffer).toString('hex')),
    ...(about && { about }),
  })
const hook = (fd, name, input, about) =>
  add(`${fd}-${name}`, 'hooks', [fdBytes(fd), input, Buffer.from('the end')], about)

recoveryHooks()
pointHooks()
witnessHooks()
fieldHooks()
rsaHook()
programs()
const rows = cases.map((row) => `  ${JSON.stringify(row)}`).join(',\n')
const path = join(import.meta.dirname, '../vectors/guests/generated-cases.json')
writeFileSync(path, `[\n${rows}\n]\n`)
process.stdout.write(`wrote ${cases.length} cases\n`)

function signed(digest, key = random(32)) {
  const [recovery, ...compact] = secp256k1.sign(digest, key, {
    prehash: false,
    format: 'recovered',
  })
  return { r: Buffer.from(compact.slice(0, 32)), s: Buffer.from(compact.slice(32)), recovery }
}

/** Descriptors 5 and 7 of 3.4.0: r ‖ s ‖ recovery id ‖ hash. */
function recoveryHooks() {
  const order = secp256k1.Point.Fn.ORDER
  const byte = (n) => Buffer.of(n)
  for (const fd of [5, 7]) {
    times(RANDOM_PER_HOOK, (i) => {
      const digest = random(32)
      const { r, s, recovery } = signed(digest)
      hook(fd, `random-${i}`, Buffer.concat([r, s, byte(recovery), digest]))
    })
    const digest = random(32)
    const { r, s, recovery } = signed(digest)
    const of = (parts) => Buffer.concat(parts)
    const high = BE(order - BigInt(`0x${s.toString('hex')}`), 32)
    hook(fd, 'high-s', of([r, high, byte(recovery ^ 1), digest]), 's is brought below n/2')
    for (const id of [recovery ^ 1, 2, 3, 4, 27, 255]) {
      hook(fd, `recovery-${id}`, of([r, s, byte(id), digest]))
    }
    hook(fd, 'r-0', of([BE(0n, 32), s, byte(0), digest]))
    hook(fd, 'r-order', of([BE(order, 32), s, byte(0), digest]))
    hook(fd, 's-0', of([r, BE(0n, 32), byte(0), digest]))
    hook(fd, 's-order', of([r, BE(order, 32), byte(0), digest]))
    times(4, (i) =>
      hook(
        fd,
        `r-any-${i}`,
        of([BE(randomBelow(order), 32), s, byte(i), digest]),
        'half of all r are the x of no point',
      ),
    )
    hook(fd, 'hash-0', of([r, s, byte(recovery), BE(0n, 32)]))
    hook(fd, 'hash-max', of([r, s, byte(recovery), Buffer.alloc(32, 255)]))
    hook(fd, 'short', of([r, s, byte(recovery), digest]).subarray(1))
    hook(fd, 'long', of([r, s, byte(recovery), digest, byte(0)]))
    hook(fd, 'empty', of([]))
  }
}

/** Descriptor 8 of 3.4.0: a compressed Edwards point. */
function pointHooks() {
  times(RANDOM_PER_HOOK, (i) => hook(8, `random-${i}`, random(32)))
  times(4, (i) => hook(8, `point-${i}`, ed25519.getPublicKey(random(32))))
  for (const [name, y] of Object.entries({
    0: 0n,
    1: 1n,
    2: 2n,
    'p-1': ED_P - 1n,
    p: ED_P,
    'p+1': ED_P + 1n,
    max: 2n ** 255n - 1n,
  })) {
    hook(8, `y-${name}`, LE(y, 32))
    hook(8, `y-${name}-signed`, LE(y + 2n ** 255n, 32))
  }
  for (const length of [0, 31, 33]) hook(8, `length-${length}`, random(length))
}

/** Descriptors 15 and 16 of 5.2.4: what shows that there is, or is not, a point. */
function witnessHooks() {
  const curves = { k1: [1, secp256k1.Point], r1: [2, p256.Point] }
  for (const [curve, [id, Point]] of Object.entries(curves)) {
    const { Fp, Fn } = Point
    const { a, b } = Point.CURVE()
    const alphaOf = (r) => (r ** 3n + a * r + b) % Fp.ORDER
    const ask = (name, head, r, alpha, about) =>
      hook(
        15,
        `${curve}-${name}`,
        Buffer.concat([Buffer.of(head), BE(r, 32), BE(alpha, 32)]),
        about,
      )
    times(RANDOM_PER_HOOK, (i) => {
      const r = randomBelow(Fn.ORDER)
      ask(`random-${i}`, id | ((i % 2) << 7), r, alphaOf(r))
    })
    const r = randomBelow(Fn.ORDER)
    ask('alpha-0', id, r, 0n)
    ask('alpha-0-odd', id | 0x80, r, 0n)
    ask('alpha-1', id, r, 1n)
    ask('alpha-4-odd', id | 0x80, r, 4n)
    ask('alpha-p-1', id, r, Fp.ORDER - 1n)
    ask('alpha-p', id, r, Fp.ORDER)
    ask('alpha-max', id, r, 2n ** 256n - 1n)
    ask('r-0', id, 0n, 4n)
    ask('r-0-no-root', id, 0n, Fp.ORDER - 4n, 'r is looked at only if there is a root')
    ask('r-order', id, Fn.ORDER, 4n)
    ask('r-order-no-root', id, Fn.ORDER, Fp.ORDER - 4n)
    ask('r-order-1', id, Fn.ORDER - 1n, 4n)
    ask('r-p', id, Fp.ORDER, 4n)
  }
  for (const id of [0, 3, 127]) hook(15, `curve-${id}`, Buffer.concat([Buffer.of(id), random(64)]))
  for (const length of [0, 64, 66])
    hook(
      15,
      `length-${length}`,
      Buffer.concat([Buffer.of(1), Buffer.alloc(65)]).subarray(0, length),
    )

  const d = (-121_665n * invert(121_666n, ED_P)) % ED_P
  const vOf = (y) => (((y * y * d + 1n) % ED_P) + ED_P) % ED_P
  times(RANDOM_PER_HOOK, (i) => {
    const y = randomBelow(ED_P)
    hook(16, `random-${i}`, Buffer.concat([LE(y + BigInt(i % 2) * 2n ** 255n, 32), LE(vOf(y), 32)]))
  })
  for (const [name, y] of Object.entries({
    0: 0n,
    1: 1n,
    2: 2n,
    'p-1': ED_P - 1n,
    p: ED_P,
    max: 2n ** 255n - 1n,
  })) {
    hook(16, `y-${name}`, Buffer.concat([LE(y, 32), LE(vOf(y), 32)]))
  }
  const y = LE(randomBelow(ED_P), 32)
  for (const [name, v] of Object.entries({
    0: 0n,
    1: 1n,
    2: 2n,
    'p-1': ED_P - 1n,
    p: ED_P,
    max: 2n ** 256n - 1n,
  })) {
    hook(16, `v-${name}`, Buffer.concat([y, LE(v, 32)]))
  }
  hook(16, 'v-none', y)
  hook(16, 'v-long', Buffer.concat([y, LE(5n, 40)]))
  hook(16, 'short', y.subarray(1))
  hook(16, 'empty', Buffer.alloc(0))
}

/** Descriptors 18 to 21 of 5.2.4. */
function fieldHooks() {
  const neighbours = {
    0: 0n,
    1: 1n,
    2: 2n,
    4: 4n,
    'p-1': BLS_P - 1n,
    p: BLS_P,
    'p+1': BLS_P + 1n,
    'p+3': BLS_P + 3n,
    max: 2n ** 384n - 1n,
  }
  for (const fd of [18, 19]) {
    times(RANDOM_PER_HOOK, (i) => hook(fd, `random-${i}`, BE(randomBelow(BLS_P), 48)))
    for (const [name, n] of Object.entries(neighbours)) hook(fd, `element-${name}`, BE(n, 48))
    hook(fd, 'short', random(47))
    hook(fd, 'long', Buffer.concat([BE(9n, 48), random(3)]))
    hook(fd, 'empty', Buffer.alloc(0))
  }
  const fields = {
    secp256k1: [secp256k1.Point.Fp.ORDER, 3n],
    ed25519: [ED_P, 2n],
    'bn254-scalars': [bn254.fields.Fr.ORDER, 5n],
    'bls12381-scalars': [bls12_381.fields.Fr.ORDER, 7n],
    bls12381: [BLS_P, 2n],
    7: [7n, 3n],
    13: [13n, 2n],
    17: [17n, 3n],
    97: [97n, 5n],
  }
  const ask = (fd, name, length, ...numbers) =>
    hook(fd, name, Buffer.concat([u32BE(length), ...numbers.map((n) => BE(n, length))]))
  for (const [name, [p, nonSquare]] of Object.entries(fields)) {
    const length = Math.ceil(p.toString(16).length / 2)
    times(p > 100n ? 5 : 3, (i) => {
      const element = randomBelow(p)
      ask(20, `${name}-random-${i}`, length, element, p, nonSquare)
      ask(21, `${name}-random-${i}`, length, element === 0n ? 1n : element, p)
    })
    for (const [which, element] of Object.entries({ 0: 0n, 1: 1n, 4: 4n, 'p-1': p - 1n, p })) {
      ask(20, `${name}-${which}`, length, element, p, nonSquare)
      ask(21, `${name}-${which}`, length, element, p)
    }
    ask(20, `${name}-square-as-non-square`, length, nonSquare, p, 4n)
    ask(20, `${name}-non-square-0`, length, nonSquare, p, 0n)
    ask(20, `${name}-non-square-p`, length, 4n, p, p)
  }
  for (const modulus of [0n, 1n, 2n, 10n, 15n, 21n]) {
    ask(
      20,
      `modulus-${modulus}`,
      32,
      modulus > 3n ? 3n : modulus - (modulus > 0n ? 1n : 0n),
      modulus,
      modulus > 2n ? 2n : 0n,
    )
    ask(21, `modulus-${modulus}`, 32, 3n, modulus)
  }
  ask(21, 'element-above', 1, 200n, 13n)
  ask(21, 'padded', 64, 5n, 13n)
  for (const fd of [20, 21]) {
    hook(fd, 'empty', Buffer.alloc(0))
    hook(fd, 'no-length', random(3))
    hook(fd, 'length-0', u32BE(0))
    hook(fd, 'short', Buffer.concat([u32BE(32), random(63)]))
    hook(fd, 'long', Buffer.concat([u32BE(1), random(5)]))
  }
}

/** Descriptor 17 of 5.2.4. */
function rsaHook() {
  const ask = (name, product, modulus) =>
    hook(17, name, Buffer.concat([LE(product, 512), LE(modulus, 256)]))
  const max = 2n ** 2048n
  const wide = () => BigInt(`0x${random(256).toString('hex')}`)
  times(RANDOM_PER_HOOK, (i) => {
    const modulus = wide()
    ask(`random-${i}`, (wide() % modulus) * (wide() % modulus), modulus)
  })
  ask('modulus-0', 5n, 0n)
  ask('modulus-1', max - 1n, 1n)
  ask('wide-quotient', max * max - 1n, 3n)
  ask('product-0', 0n, 7n)
  ask('product-below', 6n, 7n)
  ask('product-equal', 7n, 7n)
  hook(17, 'short', random(767))
  hook(17, 'long', random(769))
}

function programs() {
  times(3, (i) => {
    const message = Buffer.from(`message ${i}`)
    const { r, s, recovery } = signed(keccak_256(message))
    const signature = Buffer.concat([r, s, Buffer.of(recovery)])
    add(`message-${i}`, 'ecrecover', [message, signature])
    if (i === 0)
      add('other-recovery-id', 'ecrecover', [
        message,
        Buffer.concat([r, s, Buffer.of(recovery ^ 1)]),
      ])
    if (i === 1) add('recovery-id-9', 'ecrecover', [message, Buffer.concat([r, s, Buffer.of(9)])])
  })
  times(3, (i) => {
    const key = random(32)
    const message = random(32 * i)
    const signature = ed25519.sign(message, key)
    add(`message-${i}`, 'ed25519', [ed25519.getPublicKey(key), message, signature])
    if (i === 2) add('other-message', 'ed25519', [ed25519.getPublicKey(key), random(8), signature])
  })
  for (const depth of [0, 1, 20]) add(`depth-${depth}`, 'merkle', [random(52), random(32 * depth)])
  add('odd-siblings', 'merkle', [random(52), random(33)])
  const document = JSON.stringify({
    list: times(40, (i) => ({ id: i, name: `é${i}`, ratio: i / 7 })),
    deep: { a: [null, true, -1.5e-7] },
  })
  for (const pointer of ['', '/list/7/name', '/list/39/ratio', '/deep/a/2', '/missing']) {
    add(`pointer-${pointer.replaceAll('/', '.')}`, 'json', [
      Buffer.from(document),
      Buffer.from(pointer),
    ])
  }
  add('malformed', 'json', [Buffer.from('{"a":[1,2'), Buffer.from('')])
  const text = times(
    30,
    (i) => `user${i}@host${i % 4}.example on 2026-0${(i % 9) + 1}-1${i % 10}`,
  ).join('; ')
  for (const [name, expression] of Object.entries({
    mail: '[a-z0-9]+@[a-z0-9]+\\.example',
    date: '(\\d{4})-(\\d{2})-(\\d{2})',
    alternatives: 'user(1|2)+@|host3',
    nothing: '^$',
    invalid: '(',
  })) {
    add(name, 'pattern', [Buffer.from(expression), Buffer.from(text)])
  }
  for (const bits of [1024, 2048]) rsaSignature(bits)
}

function rsaSignature(bits) {
  const prime = () => {
    for (;;) {
      const candidate =
        BigInt(`0x${random(bits / 16).toString('hex')}`) | (3n << BigInt(bits / 2 - 2)) | 1n
      if (candidate % 65_537n !== 1n && checkPrimeSync(candidate)) return candidate
    }
  }
  const [p, q] = [prime(), prime()]
  const modulus = p * q
  const d = invert(65_537n, (p - 1n) * (q - 1n))
  const message = Buffer.from(`RSA-${bits}`)
  const digest = createHash('sha256').update(message).digest('hex')
  const info = `3031300d060960864801650304020105000420${digest}`
  const block = `0001${'ff'.repeat(bits / 8 - 3 - info.length / 2)}00${info}`
  const signature = BE(pow(BigInt(`0x${block}`), d, modulus), bits / 8)
  add(`${bits}`, 'rsa', [BE(modulus, bits / 8), message, signature])
  add(`${bits}-other-message`, 'rsa', [BE(modulus, bits / 8), Buffer.from('another'), signature])
}
