/**
 * Where Superset is to find the tables, from a database URL.
 */
import { checkDatabaseUrl } from '../database/database-url.ts'
import { DEFAULT_CONNECTION, type DataConnection } from '../superset/connection.ts'

/**
 * The connection that a URL names, or that of a local server.
 *
 * @throws TidemarkError USAGE
 */
export function connectionOf(databaseUrl: string | undefined): DataConnection {
  if (databaseUrl === undefined) return DEFAULT_CONNECTION
  checkDatabaseUrl(databaseUrl)
  const { hostname, port, pathname, username } = new URL(databaseUrl)
  return {
    host: hostname,
    port: port === '' ? DEFAULT_CONNECTION.port : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    username: decodeURIComponent(username),
  }
}
