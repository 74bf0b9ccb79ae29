/** The service over HTTPS, with the real command and certificates of OpenSSL's. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cliJson, guestElf } from '../support/cli.js'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-tls-'))
const file = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

function makeCertificate(name: string): void {
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const out = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...key, ...out, ...names], { stdio: 'ignore' })
  chmodSync(file(`${name}.key`), 0o600)
}

const argsFor = (cert: string, key: string) => [
  'serve',
  ...['--dev', '--listen', '127.0.0.1:0', '--state-dir', file('state')],
  ...['--tls-cert', file(cert), '--tls-key', file(key)],
]

makeCertificate('server')
makeCertificate('other')

describe('serve --tls-cert --tls-key', () => {
  let server: ChildProcess
  let url: string
  let port: number
  let stderr = ''
  beforeAll(async () => {
    chmodSync(file('server.key'), 0o644)
    // It holds to TLS 1.2 even if Node is told to take older ones.
    const env = { ...process.env, NODE_OPTIONS: '--tls-min-v1.0' }
    const args = [BIN, ...argsFor('server.crt', 'server.key'), '--json']
    server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    server.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    const [line] = await once(createInterface(server.stdout!), 'line')
    url = JSON.parse(line).url
    port = Number(new URL(url).port)
  }, 60_000)
  afterAll(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  })

  it('is reached by clients that know its certificate, and proves for them', async () => {
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/)
    const env = { NODE_EXTRA_CA_CERTS: file('server.crt') }
    const args = ['--input', '0x0a000000', '--out', file('proof.json'), '--url', url]
    const prove = await cliJson(['prove', guestElf('fibonacci'), ...args], { env })
    expect([prove.exitCode, prove.json.publicValues]).toEqual([0, '0x0a0000002200000037000000'])
    const stranger = { NODE_EXTRA_CA_CERTS: file('other.crt') }
    const refused = await cliJson(['prove', guestElf('fibonacci'), ...args], { env: stranger })
    expect([refused.exitCode, refused.json.error.code]).toEqual([8, 'SERVER_UNREACHABLE'])
  }, 60_000)

  it('does not answer plain HTTP', async () => {
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    expect(await status('/healthz')).toBe(200)
  })

  it.each<[SecureVersion, boolean]>([
    ['TLSv1', false],
    ['TLSv1.1', false],
    ['TLSv1.2', true],
    ['TLSv1.3', true],
  ])('%s: %s', async (version, isTaken) => {
    const outcome = await new Promise((resolve) => {
      const socket = connect(
        {
          ...{ host: '127.0.0.1', port, ca: readFileSync(file('server.crt')) },
          ...{ minVersion: version, maxVersion: version },
          // Lets OpenSSL offer the old ones at all.
          ciphers: 'ALL:@SECLEVEL=0',
        },
        () => {
          resolve(socket.getProtocol())
          socket.destroy()
        },
      )
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    })
    expect(outcome).toBe(isTaken ? version : 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  it('says that others may read the key', () => {
    expect(stderr).toContain('others may read the key of --tls-key (mode 644); chmod 600')
  })

  function status(path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const options = { ca: readFileSync(file('server.crt')) }
      const asking = request(`${url}${path}`, options, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      asking.on('error', reject)
      asking.end()
    })
  }
})

describe('refuses', () => {
  beforeAll(() => {
    chmodSync(file('server.key'), 0o600)
    writeFileSync(file('text'), 'no PEM')
    const half = readFileSync(file('server.crt'), 'utf8').slice(0, 200)
    writeFileSync(file('half.crt'), `${half}\n-----END CERTIFICATE-----\n`)
    const locked = ['-in', file('server.key'), '-out', file('locked.key'), '-passout', 'pass:x']
    execFileSync('openssl', ['ec', '-aes256', ...locked], { stdio: 'ignore' })
    const crt = readFileSync(file('server.crt'), 'utf8')
    writeFileSync(file('chain.crt'), `${crt}${readFileSync(file('half.crt'), 'utf8')}`)
  })

  it.each([
    ['a certificate that is none', 'text', 'server.key', '--tls-cert takes a PEM certificate'],
    ['half a certificate', 'half.crt', 'server.key', '--tls-cert takes a PEM certificate'],
    ['a broken chain', 'chain.crt', 'server.key', '--tls-cert names a certificate or a chain'],
    ['a key that is none', 'server.crt', 'text', '--tls-key takes a PEM key'],
    ['a certificate as key', 'server.crt', 'server.crt', '--tls-key takes a PEM key'],
    ['a key under a passphrase', 'server.crt', 'locked.key', 'without a passphrase'],
    ['the key of another', 'server.crt', 'other.key', '--tls-key is not the key of the first'],
  ])(
    '%s',
    async (_what, cert, key, sentence) => {
      const run = await cliJson(argsFor(cert, key))
      expect([run.exitCode, run.json.error.code]).toEqual([2, 'FLAG_INVALID'])
      expect(run.json.error.message).toContain(sentence)
      expect(run.stdout + run.stderr).not.toContain('PRIVATE KEY')
    },
    30_000,
  )

  it('a file that is not there, and one without the other', async () => {
    const absent = await cliJson(argsFor('absent.crt', 'server.key'))
    expect([absent.exitCode, absent.json.error.code]).toEqual([2, 'FILE_UNREADABLE'])
    const alone = await cliJson(argsFor('server.crt', 'server.key').slice(0, -2))
    expect(alone.exitCode).toBe(2)
  }, 30_000)
})
