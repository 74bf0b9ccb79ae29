/** The config file and the environment: flags that may be given several times are lists with commas. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { FlagMap } from '../src/config.js'
import { resolveFlags } from '../src/flag-sources.js'
import { serveFlags } from '../src/serve-flags.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function configured(config: object) {
  const path = join(folder, 'config.json')
  await writeFile(path, JSON.stringify(config))
  return resolveFlags(serveFlags as unknown as FlagMap, ['--config', path])
}

describe('the config file', () => {
  it('lists what a flag takes several times', async () => {
    const flags = await configured({ 'allow-origin': 'https://a.example,http://127.0.0.1:8080' })
    expect(flags['allow-origin']).toMatchObject({
      default: ['https://a.example', 'http://127.0.0.1:8080'],
    })
    const one = await configured({ 'allow-origin': 'https://a.example', queue: 7 })
    expect(one['allow-origin']).toMatchObject({ default: ['https://a.example'] })
    expect(one.queue).toMatchObject({ default: 7 })
  })

  it('gives way to the environment, which lists in the same way', async () => {
    vi.stubEnv('SP1_TEE_ALLOW_ORIGIN', 'https://c.example, https://d.example')
    vi.stubEnv('SP1_TEE_SCHEMES', 'automata,succinct')
    const flags = await configured({ 'allow-origin': 'https://a.example' })
    expect(flags['allow-origin']).toMatchObject({
      default: ['https://c.example', 'https://d.example'],
    })
    expect(flags['allow-origin']).not.toHaveProperty('env')
    expect(flags.schemes).toMatchObject({ default: ['automata', 'succinct'] })
    vi.stubEnv('SP1_TEE_SCHEMES', 'automata,nothing')
    await expect(configured({})).rejects.toMatchObject({ code: 'FLAG_INVALID' })
    vi.unstubAllEnvs()
  })

  it.each([
    ['a number that is none', { queue: Number.NaN }],
    ['a part of a number', { 'rotate-every': 1.5 }],
    ['an address that YAML takes for a number', { registry: '0x01' }],
    ['two that exclude each other', { preset: 'automata-testnet', deployment: 'd.json' }],
  ])('has not %s', async (_, config) => {
    // JSON has no such numbers; YAML does.
    const path = join(folder, 'config.yaml')
    const lines = Object.entries(config).map(([key, value]) => `${key}: ${value}`)
    await writeFile(path, lines.join('\n').replace('NaN', '.nan'))
    const resolving = resolveFlags(serveFlags as unknown as FlagMap, ['--config', path])
    await expect(resolving).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('says nothing of the contracts of --dev, and the environment does not either', async () => {
    vi.stubEnv('SP1_TEE_MULTIPROOF', `0x${'11'.repeat(20)}`)
    const flags = serveFlags as unknown as FlagMap
    expect(await resolveFlags(flags, [])).not.toHaveProperty('multiproof')
    const { multiproof } = await resolveFlags(flags, ['--dev'])
    expect(multiproof).toBeDefined()
    expect(multiproof).not.toHaveProperty('env')
    vi.unstubAllEnvs()
  })

  it('has no lists of its own', async () => {
    await expect(configured({ 'allow-origin': ['https://a.example'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})
