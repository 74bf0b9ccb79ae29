/**
 * What is never signed: the rules of docs/security.md by their names, each with runs that break it, in
 * both releases and every engine, through the function that `prove` and `serve` sign with.
 */
import { readFileSync } from 'node:fs'
import { blake3 } from '@noble/hashes/blake3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex, viewOf } from '../../../src/core/bytes.js'
import { ENGINES } from '../../../src/core/executor/engines.js'
import type { ExecuteLimits } from '../../../src/core/executor/execute.js'
import { releaseOf, SP1_VERSIONS, type Sp1Release } from '../../../src/core/executor/release.js'
import { whyUnprovable } from '../../../src/core/executor/soundness.js'
import { createProver, type ProveOptions } from '../../../src/core/prover/prove.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'
import { createSigner } from '../../../src/core/signer/signer.js'
import { elfOf, encode, li, TEXT_ADDRESS } from '../../support/assembler.js'

const [T0, T1, A0] = [5, 6, 10]
const DATA = 0x0030_0000
/** Never part of the program's image, so a hint may go there. */
const FRESH = 0x0040_0000
const PUBLIC_VALUES = Uint8Array.of(1, 2, 3, 4)

interface Refused {
  readonly name: string
  /** Instructions before the digest is committed and HALT is called. */
  readonly text?: (release: Sp1Release) => number[]
  /** Instead of the commitment and HALT. */
  readonly end?: (release: Sp1Release) => number[]
  readonly buffers?: readonly Hex[]
  readonly deferredProofs?: bigint
  readonly limits?: Partial<ExecuteLimits>
  /** UNPROVABLE unless SP1 itself refuses: then what it fails with, by release if they differ. */
  readonly code?: string | Readonly<Record<string, string>>
}

function call({ syscalls }: Sp1Release, name: string, ...args: number[]): number[] {
  const code = [...syscalls.values()].find((syscall) => syscall.name === name)?.code ?? 0
  return [...li(T0, code), ...args.flatMap((arg, i) => li(A0 + i, arg)), encode('ecall')]
}

/** WRITE has its length in a2. */
function write(release: Sp1Release, fd: number, address: number, byteCount: number): number[] {
  return call(release, 'WRITE', fd, address, byteCount)
}

function commit(release: Sp1Release, digest: Uint8Array): number[] {
  const view = viewOf(digest)
  return [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) =>
    call(release, 'COMMIT', i, view.getUint32(4 * i, true)),
  )
}

/** What every honest guest does at its end. */
function honestEnd(release: Sp1Release): number[] {
  return [...commit(release, sha256(PUBLIC_VALUES)), ...call(release, 'HALT', 0)]
}

function elfOfCase(release: Sp1Release, { text = () => [], end = honestEnd }: Partial<Refused>) {
  const publicValues = write(release, release.descriptors.publicValues, DATA, 4)
  return elfOf({
    text: [...publicValues, ...text(release), ...end(release)],
    segments: [{ address: DATA, contents: PUBLIC_VALUES, memoryBytes: 4096 }],
  })
}

const load = (address: number) => [...li(T1, address), encode('lw', { rd: 7, rs1: T1, imm: 0 })]
const haltsWith = (digest: Uint8Array) => (release: Sp1Release) => [
  ...commit(release, digest),
  ...call(release, 'HALT', 0),
]

const DIGEST_RULE =
  'the committed digest is not the SHA-256 (5.2.4: or BLAKE3) of the public values'

