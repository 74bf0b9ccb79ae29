/** The packed tarball, installed into an empty folder, is a command and a library. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { guestElf } from './support/cli.js'

const ROOT = new URL('..', import.meta.url).pathname

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

describe('the installed package', () => {
  it('has the command', async () => {
    const args = ['execute', guestElf('fibonacci'), '--input', '0x0a000000', '--json']
    const { stdout } = await execa(join(folder, 'node_modules/.bin/sp1-tee'), args, { cwd: folder })
    expect(JSON.parse(stdout).publicValues).toBe('0x0a0000002200000037000000')
  })

  it('has the library, with its types', async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { computeVkey, execute } from 'sp1-tee'
      const elf = readFileSync(${JSON.stringify(guestElf('fibonacci'))})
      const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
      const { publicValues } = await execute(elf, stdin)
      console.log(publicValues, typeof computeVkey)`
    await writeFile(join(folder, 'use.js'), script)
    const { stdout } = await execa('node', ['use.js'], { cwd: folder })
    expect(stdout).toBe('0x0a0000002200000037000000 function')
  })

  it('holds nothing but what it needs', async () => {
    const { stdout } = await execa('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
      cwd: ROOT,
    })
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
    const paths = files.map(({ path }) => path)
    // What the library looks for by these names is there, for the command as well.
    for (const target of Object.values(manifest.imports))
      expect(paths).toContain(target.replace('./', ''))
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
