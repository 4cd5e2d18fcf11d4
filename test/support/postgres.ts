/**
 * A real PostgreSQL for tests: one server per test process, one empty database per call.
 *
 * A fresh cluster takes a second; so one is kept below the temporary folder and each process starts on its own copy.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServerBinaries } from '../../src/database/binaries.ts'
import { connect } from '../../src/database/connection.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'

export interface TestPostgres {
  readonly database: Database
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>
  /** Stops the server and removes its files. */
  stop(): Promise<void>
}

/** Starts a server of this process's own. Call `stop` in `after`. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const dataDir = makeDataDir()
  await copyTemplate(dataDir)
  // Syncing some hundred small files a database to disk would take most of a test's time.
  const database = await openDatabase({ dataDir, settings: { fsync: 'off' } })
  let made = 0
  return {
    database,
    createDatabase: async () => {
      const name = `test_${++made}`
      await runSql(database.url, `create database ${name}`)
      return new URL(`/${name}`, database.url).href
    },
    stop: async () => {
      await database.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** A new folder below the temporary one that the server's user can enter (`mkdtemp` makes private ones). */
export function makeDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark test '))
  chmodSync(dataDir, 0o755)
  return dataDir
}

/** Runs one statement on a connection of its own and gives its rows as texts. Rejects with what the server says. */
export async function runSql(url: string, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  const connection = await connect({ url, applicationName: 'tidemark test' })
  try {
    const { rows } = await connection.client.query<(string | null)[]>({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    })
    return rows
  } finally {
    await connection.close()
  }
}

async function templateFolder(): Promise<string> {
  const version = findServerBinaries()[0]?.version ?? 'none'
  const template = join(tmpdir(), `tidemark-test-template-${version}-${process.getuid?.() ?? 0}-2`)
  if (existsSync(template)) return template
  const dataDir = makeDataDir()
  const database = await openDatabase({ dataDir })
  await database.stop()
  rmSync(join(dataDir, 'postgres', 'port'))
  try {
    renameSync(join(dataDir, 'postgres'), template)
  } catch (error) {
    // Another process made it meanwhile.
    if (!existsSync(template)) throw error
  }
  rmSync(dataDir, { recursive: true, force: true })
  return template
}

/** Puts a copy of the cluster into a data folder. */
export async function copyTemplate(dataDir: string): Promise<void> {
  const from = await templateFolder()
  const to = join(dataDir, 'postgres')
  // cp keeps owners and shares blocks where the file system can.
  if (process.getuid?.() === 0) execFileSync('cp', ['-a', from, to])
  else cpSync(from, to, { recursive: true, preserveTimestamps: true })
}

/** Whether some session of the server waits for what another one has locked. */
export async function isLockAwaited(url: string): Promise<boolean> {
  const [row] = await runSql(url, 'select count(*) from pg_locks where not granted')
  return row?.[0] !== '0'
}
