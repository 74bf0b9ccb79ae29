/** `serve --blobs`, with the real command and a server that speaks S3. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cliJson, guestElf } from '../support/cli.js'
import { REGION, type S3, startS3 } from '../support/s3.js'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-serve-blobs-'))
const SECRET = 'hunter2hunter2'

let s3: S3
let environment: Record<string, string>
let bucket: string
beforeAll(async () => {
  s3 = await startS3()
  bucket = (await s3.makeBucket()).bucket
  environment = {
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    AWS_REGION: REGION,
    SP1_TEE_S3_ENDPOINT: s3.endpoint,
  }
})
afterAll(async () => {
  await s3.stop()
  rmSync(folder, { recursive: true })
})

const serveArgs = ['serve', '--dev', '--listen', '127.0.0.1:0', '--state-dir', folder]

it('keeps programs in the bucket', async () => {
  const args = [BIN, ...serveArgs, '--blobs', `s3://${bucket}/a/b`, '--json']
  const env = { ...process.env, ...environment }
  const server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(server.stdout), 'line')
  const { url } = JSON.parse(line)
  const asked = ['--input', '0x0a000000', '--url', url, '--out', join(folder, 'proof.json')]
  const { exitCode, json } = await cliJson(['prove', guestElf('fibonacci'), ...asked])
  expect([exitCode, json.publicValues]).toEqual([0, '0x0a0000002200000037000000'])
  expect(await s3.names(bucket)).toEqual([`a/b/${json.elfHash.slice(2)}`, 'a/b/check'].sort())
  server.kill('SIGTERM')
  await once(server, 'exit')
}, 120_000)

describe('refuses', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['no bucket', 's3://', {}, 2, 'takes s3://BUCKET/PREFIX'],
    ['a folder', '/var/blobs', {}, 2, 'takes s3://BUCKET/PREFIX'],
    ['a way out of the prefix', 's3://bucket/a/../b', {}, 2, 'takes s3://BUCKET/PREFIX'],
    ['no key', 's3://bucket', { AWS_ACCESS_KEY_ID: '' }, 2, 'needs AWS_ACCESS_KEY_ID'],
    ['no secret', 's3://bucket', { AWS_SECRET_ACCESS_KEY: '' }, 2, 'AWS_SECRET_ACCESS_KEY'],
    ['an odd region', 's3://bucket', { AWS_REGION: 'a/b' }, 2, 'needs AWS_REGION'],
    [
      'a user in the endpoint',
      's3://bucket',
      { SP1_TEE_S3_ENDPOINT: `http://u:${SECRET}@127.0.0.1:1` },
      2,
      'takes an http(s) URL',
    ],
    ['a bucket that is not there', 's3://nowhere', {}, 8, 'no bucket of that name'],
    [
      'a wrong secret',
      's3://nowhere',
      { AWS_SECRET_ACCESS_KEY: SECRET },
      8,
      'does not belong to AWS_ACCESS_KEY_ID',
    ],
    [
      'an S3 that is not there',
      's3://bucket',
      { SP1_TEE_S3_ENDPOINT: 'http://127.0.0.1:1' },
      8,
      'S3 does not answer (ECONNREFUSED)',
    ],
  ])(
    '%s',
    async (_what, blobs, changes, exitCode, sentence) => {
      const env = { ...environment, ...changes }
      const run = await cliJson([...serveArgs, '--blobs', blobs], { env })
      expect([run.exitCode, run.json.error.code]).toEqual([
        exitCode,
        exitCode === 2 ? 'FLAG_INVALID' : 'STORE_UNAVAILABLE',
      ])
      expect(run.json.error.message).toContain(sentence)
      for (const secret of [SECRET, environment.AWS_SECRET_ACCESS_KEY ?? '']) {
        expect(run.stdout + run.stderr).not.toContain(secret)
      }
    },
    60_000,
  )
})
