import { createHash, X509Certificate } from 'node:crypto'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMachineSources } from '../../../src/core/tdx/machine-sources.js'
import { parsePemChain } from '../../../src/core/tdx/pem.js'
import { selectProvider } from '../../../src/core/tdx/provider.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { isSimulatedQuote } from '../../../src/core/tdx/simulated-mark.js'
import {
  createSimulatedProvider,
  createSimulatedSource,
} from '../../../src/core/tdx/simulated-provider.js'
import { NOW, REPORT_DATA } from './samples.js'

let stateDir: string
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'sp1-tee-simulated-'))
})
afterEach(() => rm(stateDir, { recursive: true }))

/** Other bytes at every call, the same in every test run. */
function entropyFrom(name: string) {
  let count = 0
  return (bytes: number) =>
    new Uint8Array(createHash('sha512').update(`${name} ${count++}`).digest()).slice(0, bytes)
}

function options(name = 'first') {
  return { stateDir, entropy: entropyFrom(name), now: () => NOW }
}

const authorityFile = () => join(stateDir, 'simulated', 'authority.json')

describe('the simulated provider', () => {
  it('gives quotes under the root whose path it tells', async () => {
    const provider = await createSimulatedProvider(options())
    const quote = parseTdQuote(await provider.quote(REPORT_DATA))
    expect(isSimulatedQuote(quote)).toBe(true)
    expect(provider).toMatchObject({ name: 'simulated', simulated: true })
    expect(provider.rootCertificatePath).toBe(join(stateDir, 'simulated', 'root.pem'))
    const root = new X509Certificate(await readFile(provider.rootCertificatePath!))
    const chain = parsePemChain(quote.certificationData.certificateChain)
    expect(new Uint8Array(root.raw)).toEqual(chain[2])
  })

  it('makes its authority once', async () => {
    const first = await createSimulatedProvider(options('first'))
    const second = await createSimulatedProvider({ ...options('second'), now: () => new Date(0) })
    expect(await second.quote(REPORT_DATA)).toEqual(await first.quote(REPORT_DATA))
  })

  it('makes one authority even when several begin at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const providers = await Promise.all(names.map((n) => createSimulatedProvider(options(n))))
    const quotes = await Promise.all(providers.map((provider) => provider.quote(REPORT_DATA)))
    for (const quote of quotes) expect(quote).toEqual(quotes[0])
    expect((await readdir(join(stateDir, 'simulated'))).sort()).toEqual([
      'authority.json',
      'root.pem',
    ])
  })

  it('keeps its files to itself', async () => {
    await createSimulatedProvider(options())
    const mode = async (path: string) => (await stat(path)).mode & 0o777
    expect(await mode(join(stateDir, 'simulated'))).toBe(0o700)
    expect(await mode(authorityFile())).toBe(0o600)
    expect(await mode(join(stateDir, 'simulated', 'root.pem'))).toBe(0o600)
  })

  it('is wrong in the ways that it is told to be', async () => {
    const provider = await createSimulatedProvider({ ...options(), switches: ['debug', 'v5'] })
    const { body, header } = parseTdQuote(await provider.quote(REPORT_DATA))
    expect([body.tdAttributes[0], header.version]).toEqual([1, 5])
  })

  it('has collateral of the time at which it is asked for', async () => {
    const provider = await createSimulatedProvider(options())
    const { issueDate } = JSON.parse(provider.collateral!().tcb_info)
    expect(issueDate).toBe(new Date(NOW.getTime() - 86_400_000).toISOString().replace('.000', ''))
  })

  it('writes nothing before it is opened', async () => {
    const source = createSimulatedSource(options())
    expect(await source.probe()).toBeUndefined()
    expect(await readdir(stateDir)).toEqual([])
    expect((await source.open()).simulated).toBe(true)
  })

  it('is what the machine has when asked by name, and only then', async () => {
    const warnings: string[] = []
    const sources = createMachineSources({ stateDir, warn: (message) => warnings.push(message) })
    const provider = await selectProvider('simulated', sources)
    const quote = await provider.quote(REPORT_DATA)
    expect(parseTdQuote(quote).body.reportData).toEqual(REPORT_DATA)
    expect(sources.map(({ name, simulated }) => [name, simulated])).toEqual([
      ['configfs', false],
      ['dstack', false],
      ['azure', false],
      ['http', false],
      ['simulated', true],
    ])
    expect(warnings).toEqual([])
  })
})

describe('a state folder that is not as we left it', () => {
  async function written(text: string, mode = 0o600) {
    await mkdir(join(stateDir, 'simulated'), { recursive: true })
    await writeFile(authorityFile(), text, { mode })
    await chmod(authorityFile(), mode)
  }
  const state = { version: 1, seed: `0x${'01'.repeat(32)}`, createdAt: NOW.toISOString() }

  it.each([
    ['no JSON', 'x', 'is not JSON'],
    ['null', 'null', 'was written by another version'],
    ['another version', JSON.stringify({ ...state, version: 2 }), 'was written by another version'],
    ['no seed', JSON.stringify({ ...state, seed: '0x01' }), 'holds no seed'],
    ['no date', JSON.stringify({ ...state, createdAt: 'once' }), 'holds no date'],
    ['too much', ' '.repeat(5000), 'is no file that we wrote'],
  ])('is refused: %s', async (_, text, reason) => {
    await written(text)
    await expect(createSimulatedProvider(options())).rejects.toMatchObject({
      code: 'SIMULATED_STATE',
      exitCode: 2,
      details: { path: authorityFile(), reason },
    })
  })

  it('is refused when others may read it', async () => {
    await written(JSON.stringify(state), 0o640)
    await expect(createSimulatedProvider(options())).rejects.toMatchObject({
      code: 'KEY_PERMISSIONS',
      details: { mode: '0640' },
    })
  })

  it('is refused when it is a link', async () => {
    const elsewhere = join(stateDir, 'elsewhere.json')
    await mkdir(join(stateDir, 'simulated'))
    await writeFile(elsewhere, JSON.stringify(state), { mode: 0o600 })
    await symlink(elsewhere, authorityFile())
    await expect(createSimulatedProvider(options())).rejects.toMatchObject({
      details: { reason: 'is a link' },
    })
  })

  it('says when it cannot be written', async () => {
    await writeFile(join(stateDir, 'simulated'), 'a file in its place')
    await expect(createSimulatedProvider(options())).rejects.toMatchObject({ exitCode: 2 })
  })
})
