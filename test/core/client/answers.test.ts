/** What a server answers that is no good: it is the server's fault, and steers no terminal. */
import { describe, expect, it } from 'vitest'
import { createClient } from '../../../src/core/client/client.js'
import { InputError } from '../../../src/core/errors.js'
import { collateralOf } from '../dcap/samples.js'
import {
  attest,
  ELF,
  listen,
  play,
  type Script,
  SIGNER,
  STDIN,
  signProof,
  TRUSTING,
} from './scripted.js'

const STEERING = '\u001b[2J\u009b2J'
const PROOF = signProof()

async function refusalOf(script: Script, options = {}) {
  const client = createClient(await listen(play(script)), options)
  return client.prove(ELF, STDIN).catch((error) => error)
}

/** Exit code 8, and a sentence that prints as it is. */
function expectServersFault(error: { code: string; exitCode: number; message: string }): void {
  expect([error.code, error.exitCode]).toEqual(['SERVER_ANSWER', 8])
  expect(error.message).not.toMatch(/\p{Cc}/u)
  expect(error.message).not.toContain('Pass ')
}

describe('a job', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['no state', { cycles: 1 }],
    ['an unknown state', { state: 'waiting' }],
    ['a state that steers the terminal', { state: STEERING }],
    ['no proof', { state: 'succeeded' }],
    ['a proof that is null', { state: 'succeeded', proof: null }],
    ['a short signature', { state: 'succeeded', proof: { ...PROOF, signature: '0x' } }],
    ['an unknown field', { state: 'succeeded', proof: { ...PROOF, [STEERING]: 1 } }],
    ['a release that steers', { state: 'succeeded', proof: { ...PROOF, sp1: STEERING } }],
    ['a release too long', { state: 'succeeded', proof: { ...PROOF, sp1: '3'.repeat(41) } }],
  ])('with %s is no usable answer', async (_name, job) => {
    const states: string[] = []
    const client = createClient(await listen(play({ job })))
    const onState = (state: string) => states.push(state)
    expectServersFault(await client.prove(ELF, STDIN, { onState }).catch((error) => error))
    expect(states).toEqual(['sending'])
  })

  it('with a release that nobody knows is none, either', async () => {
    const job = { state: 'succeeded', proof: signProof({ sp1: '9.9.9' }) }
    const vkeyOf = async () => {
      throw new InputError('RELEASE_UNKNOWN', { release: '9.9.9', known: '3.4.0' })
    }
    const error = await refusalOf({ job }, { vkeyOf })
    expectServersFault(error)
    expect(error.message).toContain('SP1 9.9.9 is not supported.')
  })

  it('with an id that steers the terminal is none, and nobody is told of it', async () => {
    const ids: string[] = []
    const script = { id: STEERING, job: { state: 'succeeded', proof: PROOF } }
    const client = createClient(await listen(play(script)))
    const onJob = (id: string) => ids.push(id)
    expectServersFault(await client.prove(ELF, STDIN, { onJob }).catch((error) => error))
    expect(ids).toEqual([])
  })

  it('of a problem with a code that nobody knows is told without what steers', async () => {
    const error = { code: STEERING, detail: STEERING }
    expectServersFault(await refusalOf({ job: { state: 'failed', error } }))
  })
})

describe('an attestation', () => {
  const job = { state: 'succeeded', proof: PROOF }
  const answer = { ...attest(), address: SIGNER.address }
  const statement = { publicKey: '0x', [STEERING]: 1 }

  it.each<[string, object, boolean]>([
    ['that is none', {}, false],
    ['with half a quote', { ...answer, quote: answer.quote.slice(0, 400) }, false],
    ['with a quote of another kind', { ...answer, quote: `0xff${answer.quote.slice(4)}` }, false],
    ['with half the collateral', { ...answer, collateral: { tcbInfo: STEERING } }, false],
    ['with a key that is none', { ...answer, privateInputs: statement }, true],
  ])('%s is no usable answer', async (_name, attestation, isPrivate) => {
    const client = createClient(await listen(play({ job, attestation })), TRUSTING)
    const options = { private: isPrivate }
    expectServersFault(await client.prove(ELF, STDIN, options).catch((error) => error))
  })

  it('that is refused says so without what steers the terminal', async () => {
    const hexOf = (text: string) => Buffer.from(text).toString('hex')
    const name = 'Intel SGX PCK Platform CA'
    const { pck_crl, ...others } = collateralOf()
    const otherName = hexOf('\u001b[2J'.padEnd(name.length))
    const collateral = { ...others, pck_crl: pck_crl.replace(hexOf(name), otherName) }
    expect(collateral.pck_crl).not.toBe(pck_crl)
    const error = await refusalOf({ job, attestation: { ...answer, collateral } }, TRUSTING)
    expect(error.message).not.toMatch(/\p{Cc}/u)
    expect(error.message).toContain('[2J')
    expect(error.code).toBe('SIGNER_REFUSED')
  })
})
