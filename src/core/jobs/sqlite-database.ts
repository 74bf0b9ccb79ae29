/**
 * An SQLite database of one process: a second one is refused while the first has it open. Writes that
 * arrive together are committed together, because a commit waits for the disk (WAL, synchronous=FULL:
 * what is committed outlives a loss of power).
 */
import Database from 'libsql'
import { UnavailableError } from '../errors.js'

export const PAGE_BYTES = 4096
const IN_MEMORY = ':memory:'

export interface SqliteOptions {
  /** `:memory:` keeps nothing. */
  readonly path: string
  /** The file never becomes larger. */
  readonly maxBytes: number
  /** What makes a database of format n one of format n + 1; a new one has format 0. */
  readonly migrations: readonly string[]
}

interface Write {
  readonly run: () => unknown
  readonly isDurable: boolean
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** Statements are written out where they are used, and prepared once. */
export class SqliteDatabase {
  readonly #database: Database.Database
  /** Beside the database: a lock on itself would outlive its closing, until statements are collected. */
  readonly #lock: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  #writes: Write[] = []
  #flush: NodeJS.Immediate | undefined

  /** @throws UnavailableError `STORE_UNAVAILABLE`, also when another process has it open */
  constructor(options: SqliteOptions) {
    const { path } = options
    const opened: Database.Database[] = []
    const open = (name: string) => {
      const database = new Database(name)
      opened.push(database)
      return database
    }
    try {
      this.#lock = open(path === IN_MEMORY ? IN_MEMORY : `${path}.lock`)
      this.#lock.exec('begin exclusive')
      this.#database = open(path)
      prepareDatabase(this.#database, options)
    } catch (error) {
      for (const database of opened) database.close()
      throw unavailable(error)
    }
  }

  /**
   * Part of the next commit; resolves when that is on the disk.
   *
   * @param isDurable - false if it is enough that it holds while this process lives
   */
  write<T>(run: () => T, isDurable = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#writes.push({ run, isDurable, resolve: resolve as Write['resolve'], reject })
      this.#flush ??= setImmediate(() => this.#commit())
    })
  }

  #commit(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    const writes = this.#writes
    this.#writes = []
    if (writes.length === 0) return
    const isDurable = writes.some((write) => write.isDurable)
    try {
      this.#database.exec(`pragma synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`)
      this.#database.exec('begin immediate')
      const outcomes = writes.map(({ run }) => attempted(run))
      this.#database.exec('commit')
      for (const [index, { resolve, reject }] of writes.entries()) {
        const outcome = outcomes[index]
        if (outcome !== undefined && 'refusal' in outcome) reject(outcome.refusal)
        else resolve(outcome?.value as never)
      }
    } catch (error) {
      this.#rollBack()
      for (const { reject } of writes) reject(unavailable(error))
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('rollback')
    } catch {
      // SQLite has rolled back itself, as it does when the disk is full.
    }
  }

  /** @throws UnavailableError `STORE_UNAVAILABLE`, as the rows of what `write` runs */
  all<T>(sql: string, ...values: unknown[]): T[] {
    try {
      return this.#statement(sql).all(...values) as T[]
    } catch (error) {
      throw unavailable(error)
    }
  }

  first<T>(sql: string, ...values: unknown[]): T | undefined {
    return this.all<T>(sql, ...values)[0]
  }

  /** @returns rows changed @throws UnavailableError `STORE_UNAVAILABLE` */
  run(sql: string, ...values: unknown[]): number {
    try {
      return this.#statement(sql).run(...values).changes
    } catch (error) {
      throw unavailable(error)
    }
  }

  close(): void {
    this.#commit()
    this.#database.close()
    this.#lock.close()
  }

  #statement(sql: string): Database.Statement {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }
}

function prepareDatabase(
  database: Database.Database,
  { maxBytes, migrations }: SqliteOptions,
): void {
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma(`max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`)
  const [{ user_version: found } = { user_version: 0 }] = database
    .prepare('pragma user_version')
    .all() as { user_version: number }[]
  if (found > migrations.length) {
    const reason = `its format ${found} is newer than this sp1-tee`
    throw new UnavailableError('STORE_UNAVAILABLE', { reason })
  }
  for (const [format, migration] of migrations.entries()) {
    if (format < found) continue
    database.exec(`begin immediate; ${migration}; pragma user_version = ${format + 1}; commit`)
  }
}

/** A refusal of ours is of one write; an error of SQLite's is of all that were to be committed. */
function attempted(run: () => unknown): { value: unknown } | { refusal: UnavailableError } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof UnavailableError && error.code !== 'STORE_UNAVAILABLE') {
      return { refusal: error }
    }
    throw error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another process has the database open',
  SQLITE_FULL: 'the disk, or what it may take of it, is full',
  SQLITE_CANTOPEN: 'the database cannot be opened',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the file is no database',
  SQLITE_READONLY: 'the database is read-only',
}

function unavailable(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code === undefined || error instanceof UnavailableError) return error
  const reason = REASONS[code.split('_').slice(0, 2).join('_')] ?? code
  return new UnavailableError('STORE_UNAVAILABLE', { reason }, error)
}
