/**
 * One way to PostgreSQL for everybody: a given server, else our own from installed programs, else the limited fallback.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from 'pg'
import { codeOf, TidemarkError } from '../errors.ts'
import { machineMemoryBytes } from '../runtime/machine-memory.ts'
import { makeFolder } from '../runtime/make-folder.ts'
import { MINUTE_MS } from '../time/units.ts'
import { findServerBinaries, type ServerBinaries } from './binaries.ts'
import {
  type ClusterFiles,
  clusterFolder,
  OWNER_ROLE,
  prepareClusterFiles,
  rememberedPort,
  rememberPort,
  secretIn,
} from './cluster-files.ts'
import { withConnection } from './connection.ts'
import { describeUrl } from './database-error.ts'
import { lockFolder } from './folder-lock.ts'
import { OwnServer, type ServerOptions } from './own-server.ts'
import { READER_ROLE, readerRoleStatements } from './reader-role.ts'
import { MIN_MAJOR_VERSION, readServerVersion } from './server-version.ts'
import { quoteIdentifier, quoteLiteral, SCHEMA } from '../text/sql-text.ts'

/** Where to look for a database. */
export interface OpenDatabaseOptions {
  /** A server to use as it is. */
  readonly databaseUrl?: string | undefined
  /** Our own server keeps its files in `postgres/` below it. Made if missing. */
  readonly dataDir: string
  /** Takes lines for people: what was created, found, stopped. */
  readonly log?: (line: string) => void
  /** The installations to choose from; those of this machine unless given. */
  readonly installed?: readonly ServerBinaries[]
  /** What there is for all processes together, bytes; that of this machine unless given. */
  readonly machineBytes?: number
  /** Settings of PostgreSQL for our own server, beside or in place of ours. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A database that is ready for connections. */
export interface Database {
  readonly kind: 'given' | 'embedded' | 'system' | 'pglite'
  /** Connects as the owner of the tables; works when given to psql. */
  readonly url: string
  /** Connects as a user who may only read. Undefined where we cannot make one. */
  readonly readOnlyUrl: string | undefined
  /** One line for people, without secrets. */
  readonly describe: string
  /** Number of the server's process where it is our own. */
  readonly serverPid: number | undefined
  /** Stops the server if it is our own. Safe to call twice. */
  stop(): Promise<void>
}

const DATABASE_NAME = 'tidemark'
/** The only user and the only database of PGlite. */
const PGLITE_NAME = 'postgres'

/**
 * Finds or starts PostgreSQL.
 *
 * @throws TidemarkError DATABASE_UNAVAILABLE, DATABASE_BINARIES_MISSING, DATA_DIR_BUSY, DATA_DIR_UNUSABLE
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  if (options.databaseUrl !== undefined) return openGiven(options.databaseUrl)
  const folder = makeDataFolder(resolve(options.dataDir, 'postgres'))
  const lock = lockFolder(folder, 'data folder')
  try {
    return await openOwn(folder, () => lock.release(), options)
  } catch (error) {
    lock.release()
    throw unusableUnlessKnown(error, folder)
  }
}

/** A database to read from, whoever started it. */
export interface JoinedDatabase {
  readonly url: string
  /** Stops the server where it was started for this. */
  close(): Promise<void>
}

/**
 * The database of a data folder to read from: the given one; that of the instance that runs on the folder; else our own
 * server, started for it. Nothing is made: whoever only reads has no use for an empty server.
 *
 * @throws TidemarkError like {@link openDatabase}
 */
export async function joinDatabase(options: OpenDatabaseOptions): Promise<JoinedDatabase> {
  if (options.databaseUrl === undefined) requireOwn(resolve(options.dataDir, 'postgres'))
  try {
    const database = await openDatabase(options)
    return { url: database.url, close: () => database.stop() }
  } catch (error) {
    const url =
      error instanceof TidemarkError && error.code === 'DATA_DIR_BUSY' ? runningUrl(options.dataDir) : undefined
    if (url === undefined) throw error
    return { url, close: async () => undefined }
  }
}

function requireOwn(folder: string): void {
  if (existsSync(clusterFolder(folder)) || existsSync(pgliteFolder(folder))) return
  throw new TidemarkError('DATABASE_UNAVAILABLE', `There is no PostgreSQL of ours in ${folder}.`, {
    where: folder,
    fix: 'name the folder of a run with --data-dir, or the database it writes to with --database-url',
  })
}

function runningUrl(dataDir: string): string | undefined {
  const folder = resolve(dataDir, 'postgres')
  const port = rememberedPort(folder)
  if (port === undefined || !existsSync(join(folder, 'password'))) return undefined
  const password = secretIn(join(folder, 'password'))
  return existsSync(clusterFolder(folder)) ? ownUrl(OWNER_ROLE, password, port) : pgliteUrl(password, port)
}

const pgliteFolder = (folder: string): string => join(folder, 'pglite')

function ownUrl(role: string, password: string, port: number): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${DATABASE_NAME}`
}

function pgliteUrl(password: string, port: number): string {
  return `postgresql://${PGLITE_NAME}:${password}@127.0.0.1:${port}/${PGLITE_NAME}`
}

