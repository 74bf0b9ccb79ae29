/** The packed tarball, installed into an empty folder, is a command, a library and a client of pages. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { type Hex, toHex } from '../src/core/bytes.js'
import { encodeCollateral, parseCollateral } from '../src/core/dcap/collateral.js'
import { judgeAttestation } from '../src/core/policy/judge-attestation.js'
import { parsePolicy } from '../src/core/policy/policy.js'
import { parseQuote, parseTdQuote } from '../src/core/tdx/quote.js'
import { computeReportData } from '../src/core/tdx/report-data.js'
import { AUTHORITY, collateralOf, NOW, ROOT as TRUSTED_ROOT } from './core/dcap/samples.js'
import { openPage, type Page } from './support/chromium.js'
import { guestElf } from './support/cli.js'
import { startService, type TestService } from './support/service.js'

const ROOT = new URL('..', import.meta.url).pathname
const PUBLIC_VALUES = '0x0a0000002200000037000000'
/** It was 163 kB, a third of that compressed; an engine would double it. */
const MAX_BUNDLE_BYTES = 180_000

const PAGE = `<!doctype html>
  <script type="module">
    import * as client from './client.js'
    Object.assign(globalThis, { client })
  </script>`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-package-'))
  // Scripts are left out: the build under test is the one there is.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const { stdout } = await execa('npm', pack, { cwd: ROOT })
  const [{ filename }] = JSON.parse(stdout)
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  await execa('npm', ['install', '--ignore-scripts', `./${filename}`], { cwd: folder })
}, 180_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function runScript(name: string, script: string): Promise<string> {
  await writeFile(join(folder, name), script)
  const { stdout } = await execa('node', [name], { cwd: folder })
  return stdout
}