const RULES: Readonly<Record<string, readonly Refused[]>> = {
  "the guest's exit code is not 0": [
    { name: '1', end: (sp1) => call(sp1, 'HALT', 1), code: 'GUEST_EXIT' },
    { name: '2^32 - 1', end: (sp1) => call(sp1, 'HALT', 0xffff_ffff), code: 'GUEST_EXIT' },
    {
      name: 'with everything committed',
      end: (sp1) => [...commit(sp1, sha256(PUBLIC_VALUES)), ...call(sp1, 'HALT', 256)],
      code: 'GUEST_EXIT',
    },
  ],
  [DIGEST_RULE]: [
    { name: 'no digest', end: (sp1) => call(sp1, 'HALT', 0) },
    { name: 'of other bytes', end: haltsWith(sha256(Uint8Array.of(1, 2, 3, 5))) },
    { name: 'of fewer bytes', end: haltsWith(sha256(PUBLIC_VALUES.subarray(0, 3))) },
    { name: 'half a digest', end: (sp1) => honestEnd(sp1).slice(7 * 4) },
    { name: 'twice hashed', end: haltsWith(sha256(sha256(PUBLIC_VALUES))) },
    {
      name: 'public values after it',
      end: (sp1) => [
        ...commit(sp1, sha256(PUBLIC_VALUES)),
        ...write(sp1, sp1.descriptors.publicValues, DATA, 1),
        ...call(sp1, 'HALT', 0),
      ],
    },
  ],
  'a COMMIT word was set twice, differently': [
    { name: 'first wrong, then right', text: (sp1) => call(sp1, 'COMMIT', 7, 1) },
  ],
  'the run ended inside an unconstrained block': [
    { name: 'by its end', end: (sp1) => call(sp1, 'ENTER_UNCONSTRAINED'), code: 'GUEST_TRAP' },
    {
      name: 'by HALT',
      text: (sp1) => call(sp1, 'ENTER_UNCONSTRAINED'),
      end: (sp1) => call(sp1, 'HALT', 0),
      code: 'SYSCALL_INVALID',
    },
  ],
  'an unconstrained block was ended that had not begun': [
    { name: 'at once', text: (sp1) => call(sp1, 'EXIT_UNCONSTRAINED') },
  ],
  'the run left the program instead of calling HALT': [
    { name: 'behind its end', end: (sp1) => commit(sp1, sha256(PUBLIC_VALUES)) },
    {
      name: 'to address 0',
      end: (sp1) => [
        ...commit(sp1, sha256(PUBLIC_VALUES)),
        encode('jalr', { rd: 0, rs1: 0, imm: 0 }),
      ],
    },
  ],
  'deferred proofs: in the stdin, or a digest of them committed': [
    { name: 'one in the stdin', deferredProofs: 1n, code: 'STDIN_DEFERRED_PROOFS' },
    {
      name: 'one verified',
      text: (sp1) => call(sp1, 'VERIFY_SP1_PROOF', DATA, DATA),
      deferredProofs: 1n,
      code: 'STDIN_DEFERRED_PROOFS',
    },
    {
      name: 'none to verify',
      text: (sp1) => call(sp1, 'VERIFY_SP1_PROOF', DATA, DATA),
      code: 'SYSCALL_INVALID',
    },
    { name: 'a digest', text: (sp1) => call(sp1, 'COMMIT_DEFERRED_PROOFS', 7, 1) },
    {
      name: 'a digest, taken back',
      text: (sp1) => [0, 1, 0].flatMap((word) => call(sp1, 'COMMIT_DEFERRED_PROOFS', 0, word)),
    },
  ],
  'a jump to an address that is no multiple of 4': [
    {
      name: 'jalr',
      text: () => {
        // The calls before it are as long in every release.
        const next = TEXT_ADDRESS + 4 * (9 + 3)
        return [...li(T1, next + 2), encode('jalr', { rd: 0, rs1: T1, imm: 0 })]
      },
    },
  ],
  'an access to addresses 0 to 31, or beyond 0x78000000': [
    { name: 'registers', text: () => load(8), code: { '5.2.4': 'GUEST_TRAP' } },
    { name: 'the first address beyond', text: () => load(0x7800_0000) },
    {
      name: 'the next',
      text: () => load(0x7800_0004),
      code: { '5.2.4': 'MEMORY_OUT_OF_RANGE' },
    },
    { name: 'the last of all', text: () => load(0xffff_fffc), code: 'MEMORY_OUT_OF_RANGE' },
    {
      name: 'a hint into the registers',
      text: (sp1) => call(sp1, 'HINT_READ', 8, 4),
      buffers: ['0x01020304'],
    },
  ],
  'a hint read into memory that was in use, or stored to in part before it was loaded': [
    {
      name: 'in use',
      text: (sp1) => call(sp1, 'HINT_READ', DATA, 4),
      buffers: ['0x01020304'],
    },
    {
      name: 'stored to in part',
      text: (sp1) => [
        ...call(sp1, 'HINT_READ', FRESH, 4),
        ...li(T1, FRESH),
        encode('sb', { rs1: T1, rs2: 0, imm: 0 }),
      ],
      buffers: ['0x01020304'],
    },
  ],
  "a precompile call that SP1 executes and its chip cannot hold: pointers that are no multiple of 4, operands that overlap or are not reduced, and each chip's own exceptions":
    [
      {
        name: 'a misaligned pointer',
        text: (sp1) => call(sp1, 'KECCAK_PERMUTE', DATA + 1, 0),
        code: { '5.2.4': 'MEMORY_MISALIGNED' },
      },
      {
        name: 'operands that overlap',
        text: (sp1) => call(sp1, 'SHA_COMPRESS', DATA + 256, DATA + 256 + 4),
        code: { '3.4.0': 'SYSCALL_INVALID' },
      },
      {
        name: 'a point whose y is 0',
        text: (sp1) => call(sp1, 'SECP256K1_DOUBLE', DATA + 256, 0),
      },
      {
        name: 'points with the same x',
        text: (sp1) => [
          ...li(T1, DATA + 512 + 32),
          encode('sw', { rs1: T1, rs2: T1, imm: 0 }),
          ...call(sp1, 'SECP256K1_ADD', DATA + 256, DATA + 512),
        ],
      },
    ],
  "anything SP1's executor treats as an error or panic": [
    {
      name: 'an unknown syscall',
      text: () => [...li(T0, 0xff), encode('ecall')],
      code: 'SYSCALL_UNKNOWN',
    },
    { name: 'a breakpoint', text: () => [encode('ebreak')], code: 'GUEST_TRAP' },
    { name: 'fence', text: () => [encode('fence')], code: 'GUEST_TRAP' },
    { name: 'a misaligned load', text: () => load(DATA + 2), code: 'MEMORY_MISALIGNED' },
    { name: 'no input', text: (sp1) => call(sp1, 'HINT_READ', FRESH, 4), code: 'HINT_MISSING' },
    {
      name: 'input of another length',
      text: (sp1) => call(sp1, 'HINT_READ', FRESH, 4),
      buffers: ['0x010203'],
      code: 'HINT_LENGTH',
    },
    {
      name: 'a hint over a hint',
      text: (sp1) => [0, 0].flatMap(() => call(sp1, 'HINT_READ', FRESH, 4)),
      buffers: ['0x01020304', '0x01020304'],
      code: 'SYSCALL_INVALID',
    },
    {
      name: 'a digest word that there is not',
      text: (sp1) => call(sp1, 'COMMIT', 8, 0),
      code: 'SYSCALL_INVALID',
    },
    {
      name: 'a block in a block',
      text: (sp1) => [0, 0].flatMap(() => call(sp1, 'ENTER_UNCONSTRAINED')),
      code: 'SYSCALL_INVALID',
    },
    {
      name: 'a precompile in a block',
      text: (sp1) => [
        ...call(sp1, 'ENTER_UNCONSTRAINED'),
        ...call(sp1, 'KECCAK_PERMUTE', DATA + 256, 0),
      ],
      code: 'SYSCALL_INVALID',
    },
    {
      name: 'text that is not UTF-8',
      text: (sp1) => [
        ...li(T1, DATA),
        ...li(7, 0xff),
        encode('sb', { rs1: T1, rs2: 7, imm: 0 }),
        ...write(sp1, 1, DATA, 1),
      ],
      code: 'SYSCALL_INVALID',
    },
    {
      name: 'a hook that panics',
      text: (sp1) => write(sp1, [...sp1.descriptors.hooks.keys()][0] ?? 0, DATA, 4),
      code: 'HOOK_FAILED',
    },
  ],
  'a limit was hit before the end': [
    { name: 'cycles', limits: { cycles: 8 }, code: 'CYCLE_LIMIT' },
    { name: 'memory', limits: { memoryMib: 1 }, code: 'MEMORY_LIMIT' },
    { name: 'public values', limits: { publicValuesBytes: 3 }, code: 'OUTPUT_LIMIT' },
  ],
}