async function openGiven(url: string): Promise<Database> {
  const { text, major } = await withConnection({ url, applicationName: 'tidemark' }, readServerVersion)
  if (major < MIN_MAJOR_VERSION)
    throw new TidemarkError('DATABASE_UNAVAILABLE', `PostgreSQL ${text} is too old (at least ${MIN_MAJOR_VERSION}).`, {
      where: describeUrl(url),
      fix: 'use a newer server, or leave --database-url out to have one started',
    })
  return {
    kind: 'given',
    url,
    readOnlyUrl: undefined,
    describe: `PostgreSQL ${text} at ${describeUrl(url)}`,
    serverPid: undefined,
    stop: async () => undefined,
  }
}

async function openOwn(folder: string, release: () => void, options: OpenDatabaseOptions): Promise<Database> {
  const log = options.log ?? (() => undefined)
  const installed = options.installed ?? findServerBinaries()
  if (installed.length === 0 && !existsSync(clusterFolder(folder))) return openFallback(folder, release, options)
  const files = { ...(await prepareClusterFiles(folder, installed, log)), settings: options.settings ?? {} }
  const { server, url } = await startServer(files, log)
  return {
    kind: files.binaries.kind,
    url,
    readOnlyUrl: ownUrl(READER_ROLE, files.readerPassword, server.port),
    describe: `PostgreSQL ${files.binaries.version}, our own server on port ${server.port}, data in ${files.clusterDir}`,
    get serverPid() {
      return server.pid
    },
    stop: async () => {
      await server.stop()
      release()
    },
  }
}

async function startServer(files: ServerOptions, log: (line: string) => void): Promise<ReadyServer> {
  const left = await OwnServer.takeOver(files, log)
  // One that does not answer is started again.
  const ready = left === undefined ? undefined : await readyServer(left, files).catch(() => undefined)
  return ready ?? readyServer(await OwnServer.start(files, log), files)
}

interface ReadyServer {
  readonly server: OwnServer
  /** Connects as the owner. */
  readonly url: string
}

