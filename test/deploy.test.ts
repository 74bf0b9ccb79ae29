/** What is in deploy/, by those who read it: systemd, Prometheus, YAML and JSON. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultLoaders } from 'cosmiconfig'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import Serve from '../src/commands/serve.js'
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

  it.each(['Dockerfile', 'sp1-tee.service'])('of %s are, too', (name) => {
    const names = Array.from(read(name).matchAll(/\bSP1_TEE_\w+/g), String)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((setting) => !known.has(setting))).toEqual([])
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
    'sp1-tee.service',
  ])
})

it('docs/operations.md runs', { timeout: 200_000 }, () => {
  const script = new URL('../scripts/operations.mjs', import.meta.url).pathname
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toMatch(/blocks ran\n$/)
})
