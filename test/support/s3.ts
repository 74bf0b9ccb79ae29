/**
 * An S3 server of a test's own: moto's, of Python's package index, which checks signatures and rights
 * as S3 does. It keeps its objects in memory, so the way to it is what a test closes and opens again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { AwsClient } from 'aws4fetch'
import type { S3Credentials, S3Options } from '../../src/core/jobs/s3-client.js'

const MOTO = new URL('../../node_modules/.cache/moto/bin/moto_server', import.meta.url).pathname
export const REGION = 'eu-central-1'
/** Anybody's, until there is a user. */
const FIRST = { accessKeyId: 'first', secretAccessKey: 'first', region: REGION }

export interface S3 {
  readonly endpoint: string
  readonly credentials: S3Credentials
  /** A new bucket. */
  makeBucket(): Promise<Omit<S3Options, 'nowMs'>>
  /** Signed by the owner. @param path - /BUCKET/KEY */
  send(method: string, path: string, body?: Uint8Array | string): Promise<Response>
  /** Names of the objects there. */
  names(bucket: string): Promise<string[]>
  /** Breaks connections, and takes none. */
  close(): void
  open(): Promise<void>
  stop(): Promise<void>
}

export async function startS3(): Promise<S3> {
  const server = spawn(MOTO, ['--host', '127.0.0.1', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: '1000', AWS_DEFAULT_REGION: REGION },
  })
  const direct = await addressOf(server)
  const way = new Way(direct)
  await way.open()
  const endpoint = `http://127.0.0.1:${way.port}`

  const iam = new AwsClient({ ...FIRST, service: 'iam' })
  const ask = async (parameters: Record<string, string>) => {
    const body = new URLSearchParams({ ...parameters, Version: '2010-05-08' })
    const response = await iam.fetch(`http://127.0.0.1:${direct}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
    })
    return response.text()
  }
  const user = { UserName: 'fleet' }
  await ask({ Action: 'CreateUser', ...user })
  const statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const rights = { PolicyName: 'all', PolicyDocument: policy }
  await ask({ Action: 'PutUserPolicy', ...user, ...rights })
  const key = await ask({ Action: 'CreateAccessKey', ...user })
  const field = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(key)?.[1] ?? ''
  const credentials = {
    accessKeyId: field('AccessKeyId'),
    secretAccessKey: field('SecretAccessKey'),
  }
  await fetch(`http://127.0.0.1:${direct}/moto-api/reset-auth`, { method: 'POST', body: '0' })

  const owner = new AwsClient({ ...credentials, region: REGION, service: 's3', retries: 0 })
  const send: S3['send'] = (method, path, body) =>
    owner.fetch(`http://127.0.0.1:${direct}${path}`, {
      method,
      ...(body && { body }),
    } as RequestInit)
  let buckets = 0
  return {
    endpoint,
    credentials,
    send,
    async makeBucket() {
      const bucket = `blobs-${++buckets}`
      const where = `<CreateBucketConfiguration><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`
      const { ok } = await send('PUT', `/${bucket}`, where)
      if (!ok) throw new Error(`no bucket ${bucket}`)
      return { bucket, prefix: 'fleet/', region: REGION, endpoint, credentials }
    },
    async names(bucket) {
      const text = await (await send('GET', `/${bucket}?list-type=2`)).text()
      return Array.from(text.matchAll(/<Key>([^<]+)<\/Key>/g), ([, name = '']) => name).sort()
    },
    close: () => way.close(),
    open: () => way.open(),
    async stop() {
      way.close()
      server.kill('SIGKILL')
      await once(server, 'exit')
    },
  }
}

async function addressOf(server: ChildProcess): Promise<number> {
  const lines = createInterface(server.stderr!)
  for await (const line of lines) {
    const [, port] = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? []
    if (port === undefined) continue
    // Each request is a line of its log; one that nobody reads would stop it.
    server.stderr!.resume()
    return Number(port)
  }
  throw new Error('moto does not start')
}

/** Passes connections on, while it is open. */
class Way {
  port = 0
  readonly #to: number
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()

  constructor(to: number) {
    this.#to = to
  }

  async open(): Promise<void> {
    const server = createServer((socket) => {
      const onward = connect(this.#to, '127.0.0.1')
      for (const end of [socket, onward]) {
        this.#sockets.add(end)
        end.on('close', () => this.#sockets.delete(end))
        end.on('error', () => {})
      }
      socket.pipe(onward).pipe(socket)
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as { port: number }).port
    this.#server = server
  }

  close(): void {
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
