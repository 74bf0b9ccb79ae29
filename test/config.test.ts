/** The config file: flags that may be given several times have their values with commas. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

  it('has no lists of its own', async () => {
    await expect(configured({ 'allow-origin': ['https://a.example'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})