async function readyServer(server: OwnServer, files: ServerOptions): Promise<ReadyServer> {
  const url = ownUrl(OWNER_ROLE, files.ownerPassword, server.port)
  try {
    await ensureDatabase(url, files)
    return { server, url }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** PGlite took 1.15 GB while it made its first files, half of that later. */
const PGLITE_BYTES = 1.25e9

function refuseTooLittle(machineBytes: number): void {
  if (machineBytes >= PGLITE_BYTES) return
  const megabytes = Math.floor(machineBytes / 1e6)
  throw new TidemarkError(
    'MEMORY_TOO_LITTLE',
    `No PostgreSQL server is installed here, and to make PGlite, which stands in for one, takes ${PGLITE_BYTES / 1e6} MB of memory. There are ${megabytes}.`,
    {
      given: machineBytes,
      allowed: [`${PGLITE_BYTES / 1e6} MB or more`],
      fix: '--database-url postgresql://…, or install PostgreSQL (sudo apt-get install postgresql)',
    },
  )
}

async function openFallback(folder: string, release: () => void, options: OpenDatabaseOptions): Promise<Database> {
  const { log = (): void => undefined, machineBytes = machineMemoryBytes() } = options
  if (!existsSync(pgliteFolder(folder))) refuseTooLittle(machineBytes)
  log('No PostgreSQL server is installed here; using PGlite, which serves one connection at a time and small data only')
  // Loaded only where it is needed: it brings 20 MB of WebAssembly.
  const { PgliteServer } = await import('./pglite-server.ts')
  const password = secretIn(join(folder, 'password'))
  const server = await PgliteServer.start(pgliteFolder(folder), password, rememberedPort(folder) ?? 0)
  rememberPort(folder, server.port)
  return {
    kind: 'pglite',
    url: pgliteUrl(password, server.port),
    readOnlyUrl: undefined,
    describe: `PGlite (a limited fallback: one connection at a time, small data) on port ${server.port}, data in ${folder}`,
    serverPid: undefined,
    stop: async () => {
      await server.stop()
      release()
    },
  }
}

async function ensureDatabase(url: string, files: ClusterFiles): Promise<void> {
  const closeSchema = async (): Promise<void> => withConnection({ url, applicationName: 'tidemark' }, keepReaderOut)
  try {
    await closeSchema()
  } catch (error) {
    if (!(error instanceof TidemarkError) || codeOf(error.cause) !== '3D000') throw error
    await createDatabase(new URL('/postgres', url).href, files)
    await closeSchema()
  }
}

// Before PostgreSQL 15 whoever may log in may make tables in public.
async function keepReaderOut(client: Client): Promise<void> {
  const { rows } = await client.query<{ mayCreate: boolean }>(
    `select has_schema_privilege(oid, $2, 'create') as "mayCreate" from pg_roles where rolname = $1`,
    [READER_ROLE, SCHEMA],
  )
  if (rows[0]?.mayCreate === true) await client.query(`revoke create on schema ${quoteIdentifier(SCHEMA)} from public`)
}

async function createDatabase(url: string, files: ClusterFiles): Promise<void> {
  const making = { applicationName: 'tidemark', queryTimeoutMs: MINUTE_MS, doing: 'create the database' }
  await withConnection({ url, ...making }, async (client) => {
    for (const statement of readerRoleStatements(`login password ${quoteLiteral(files.readerPassword)}`))
      await client.query(statement)
    await client.query(`create database ${quoteIdentifier(DATABASE_NAME)}`)
  })
}

function makeDataFolder(folder: string): string {
  try {
    makeFolder(folder)
    return folder
  } catch (error) {
    throw unusableUnlessKnown(error, folder)
  }
}

function unusableUnlessKnown(error: unknown, folder: string): unknown {
  if (error instanceof TidemarkError || !(error instanceof Error) || !('syscall' in error)) return error
  return new TidemarkError('DATA_DIR_UNUSABLE', `The data folder ${folder} cannot be used: ${error.message}`, {
    where: folder,
    fix: 'choose another folder with --data-dir, or make this one writable',
    cause: error,
  })
}

/** The URL of our own server for the role that may only read; undefined where `dataDir` has none. */
export function readerUrl(ownerUrl: string, dataDir: string): string | undefined {
  const passwordFile = join(resolve(dataDir), 'postgres', 'reader-password')
  if (!existsSync(passwordFile)) return undefined
  return ownUrl(READER_ROLE, secretIn(passwordFile), Number(new URL(ownerUrl).port))
}

/** The line that opens psql on a database when pasted into a shell. */
export function psqlCommand(url: string): string {
  return `psql '${url.replaceAll("'", String.raw`'\''`)}'`
}
