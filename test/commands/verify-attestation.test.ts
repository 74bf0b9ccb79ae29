/** `verify PROOF --policy`: the signer's attestation as the trust anchor. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, cliJson, guestElf } from '../support/cli.js'

const FIBONACCI = guestElf('fibonacci')
let folder: string
let anchor: string[]
const at = (name: string) => join(folder, name)
const state = (name: string) => ['--state-dir', at(name)]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-verify-attestation-'))
  const simulated = ['--provider', 'simulated', ...state('state')]
  const files = ['--out', at('q.bin'), '--collateral-out', at('c.json')]
  const attested = await cli(['attest', ...simulated, ...files, '--json'])
  await writeFile(at('a.json'), attested.stdout)
  const { stdout: policy } = await cli(['quote', 'measure', at('q.bin')])
  await writeFile(at('policy.yaml'), policy)
  await prove('proof.json', 'state')
  anchor = ['--policy', at('policy.yaml'), '--collateral', at('c.json')]
  anchor.push('--root', at('state/simulated/root.pem'))
})
afterAll(() => rm(folder, { recursive: true }))

function prove(name: string, stateName: string, ...flags: string[]) {
  const key = [...state(stateName), '--insecure-key-on-disk']
  const out = ['--out', at(name)]
  return cliJson(['prove', FIBONACCI, '--input', '0x0a000000', ...key, ...out, ...flags])
}

const verify = (name: string, ...flags: string[]) => cliJson(['verify', at(name), ...flags])
const failed = ({ json }: { json: { checks: { name: string; ok: boolean }[] } }) =>
  json.checks.filter(({ ok }) => !ok).map(({ name }) => name)

describe('verify with a policy', () => {
  it('accepts a proof whose signer is attested to, and says that it is simulated', async () => {
    const run = await verify('proof.json', ...anchor, '--attestation', at('a.json'))
    expect(run.exitCode).toBe(0)
    expect(run.json).toMatchObject({ valid: true, simulated: true })
    const names = run.json.checks.map(({ name }: { name: string }) => name)
    expect(names).toContain('quote.policy.workload')
    expect(names.slice(-2)).toEqual(['quote.reportData', 'trustAnchor'])
    expect(run.json.checks.at(-1).detail).toBe('the attestation under the policy')
    expect(run.stderr).toBe('')
  })

  it('accepts a proof that carries its attestation, and its collateral', async () => {
    const made = await prove('carried.json', 'state', '--attestation', at('a.json'))
    expect(made.json).toMatchObject({
      simulated: true,
      attestation: { quote: expect.stringMatching(/^0x/) },
    })
    expect((await verify('carried.json', ...anchor)).json.valid).toBe(true)
    const collateral = JSON.parse(await readFile(at('c.json'), 'utf8'))
    const attestation = { ...made.json.attestation, collateral }
    await writeFile(at('whole.json'), JSON.stringify({ ...made.json, attestation }))
    const offline = anchor.filter((_, i) => i !== 2 && i !== 3)
    expect((await verify('whole.json', ...offline)).json.valid).toBe(true)
  })

  it.each<[string, (flags: string[]) => string[], string[]]>([
    ['under Intel’s root', (flags) => flags.slice(0, 4), ['quote.pckChain', 'trustAnchor']],
    [
      'two months later',
      (flags) => [...flags, '--at', '2028-01-01T00:00:00Z'],
      ['quote.rootCrl', 'trustAnchor'],
    ],
  ])('refuses the attestation %s', async (_, change, expected) => {
    const run = await verify('proof.json', ...change(anchor), '--attestation', at('a.json'))
    expect(run.exitCode).toBe(5)
    expect(failed(run)).toEqual(expect.arrayContaining(expected))
  })

  it('refuses another workload', async () => {
    await writeFile(at('other.yaml'), `version: 1\nworkloads:\n  - mrtd: "0x${'00'.repeat(48)}"\n`)
    const flags = ['--policy', at('other.yaml'), ...anchor.slice(2), '--attestation', at('a.json')]
    const run = await verify('proof.json', ...flags)
    expect(run.exitCode).toBe(5)
    expect(failed(run)).toEqual(['quote.policy.workload', 'trustAnchor'])
  })

  it('refuses the attestation of another signer, and a proof without one', async () => {
    await prove('stranger.json', 'stranger')
    const stranger = await verify('stranger.json', ...anchor, '--attestation', at('a.json'))
    expect(stranger.exitCode).toBe(5)
    expect(failed(stranger)).toEqual(['quote.reportData', 'trustAnchor'])
    const none = await verify('proof.json', ...anchor)
    expect([none.exitCode, failed(none)]).toEqual([5, ['quote.attestation', 'trustAnchor']])
    const mixed = await prove('mixed.json', 'stranger', '--attestation', at('a.json'))
    expect([mixed.exitCode, mixed.json.error.code]).toEqual([2, 'FLAG_INVALID'])
  })

  it('demands every anchor that is given', async () => {
    const flags = [...anchor, '--attestation', at('a.json'), '--signer', `0x${'11'.repeat(20)}`]
    const run = await verify('proof.json', ...flags)
    expect([run.exitCode, failed(run)]).toEqual([5, ['trustAnchor']])
  })

  it('says that a policy which pins no workload accepts any TD', async () => {
    await writeFile(at('any.yaml'), 'version: 1\n')
    const flags = ['--policy', at('any.yaml'), ...anchor.slice(2), '--attestation', at('a.json')]
    const run = await verify('proof.json', ...flags)
    expect(run.json.valid).toBe(true)
    expect(run.stderr).toContain('pins no workload')
  })
})
