/** What is in deploy/, by those who read it: systemd, Prometheus, YAML and JSON. */
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultLoaders } from 'cosmiconfig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import Serve from '../src/commands/serve.js'
import { DEFAULT_LISTEN } from '../src/serve-flags.js'
import { send } from './support/http.js'
import { startService, type TestService } from './support/service.js'

const DEPLOY = new URL('../deploy/', import.meta.url).pathname
const read = (name: string) => readFileSync(join(DEPLOY, name), 'utf8')

it('systemd takes the unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-unit-'))
  copyFileSync(join(DEPLOY, 'sp1-tee.service'), join(folder, 'sp1-tee.service'))
  execFileSync('systemd-analyze', ['verify', join(folder, 'sp1-tee.service')], { stdio: 'pipe' })
  rmSync(folder, { recursive: true })
})

it('the unit lets the server ask for the addresses of its machine', () => {
  const [, families = ''] = /^RestrictAddressFamilies=(.*)$/m.exec(read('sp1-tee.service')) ?? []
  expect(families.split(' ')).toContain('AF_NETLINK')
})

it('Prometheus takes the alert rules, and they fire when they should', () => {
  const promtool = (...args: string[]) =>
    execFileSync('promtool', args, { cwd: DEPLOY, encoding: 'utf8' })
  expect(promtool('check', 'rules', 'alerts.yml')).toContain('SUCCESS')
  expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
})

describe('metrics', () => {
  let service: TestService
  let exported: Set<string>
  beforeAll(async () => {
    service = await startService()
    await send(service, 'GET', '/healthz')
    const { text } = await send(service, 'GET', '/metrics')
    exported = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name))
  })
  afterAll(() => service.app.drain(AbortSignal.abort()))

  it.each(['alerts.yml', 'grafana.json'])('of %s are there', (name) => {
    const used = Array.from(read(name).matchAll(/\b(?:sp1_tee|process|nodejs|http)_\w+/g), String)
    const bases = new Set(used.map((metric) => metric.replace(/_(bucket|count|sum)$/, '')))
    expect(bases.size).toBeGreaterThan(5)
    const missing = [...bases].filter((metric) => !exported.has(metric))
    expect(missing).toEqual([])
  })
})

it('every alert is explained', () => {
  const operations = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8')
  const alerts = Array.from(read('alerts.yml').matchAll(/alert: (\w+)/g), ([, name]) => name)
  expect(alerts.length).toBeGreaterThan(5)
  expect(alerts.filter((name) => !operations.includes(`\`${name}\``))).toEqual([])
})

describe('settings', () => {
  const known = new Set(
    Object.values({ ...Serve.baseFlags, ...Serve.flags }).map(({ env }) => env as string),
  )

  it('of the compose file are flags of serve', () => {
    const compose = defaultLoaders['.yaml']('compose.yml', read('compose.yml'))
    expect(Object.keys(compose.services)).toEqual(['one', 'two', 'postgres'])
    const names = Object.keys(compose.services.one.environment)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it.each(['Dockerfile', 'healthcheck.mjs', 'sp1-tee.service'])('of %s are, too', (name) => {
    const names = Array.from(read(name).matchAll(/\bSP1_TEE_\w+/g), String)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((setting) => !known.has(setting))).toEqual([])
  })
})

describe('the health check of the image', () => {
  const check = (env: Record<string, string>) =>
    new Promise((resolve) => {
      const file = join(DEPLOY, 'healthcheck.mjs')
      execFile(process.execPath, [file], { env }, (error) => resolve(error?.code ?? 0))
    })
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-health-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(['127.0.0.1', '0.0.0.0', '::'])('asks where the server listens: %s', async (host) => {
    const service = await startService()
    const { port } = new URL(await service.app.listen({ host, port: 0 }))
    const listen = { SP1_TEE_LISTEN: `${host === '::' ? '[::]' : host}:${port}` }
    expect(await check(listen)).toBe(0)
    expect(await check({ ...listen, SP1_TEE_TLS_CERT: 'tls.crt' })).toBe(1)
    await service.app.drain(AbortSignal.abort())
    expect(await check(listen)).toBe(1)
  })

  it('speaks HTTPS with a server that does', async () => {
    const [key, cert] = ['tls.key', 'tls.crt'].map((name) => join(folder, name)) as [string, string]
    const names = ['-subj', '/CN=prover.example', '-keyout', key, '-out', cert, '-nodes']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    execFileSync('openssl', ['req', '-x509', ...kind, ...names], { stdio: 'ignore' })
    const tls = { key: readFileSync(key), cert: readFileSync(cert) }
    const service = await startService({ tls })
    const { host } = new URL(await service.app.listen({ host: '127.0.0.1', port: 0 }))
    expect(await check({ SP1_TEE_LISTEN: host, SP1_TEE_TLS_CERT: cert })).toBe(0)
    expect(await check({ SP1_TEE_LISTEN: host })).toBe(1)
    await service.app.drain(AbortSignal.abort())
  })

  it('is where the image has it, and asks there without settings', () => {
    const [, path = ''] = /"node", ".*\/node_modules\/sp1-tee\/(.*)"/.exec(read('Dockerfile')) ?? []
    expect(path).toBe('deploy/healthcheck.mjs')
    expect(read('healthcheck.mjs')).toContain(`'${DEFAULT_LISTEN}'`)
  })
})

it('is what the package brings', () => {
  const { files } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(files).toContain('deploy')
  expect(readdirSync(DEPLOY).sort()).toEqual([
    'Dockerfile',
    'alerts.test.yml',
    'alerts.yml',
    'compose.yml',
    'grafana.json',
    'healthcheck.mjs',
    'sp1-tee.service',
  ])
})

it('docs/operations.md runs', { timeout: 200_000 }, () => {
  const script = new URL('../scripts/operations.mjs', import.meta.url).pathname
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toMatch(/blocks ran\n$/)
})
