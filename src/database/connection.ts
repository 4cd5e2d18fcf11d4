/**
 * One connection to PostgreSQL that can be given up at any moment.
 *
 * N1  No call waits for ever: connecting, each query and closing have their own time limits.
 * N2  A lost connection never becomes an unhandled error; the next query on it rejects.
 */
import { Socket } from 'node:net'
import pg from 'pg'
import { databaseError } from './database-error.ts'
import { checkDatabaseUrl } from './database-url.ts'

/** What a connection needs. */
export interface ConnectionOptions {
  /** `postgresql://user:password@host:port/database`. */
  readonly url: string
  /** What the server's activity views call us. */
  readonly applicationName: string
  readonly connectTimeoutMs?: number
  /** Longest wait for the answer to one statement; 0 waits as long as the connection lives. */
  readonly queryTimeoutMs?: number
}

export interface Connection {
  readonly client: pg.Client
  /** Says goodbye and cuts the line soon after, whether or not the server answers. Safe to call twice. */
  close(): Promise<void>
}

const CLOSE_TIMEOUT_MS = 300

/**
 * Connects.
 *
 * @throws TidemarkError USAGE for what is no URL of a PostgreSQL server; DATABASE_UNAVAILABLE, DATABASE_FAILED
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  checkDatabaseUrl(options.url)
  const socket = new Socket()
  const queryTimeoutMs = options.queryTimeoutMs ?? 10_000
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    query_timeout: queryTimeoutMs,
    // The server gives up a little later than we do: it must not go on with what nobody waits for.
    statement_timeout: queryTimeoutMs === 0 ? 0 : queryTimeoutMs + 1_000,
    keepAlive: true,
    stream: () => socket,
  })
  client.on('error', () => socket.destroy())
  try {
    await client.connect()
  } catch (error) {
    socket.destroy()
    throw databaseError(error, 'connect to PostgreSQL', options.url)
  }
  return { client, close: () => closeWithin(client, socket) }
}

async function closeWithin(client: pg.Client, socket: Socket): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
  })
  await Promise.race([client.end().catch(() => undefined), cut])
  clearTimeout(timer)
  socket.destroy()
}

/** A connection for one piece of work. */
export interface WorkOptions extends ConnectionOptions {
  /** What cannot be done where the work fails, such as `read the dead letters`. */
  readonly doing?: string
}

/**
 * Connects, does `work`, and closes whatever happens.
 *
 * @throws TidemarkError as {@link connect}, for what goes wrong during the work as well; errors of ours as they are
 */
export async function withConnection<T>(options: WorkOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const connection = await connect(options)
  try {
    return await work(connection.client)
  } catch (error) {
    throw databaseError(error, options.doing ?? 'use PostgreSQL', options.url)
  } finally {
    await connection.close()
  }
}

/** Does `work` in a transaction: all of it, or nothing. */
export async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}
