import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/index.js'
import { SHARED_TDX } from '../core/tdx/shared.js'
import { cli, cliJson } from '../support/cli.js'

let folder: string
let root: string
const at = (name: string) => join(folder, name)
const attest = (...args: string[]) =>
  cliJson(['attest', '--provider', 'simulated', '--state-dir', at('state'), ...args])
const verify = (...args: string[]) =>
  cliJson(['quote', 'verify', ...args, '--state-dir', at('state')])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-verify-'))
  root = at('state/simulated/root.pem')
  await attest('--out', at('q.bin'), '--collateral-out', at('c.json'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly code?: string
}

function failuresOf({ json }: { json: { checks: readonly Check[] } }): string[] {
  return json.checks.flatMap(({ name, code }) => (code === undefined ? [] : [`${name} ${code}`]))
}

describe('quote verify', () => {
  it('says of a simulated quote that it is valid, under its root', async () => {
    const { exitCode, stdout, stderr } = await cli([
      ...['quote', 'verify', at('q.bin'), '--collateral', at('c.json'), '--root', root],
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^ok {2}format +version 4, TD 1.0, marked as simulated\n/)
    expect(stdout).toMatch(/\nSIMULATED, fit for development only\nvalid\n?$/)
    expect(stderr).toContain('pins no workload')
    const { json } = await verify(at('q.bin'), '--collateral', at('c.json'), '--root', root)
    expect(json).toMatchObject({ valid: true, simulated: true, status: 'UpToDate' })
  })

  it('refuses it under Intel’s root', async () => {
    const run = await verify(at('q.bin'), '--collateral', at('c.json'))
    expect(run.exitCode).toBe(5)
    expect(run.json).toMatchObject({ valid: false, simulated: true })
    expect(failuresOf(run)).toContain('pckChain ROOT_UNTRUSTED')
  })

  it('takes a quote as hex, and from standard input', async () => {
    const bytes = new Uint8Array(await readFile(at('q.bin')))
    const flags = ['--collateral', at('c.json'), '--root', root]
    const input = `${toHex(bytes)}\n`
    const run = await cliJson(['quote', 'verify', '-', ...flags], { input })
    expect(run.json.valid).toBe(true)
  })

  it.each([
    ['a time', ['--at', '2019-01-01T00:00:00Z'], 'pckChain CERTIFICATE_EXPIRED'],
    ['a policy', ['--policy', 'POLICY'], 'policy.workload WORKLOAD_REFUSED'],
  ])('refuses it by %s', async (_, flags, expected) => {
    const policy = at('policy.yaml')
    await writeFile(policy, `version: 1\nworkloads:\n  - mrtd: "0x${'00'.repeat(48)}"\n`)
    const given = flags.map((flag) => (flag === 'POLICY' ? policy : flag))
    const run = await verify(at('q.bin'), '--collateral', at('c.json'), '--root', root, ...given)
    expect(run.exitCode).toBe(5)
    expect(failuresOf(run)).toContain(expected)
  })

  it('accepts what `quote measure` printed, and nothing else', async () => {
    const { stdout } = await cli(['quote', 'measure', at('q.bin'), '--name', 'mine'])
    await writeFile(at('mine.yaml'), stdout)
    const flags = ['--collateral', at('c.json'), '--root', root, '--policy', at('mine.yaml')]
    const run = await cli(['quote', 'verify', at('q.bin'), ...flags])
    expect([run.exitCode, run.stderr]).toEqual([0, ''])
    expect(run.stdout).toMatch(/policy.workload +mine\n/)
  })

  it.each([
    ['debug', 'policy.debug TD_DEBUG'],
    ['old-tcb', 'policy.status TCB_OUT_OF_DATE'],
    ['revoked-pck', 'pckCrl CERTIFICATE_REVOKED'],
    ['expired-collateral', 'rootCrl CRL_EXPIRED'],
    ['wrong-qe', 'qe QE_MISMATCH'],
  ])('refuses a platform that is %s, as attest --check does', async (name, expected) => {
    const [quote, collateral] = [at(`${name}.bin`), at(`${name}.json`)]
    const flags = ['--out', quote, '--collateral-out', collateral]
    const made = await attest('--simulate', name, '--simulate', 'v5', ...flags, '--check')
    expect(made.exitCode).toBe(5)
    expect(failuresOf({ json: made.json.verdict })).toContain(expected)
    const run = await verify(quote, '--collateral', collateral, '--root', root)
    expect(run.exitCode).toBe(5)
    expect(failuresOf(run)).toContain(expected)
  })

  it('refuses a policy in JSON that has a field twice', async () => {
    await writeFile(at('twice.json'), '{"version":1,"acceptedStatuses":["UpToDate"],"version":1}')
    const run = await verify(at('q.bin'), '--policy', at('twice.json'))
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'POLICY_MALFORMED'])
    expect(run.json.error.message).toContain('has the field version twice')
  })

  it.each([
    ['no file', 'FILE_UNREADABLE', ['/nowhere', '--collateral', 'C']],
    ['a quote that is none', 'QUOTE_UNSUPPORTED', ['C', '--collateral', 'C']],
    ['collateral that is none', 'COLLATERAL_MALFORMED', ['Q', '--collateral', 'Q']],
    ['no collateral of a simulated quote', 'FLAG_INVALID', ['Q']],
    ['a root that is none', 'ROOT_MALFORMED', ['Q', '--collateral', 'C', '--root', 'C']],
    ['a policy that is none', 'POLICY_MALFORMED', ['Q', '--collateral', 'C', '--policy', 'C']],
    ['a log that is none', 'EVENT_LOG_MALFORMED', ['Q', '--collateral', 'C', '--eventlog', 'C']],
    ['a time that is none', 'FLAG_INVALID', ['Q', '--collateral', 'C', '--at', 'noon']],
  ])('refuses %s as input', async (_, code, args) => {
    const named: Record<string, string> = { Q: at('q.bin'), C: at('c.json') }
    const run = await verify(...args.map((arg) => named[arg] ?? arg))
    expect([run.exitCode, run.json.error.code]).toEqual([2, code])
  })
})