/** Proves with a signer that notes whether it was asked for. */
async function prove(elf: Uint8Array, sp1: string, refused: Partial<Refused>, more: object = {}) {
  let wasSigned = false
  const prover = createProver({
    signer: () => {
      wasSigned = true
      return createSigner(new Uint8Array(32).fill(7))
    },
    vkeys: new VkeyCache({
      compute: async () => ({
        sp1,
        elfHash: '0x',
        bytes32: `0x${'00'.repeat(32)}`,
        hashBytes: `0x${'00'.repeat(32)}`,
      }),
    }),
  })
  const { buffers = [], deferredProofs = 0n, limits = {} } = refused
  const options: ProveOptions = { sp1, limits: { memoryMib: 1920, ...limits }, ...more }
  const stdin = { buffers: buffers.map(fromHex), deferredProofs }
  const outcome = await prover.prove(elf, stdin, options).catch((error) => error)
  return { outcome, wasSigned }
}

it('every rule of docs/security.md has its tests here', () => {
  const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8')
  const section = page.split('## What is never signed')[1]?.split('\n## ')[0] ?? ''
  const rows = [...section.matchAll(/^\| (.*?) \| .* \|$/gm)].map(([, rule]) => rule)
  expect(rows.slice(1)).toEqual(Object.keys(RULES))
})

