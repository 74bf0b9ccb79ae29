/** What commands about quotes log at level info: no quote, no certificate, no key. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cli } from '../support/cli.js'

let folder: string
let simulated: string[]
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-quote-logs-'))
  simulated = ['--provider', 'simulated', '--state-dir', at('state')]
  await cli(['attest', ...simulated, '--out', at('q.bin'), '--collateral-out', at('c.json')])
})
afterAll(() => rm(folder, { recursive: true }))

it.each<[string, (args: { q: string; c: string; root: string }) => string[]]>([
  ['attest', ({ q }) => ['attest', ...simulated, '--check', '--out', q]],
  ['quote inspect', ({ q }) => ['quote', 'inspect', q]],
  ['quote verify', ({ q, c, root }) => ['quote', 'verify', q, '--collateral', c, '--root', root]],
  ['quote verify, refused', ({ q, c }) => ['quote', 'verify', q, '--collateral', c]],
  ['quote verify of no quote', ({ c }) => ['quote', 'verify', c, '--collateral', c]],
  ['quote measure', ({ q }) => ['quote', 'measure', q]],
  ['quote collateral, refused', ({ q }) => ['quote', 'collateral', q]],
  ['doctor', () => ['doctor', ...simulated]],
])('%s', async (_, argsOf) => {
  const args = argsOf({ q: at('q.bin'), c: at('c.json'), root: at('state/simulated/root.pem') })
  const key = (await readFile(at('state/signer.key'), 'utf8')).trim().replace(/^0x/, '')
  const seed = JSON.parse(await readFile(at('state/simulated/authority.json'), 'utf8')).seed
  for (const json of [[], ['--json']]) {
    const { stdout, stderr } = await cli([...args, '--log-level', 'info', ...json])
    expect(stderr).not.toContain('BEGIN')
    expect(stderr).not.toMatch(/[0-9a-fA-F]{64}|[A-Za-z0-9+/]{64}/)
    // Secrets are nowhere at all.
    for (const secret of [key, String(seed).slice(2)]) expect(stdout + stderr).not.toContain(secret)
  }
})
