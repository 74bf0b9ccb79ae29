import { describe, expect, it } from 'vitest'
import { asProvable, type ProvableRun, RunSeal } from '../../../src/core/prover/provable-run.js'
import { createProver } from '../../../src/core/prover/prove.js'
import { createSigner } from '../../../src/core/signer/signer.js'

const RUN: ProvableRun = {
  sp1: '3.4.0',
  elfHash: `0x${'01'.repeat(32)}`,
  vkey: `0x${'02'.repeat(32)}`,
  vkeyHash: `0x${'03'.repeat(32)}`,
  publicValues: '0x0405',
  exitCode: 0,
  cycles: 7,
}
const seal = new RunSeal(new Uint8Array(32).fill(1))
const prover = createProver({ signer: createSigner(new Uint8Array(32).fill(1)) })
/** What a store gives back: equal, and not the same. */
const stored = () => JSON.parse(JSON.stringify(RUN)) as ProvableRun

describe('a run', () => {
  it('that nobody executed is not signed, and not sealed', () => {
    expect(() => prover.sign(stored())).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(() => seal.seal(stored(), 'a')).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(prover.sign(asProvable(RUN))).toMatchObject({ publicValues: '0x0405' })
  })

  it('that was sealed is signed again, with the same result', () => {
    const opened = seal.open(stored(), 'job', seal.seal(asProvable(RUN), 'job'))
    expect(prover.sign(opened as ProvableRun)).toEqual(prover.sign(asProvable(RUN)))
  })

  it.each<[string, Partial<ProvableRun>]>([
    ['release', { sp1: '5.2.4' }],
    ['program', { elfHash: `0x${'11'.repeat(32)}` }],
    ['vkey', { vkey: `0x${'11'.repeat(32)}` }],
    ['vkeyHash', { vkeyHash: `0x${'11'.repeat(32)}` }],
    ['public values', { publicValues: '0x0406' }],
    ['cycles', { cycles: 8 }],
  ])('whose %s was changed does not open', (_what, change) => {
    const mac = seal.seal(asProvable(RUN), 'job')
    expect(seal.open({ ...stored(), ...change }, 'job', mac)).toBeUndefined()
  })

  it('does not open for another job, with another seal, or by another process', () => {
    const mac = seal.seal(asProvable(RUN), 'job')
    expect(seal.open(stored(), 'other job', mac)).toBeUndefined()
    expect(seal.open(stored(), 'job', '0x')).toBeUndefined()
    expect(seal.open(stored(), 'job', `0x${'00'.repeat(32)}`)).toBeUndefined()
    expect(new RunSeal(new Uint8Array(32).fill(2)).open(stored(), 'job', mac)).toBeUndefined()
  })
})