describe('the installed package', () => {
  it('has the command', async () => {
    const args = ['execute', guestElf('fibonacci'), '--input', '0x0a000000', '--json']
    const { stdout } = await execa(join(folder, 'node_modules/.bin/sp1-tee'), args, { cwd: folder })
    expect(JSON.parse(stdout).publicValues).toBe(PUBLIC_VALUES)
  })

  it('has the library, with its types', async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { computeVkey, execute } from 'sp1-tee'
      const elf = readFileSync(${JSON.stringify(guestElf('fibonacci'))})
      const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
      const { publicValues } = await execute(elf, stdin)
      console.log(publicValues, typeof computeVkey)`
    expect(await runScript('use.js', script)).toBe(`${PUBLIC_VALUES} function`)
  })

  it('holds nothing but what it needs', async () => {
    const { stdout } = await execa('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
      cwd: ROOT,
    })
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
    const paths = files.map(({ path }) => path)
    // What is looked for by these names is there, for the command as well.
    const { '.': library, './client': client } = manifest.exports
    const named = [manifest.imports, manifest.browser, library, client].flatMap(Object.values)
    for (const target of [...named, ...Object.keys(manifest.browser)]) {
      expect(paths).toContain(target.replace('./', ''))
    }
    const others = paths
      .filter((path) => !/^((dist|bin)\/.+\.(js|d\.ts|bin)|deploy\/.+)$/.test(path))
      .sort()
    expect(others).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'oclif.manifest.json',
      'package.json',
      'schemas/config.schema.json',
      'schemas/policy.schema.json',
    ])
  })
})

describe('the client in Node', () => {
  it('is the library’s own, with native code', async () => {
    const script = `
      import { InputError as fromLibrary } from 'sp1-tee'
      import { InputError, parsePolicy, verifyProof } from 'sp1-tee/client'
      const path = import.meta.resolve('sp1-tee/client').split('/sp1-tee/')[1]
      console.log(path, InputError === fromLibrary, typeof parsePolicy, typeof verifyProof)`
    const expected = 'dist/core/client.js true function function'
    expect(await runScript('use-client.js', script)).toBe(expected)
  })

  it('has types, for a page as well', async () => {
    await writeFile(
      join(folder, 'page.ts'),
      `import { createClient, parseProof, type Policy, type Proof, verifyProof } from 'sp1-tee/client'
      export async function check(bytes: Uint8Array, policy: Policy): Promise<boolean> {
        const proof: Proof = parseProof(bytes)
        createClient(location.origin, { apiKey: policy.tee })
        // @ts-expect-error a page has no verifying key of a program
        await verifyProof(proof, { elf: bytes })
        return (await verifyProof(proof, { signer: '0x00' })).valid
      }`,
    )
    const page = ['--lib', 'ES2023,DOM,DOM.Iterable', '--types', '', '--target', 'ES2022']
    const modules = ['--module', 'ESNext', '--moduleResolution', 'bundler', '--noEmit', '--strict']
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await execa(tsc, [...page, ...modules, 'page.ts'], {
      cwd: folder,
      reject: false,
    })
    expect(stdout).toBe('')
  })
})

describe('the client in a browser', () => {
  const bundle = () => readFile(join(folder, 'node_modules/sp1-tee/dist/browser/client.js'))
  let service: TestService
  let pages: Server
  let page: Page
  beforeAll(async () => {
    pages = createServer(async (request, response) => {
      const [type, found] =
        request.url === '/client.js' ? ['text/javascript', await bundle()] : ['text/html', PAGE]
      response.writeHead(200, { 'content-type': type }).end(found)
    })
    pages.listen(0, '127.0.0.1')
    await once(pages, 'listening')
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    service = await startService({ allowedOrigins: [origin] })
    page = await openPage(origin)
  })
  afterAll(async () => {
    await page?.close()
    pages.close()
    await service.app.drain(AbortSignal.abort())
  })

  it('is one file that needs nothing else, and has nothing of what runs programs', async () => {
    const text = new TextDecoder().decode(await bundle())
    expect(text).not.toMatch(/node:|\brequire\(|\bprocess\.|\bBuffer\b|\bimport\(/)
    expect(text).not.toMatch(/^import |[;}]import[ {"*]/m)
    expect(text).not.toMatch(/viem|fastify|WebAssembly|worker_threads/)
    expect(text.length).toBeLessThan(MAX_BUNDLE_BYTES)
  })

  it('proves by a service of another origin, and checks what it gets', async () => {
    const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
    const elf = (await readFile(guestElf('fibonacci'))).toString('base64')
    const signer = service.signer.signer.address
    const found = await page.evaluate(`(async () => {
      const { createClient, encodeProof, parseProof, verifyProof } = client
      const elf = Uint8Array.from(atob('${elf}'), (c) => c.charCodeAt(0))
      const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
      const states = []
      const service = createClient('${url}')
      const proof = await service.prove(elf, stdin, { onState: (state) => states.push(state) })
      const { valid } = await verifyProof(proof, { signer: '${signer}' })
      const forged = { ...proof, publicValues: '0x00' }
      const wrong = (await verifyProof(forged, { signer: '${signer}' })).checks.find(({ ok }) => !ok)
      const copy = parseProof(encodeProof(proof))
      const error = await createClient('${url}', { patienceMs: 0 }).rotate().catch(({ name, code }) => ({ name, code }))
      return { proof, valid, wrong: wrong.name, copy, first: states[0], error }
    })()`)
    expect(found).toMatchObject({
      proof: { publicValues: PUBLIC_VALUES, signer },
      valid: true,
      wrong: 'signature',
      first: 'sending',
      // The browser does not even send what no preflight request allowed.
      error: { name: 'UnavailableError', code: 'SERVER_UNREACHABLE' },
    })
    const { copy, proof } = found as Record<string, unknown>
    expect(copy).toEqual(proof)
    expect(service.signer.signer.address).toBe(signer)
  })

  it('judges an attestation under a policy, as Node does', async () => {
    const signer: Hex = `0x${'5a'.repeat(20)}`
    const block = { blockNumber: 7, blockHash: `0x${'b1'.repeat(32)}` as Hex }
    const reportData = computeReportData(signer, { ...block, blockNumber: 7n })
    const quote = AUTHORITY.quote(reportData)
    const { mrtd } = parseTdQuote(quote).body
    const policy = { version: 1, workloads: [{ mrtd: toHex(mrtd) }] }
    const collateral = encodeCollateral({ documents: collateralOf() })
    const root = toHex(AUTHORITY.rootCertificate)
    // Of the signature's r, behind the header and the body of a quote.
    const forged = quote.map((byte, i) => (i === 48 + 584 + 4 ? byte ^ 1 : byte))
    for (const bytes of [quote, forged]) {
      const expected = judgeAttestation({
        quote: parseQuote(bytes),
        collateral: parseCollateral(collateral),
        policy: parsePolicy(policy),
        now: NOW,
        root: TRUSTED_ROOT,
        ...{ signer, reportData: toHex(reportData), reference: block },
      })
      expect(expected.valid).toBe(bytes === quote)
      const given = { quote: toHex(bytes), reportData: toHex(reportData), reference: block }
      const found = await page.evaluate(`(async () => {
        const bytes = new TextEncoder().encode(${JSON.stringify(JSON.stringify(given))})
        const { quote, ...binding } = client.parseAttestation(bytes)
        return client.judgeAttestation({
          quote: client.parseQuote(client.fromHex(quote)),
          collateral: client.parseCollateral(client.fromHex('${toHex(collateral)}')),
          policy: client.parsePolicy(${JSON.stringify(policy)}),
          now: new Date(${NOW.getTime()}),
          root: client.parseTrustedRoot(client.fromHex('${root}')),
          signer: '${signer}',
          ...binding,
        })
      })()`)
      expect(found).toEqual(expected)
    }
  })
})

describe('the installed service', () => {
  const command = () => join(folder, 'node_modules/.bin/sp1-tee')
  const anvil = join(ROOT, 'node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil')
  /** Nothing of this repository is found by accident: an empty folder, and no PATH but Node's. */
  const options = (name: string) => ({
    cwd: folder,
    env: { PATH: dirname(process.execPath), HOME: folder, SP1_TEE_HOME: join(folder, name) },
    extendEnv: false,
  })

  it('develops in an empty folder: a page that lives, a proof, and an end that leaves nothing', async () => {
    const { env, ...place } = options('home')
    const serve = ['serve', '--dev', '--listen', '127.0.0.1:0', '--json']
    const origins = 'https://a.example,https://b.example'
    const settings = { ...env, SP1_TEE_ANVIL: anvil, SP1_TEE_ALLOW_ORIGIN: origins }
    const service = execa(command(), serve, { ...place, env: settings })
    const [line] = (await once(createInterface(service.stdout), 'line')) as [string]
    const { url, signer, rpcUrl } = JSON.parse(line)
    let started: number[] = []
    const page = await openPage(url)
    try {
      await page.untilText('ready')
      await page.untilText('SIMULATED')
      await page.untilText(signer)
      const { measurements } = (await (await fetch(`${url}/v1/attestation`)).json()) as {
        measurements: Record<string, string>
      }
      for (const name of ['mrtd', 'rtmr0']) await page.untilText(measurements[name] ?? name)
      await page.untilText('None yet')
      const prove = [
        'prove',
        guestElf('fibonacci'),
        '--input',
        '0x0a000000',
        '--url',
        url,
        '--json',
      ]
      const { stdout } = await execa(command(), prove, options('home'))
      const proof = JSON.parse(stdout)
      expect(proof).toMatchObject({ publicValues: PUBLIC_VALUES, signer })
      const { stdout: children } = await execa('ps', ['-o', 'pid=', '--ppid', `${service.pid}`])
      started = [...children.trim().split(/\s+/), service.pid].map(Number)
      for (const origin of origins.split(',')) {
        const { headers } = await fetch(`${url}/v1/signer`, { headers: { origin } })
        expect(headers.get('access-control-allow-origin')).toBe(origin)
      }
      // In the page that was open all the while.
      await page.untilText('1 proof in the last 30 minutes')
      await page.untilText(`succeeded\t${proof.cycles.toLocaleString('en-US')}`)
    } finally {
      await page.close()
      service.kill('SIGTERM')
    }
    const { exitCode, stdout } = await service
    expect([exitCode, stdout]).toEqual([0, line])
    for (const gone of [url, rpcUrl]) await expect(fetch(gone)).rejects.toThrow('fetch failed')
    // The service, its chain, and what ran the guest.
    expect(started.length).toBeGreaterThan(2)
    for (const pid of started) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }, 180_000)

  it('says how to get anvil where there is none', async () => {
    const run = await execa(command(), ['serve', '--dev', '--json'], {
      ...options('bare'),
      reject: false,
    })
    const { error } = JSON.parse(run.stdout)
    expect([run.exitCode, error.code]).toEqual([7, 'ANVIL_MISSING'])
    expect(error.message).toContain('npm install @foundry-rs/anvil-linux-amd64')
  })
})
