/** Policies in files: those that the documentation shows are read as they stand there. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPolicy } from '../src/policy-file.js'

const ROOT = new URL('..', import.meta.url).pathname
const DIGEST = `0x${'5a'.repeat(48)}`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-policy-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(text: string, name = 'policy.yaml') {
  await writeFile(join(folder, name), text)
  return readPolicy(join(folder, name))
}

/** Code blocks of the documentation that are policies, with a digest in place of what is left out. */
async function documentedPolicies(): Promise<string[]> {
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'))
  const texts = await Promise.all(
    ['README.md', ...pages.map((name) => join('docs', name))].map((path) =>
      readFile(join(ROOT, path), 'utf8'),
    ),
  )
  const blocks = texts.flatMap((text) => [...text.matchAll(/```yaml\n(.*?)```/gs)])
  return blocks
    .map(([, block = '']) => block.replaceAll('0x…', DIGEST))
    .filter((block) => /^version: 1$/m.test(block))
}

describe('a policy in a file', () => {
  it('is what the documentation shows', async () => {
    const policies = await documentedPolicies()
    expect(policies.length).toBeGreaterThan(0)
    for (const text of policies) expect(await read(text)).toMatchObject({ version: 1 })
  })

  it('has dates that are written as dates are, quoted or not', async () => {
    const row = (until: string) => `version: 1\nignoredAdvisories: [{ id: A-1, until: ${until} }]\n`
    const until = new Date('2027-03-31T23:59:59Z')
    for (const text of ['2027-03-31', '"2027-03-31"']) {
      expect((await read(row(text))).ignoredAdvisories).toEqual([{ id: 'A-1', until }])
    }
    for (const text of ['2027-02-31', '2027-03-31T12:00:00Z', '20270331']) {
      await expect(read(row(text))).rejects.toMatchObject({ code: 'POLICY_MALFORMED' })
    }
  })

  it.each([
    ['a field twice', 'policy.yaml', 'version: 1\nversion: 1\n'],
    ['two documents', 'policy.yaml', 'version: 1\n---\nversion: 1\n'],
    ['code', 'policy.yaml', 'version: !!js/function "function () {}"\n'],
    ['YAML by the name of JSON', 'policy.json', 'version: 1\n'],
    ['a field twice in JSON', 'policy.json', '{"version":1,"version":1}'],
    ['nothing', 'policy.yaml', ''],
  ])('is refused with %s', async (_, name, text) => {
    await expect(read(text, name)).rejects.toMatchObject({ code: 'POLICY_MALFORMED' })
  })
})