const CHOICES = SP1_VERSIONS.flatMap((sp1) => ENGINES.map((engine) => [sp1, engine] as const))

describe.each(CHOICES)('SP1 %s, %s', (version, engine) => {
  const release = releaseOf(version)

  it('signs an honest run', async () => {
    const { outcome, wasSigned } = await prove(elfOfCase(release, {}), version, {}, { engine })
    expect([outcome.publicValues, wasSigned]).toEqual(['0x01020304', true])
  })

  it('signs a run that commits to the same digest twice', async () => {
    const text = (sp1: Sp1Release) => commit(sp1, sha256(PUBLIC_VALUES))
    const elf = elfOfCase(release, { text })
    expect((await prove(elf, version, {}, { engine })).wasSigned).toBe(true)
  })

  it('takes a BLAKE3 digest if its verifiers do', async () => {
    const elf = elfOfCase(release, { end: haltsWith(blake3(PUBLIC_VALUES)) })
    const { outcome, wasSigned } = await prove(elf, version, {}, { engine })
    const takesBlake3 = release.publicValuesDigests.some(({ name }) => name === 'BLAKE3')
    expect(wasSigned).toBe(takesBlake3)
    expect(outcome.code).toBe(takesBlake3 ? undefined : 'UNPROVABLE')
  })

  it('does not sign a run with deferred proofs for a caller who asks for it', async () => {
    const more = { engine, unverifiedDeferredProofs: true }
    const stdin = { deferredProofs: 1n }
    const { outcome, wasSigned } = await prove(elfOfCase(release, {}), version, stdin, more)
    expect([outcome.code, wasSigned]).toEqual(['STDIN_DEFERRED_PROOFS', false])
  })

  describe.each(Object.entries(RULES))('%s', (rule, runs) => {
    it.each(runs.map((run) => [run.name, run] as const))('%s', async (_name, run) => {
      const { outcome, wasSigned } = await prove(elfOfCase(release, run), version, run, { engine })
      const { code = 'UNPROVABLE' } = run
      const expected = typeof code === 'string' ? code : (code[version] ?? 'UNPROVABLE')
      expect([outcome.code, wasSigned]).toEqual([expected, false])
      // The run went on to its end, so what stopped it is the rule and no other.
      const isDigest = /^the committed digest is not/.test(outcome.details.reason)
      expect(isDigest).toBe(rule === DIGEST_RULE)
    })
  })
})

describe('whyUnprovable', () => {
  const EMPTY_DIGEST = [
    0x42c4b0e3, 0x141cfc98, 0xc8f4fb9a, 0x24b96f99, 0xe441ae27, 0x4c939b64, 0x1b9995a4, 0x55b85278,
  ]
  const provable = {
    unprovable: undefined,
    deferredProofs: 0n,
    hasHalted: true,
    publicValues: new Uint8Array(),
    digests: [{ name: 'SHA-256', hash: sha256 }],
    committedDigest: Uint32Array.from(EMPTY_DIGEST),
    deferredDigest: new Uint32Array(8),
  }

  it('finds nothing wrong with a run that halted with the right digest', () => {
    expect(whyUnprovable(provable)).toBeUndefined()
  })

  it.each([
    ['what the engine met', { unprovable: 'a reason' }, /^a reason$/],
    ['an end without HALT', { hasHalted: false }, /instead of by HALT/],
    ['no digest', { committedDigest: new Uint32Array(8) }, /is not the SHA-256/],
    ['other public values', { publicValues: Uint8Array.of(0) }, /is not the SHA-256/],
    [
      'one wrong digest bit',
      { committedDigest: Uint32Array.from(EMPTY_DIGEST, (word, i) => word ^ (i === 7 ? 1 : 0)) },
      /is not the SHA-256/,
    ],
    ['deferred proofs in the stdin', { deferredProofs: 1n }, /deferred proofs/],
    [
      'a digest of deferred proofs',
      { deferredDigest: Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 1) },
      /deferred proofs/,
    ],
  ])('reports %s', (_name, change, reason) => {
    expect(whyUnprovable({ ...provable, ...change })).toMatch(reason)
  })
})