describe('attest --check', () => {
  it('verifies at once', async () => {
    const { exitCode, json } = await attest('--check')
    expect(exitCode).toBe(0)
    expect(json.verdict).toMatchObject({ valid: true, simulated: true })
  })

  it('does not let a real platform be other than it is', async () => {
    const run = await cliJson(['attest', '--provider', 'configfs', '--simulate', 'debug'])
    expect(run.exitCode).toBe(6)
  })
})

describe.skipIf(SHARED_TDX === undefined)('quotes of real machines (SP1_TEE_SHARED)', () => {
  const pack = (name: string) => [
    `${SHARED_TDX}/packs/${name}.quote.bin`,
    ...['--collateral', `${SHARED_TDX}/packs/${name}.collateral.json`],
  ]
  it('are valid at their time', async () => {
    for (const [name, time] of [
      ['dcapqvl_tdx_v4', '1751624191'],
      ['gotdx_v5', '2026-02-25T00:45:50Z'],
    ] as const) {
      const run = await verify(...pack(name), '--at', time)
      expect(run.exitCode).toBe(0)
      expect(run.json).toMatchObject({ valid: true, status: 'UpToDate' })
      expect(run.json.simulated).toBeUndefined()
    }
  })

  it('are explained by their event log', async () => {
    const ccel = `${SHARED_TDX}/raw/go-tdx-guest/testing/testdata/ccel`
    const quote = `${ccel}/cos-113-tdx-quote.dat`
    const collateral = `${SHARED_TDX}/packs/tdxsdk_tdx_v4_gcp_1025.collateral.json`
    const flags = ['--collateral', collateral, '--at', '1761920231']
    const run = await verify(quote, ...flags, '--eventlog', `${ccel}/ccel_data.dat`)
    expect(run.exitCode).toBe(0)
    expect(run.json.checks.at(-1)).toMatchObject({ name: 'eventlog', ok: true })
    const other = pack('tdxsdk_tdx_v4_gcp_1025')
    const foreign = await verify(
      ...other,
      '--at',
      '1761920231',
      '--eventlog',
      `${ccel}/ccel_data.dat`,
    )
    expect(foreign.exitCode).toBe(5)
    expect(failuresOf(foreign)).toEqual(['eventlog EVENT_LOG_MISMATCH'])
    const shown = await cli(['quote', 'inspect', quote, '--eventlog', `${ccel}/ccel_data.dat`])
    expect(shown.stdout).toMatch(/RTMR2 +0x[0-9a-f]{16}… +EV_IPL +kernel_cmdline: /)
  })
})
