/**
 * A PostgreSQL of a test's own, from the Debian package: in a temporary folder, on a socket there, no
 * port. Its initdb refuses root, so as root it runs as the user `postgres`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSIONS = '/usr/lib/postgresql'

export interface Postgres {
  readonly url: string
  /** Runs SQL as a host would that has the database's files: `psql`. @returns what it prints */
  sql(text: string): string
  /** As a host that is gone: connections stay, and nothing answers. */
  freeze(): void
  thaw(): void
  /** As a power cut would. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export async function startPostgres(): Promise<Postgres> {
  const [version] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
  const bin = `${VERSIONS}/${version}/bin`
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-postgres-'))
  const data = join(folder, 'data')
  const user = account()
  if ('uid' in user) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  // The folder of this process may be closed to that user.
  const options = { ...user, cwd: folder, stdio: 'ignore' } as const
  execFileSync(`${bin}/initdb`, ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8'], options)
  let server: ReturnType<typeof spawn> | undefined

  const postgres: Postgres = {
    url: `postgres://test@/postgres?host=${encodeURIComponent(folder)}`,
    sql: (text) => {
      const connection = ['-h', folder, '-U', 'test', '-d', 'postgres']
      const args = [...connection, '-v', 'ON_ERROR_STOP=1', '-tAc', text]
      return execFileSync(`${bin}/psql`, args, { encoding: 'utf8' }).trim()
    },
    async start() {
      const settings = ['-c', 'listen_addresses=', '-c', 'max_connections=40']
      server = spawn(`${bin}/postgres`, ['-D', data, '-k', folder, ...settings], options)
      for (let tries = 0; ; tries++) {
        try {
          execFileSync(`${bin}/pg_isready`, ['-h', folder, '-q'], options)
          return
        } catch (error) {
          if (tries === 200) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async kill() {
      await end(server, 'SIGQUIT')
    },
    async stop() {
      await end(server, 'SIGINT')
      rmSync(folder, { recursive: true })
    },
  }
  await postgres.start()
  return postgres

  /** To the server and to each of its connections. */
  function signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    const { pid } = server ?? {}
    if (pid === undefined) return
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    for (const each of [pid, ...children.map(Number)]) process.kill(each, name)
  }
}

async function end(
  server: ReturnType<typeof spawn> | undefined,
  signal: 'SIGQUIT' | 'SIGINT',
): Promise<void> {
  if (server === undefined || server.exitCode !== null) return
  server.kill(signal)
  await once(server, 'exit')
}

function account(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {}
  const number = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: number('-u'), gid: number('-g') }
}
