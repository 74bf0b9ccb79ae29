/** The config file and the environment: flags that may be given several times are lists with commas. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { configuredFlags } from '../src/config.js'
import { serveFlags } from '../src/serve-flags.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function configured(config: object) {
  const path = join(folder, 'config.json')
  await writeFile(path, JSON.stringify(config))
  const flags = serveFlags as unknown as Parameters<typeof configuredFlags>[0]
  return configuredFlags(flags, ['--config', path])
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

  it('has no lists of its own', async () => {
    await expect(configured({ 'allow-origin': ['https://a.example'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})
