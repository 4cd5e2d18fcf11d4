/**
 * Where Superset finds the tables. The password is no part of it: it is handed over when the bundle is installed.
 */
export interface DataConnection {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
}

/** A local server and its read-only role. */
export const DEFAULT_CONNECTION: DataConnection = {
  host: '127.0.0.1',
  port: 5432,
  database: 'tidemark',
  username: 'tidemark_reader',
}

/** What stands in a bundle instead of the password; Superset knows it by this form. */
const MASK = 'XXXXXXXXXX'

/** The connection as SQLAlchemy writes it, its password masked. */
export function sqlalchemyUri({ host, port, database, username }: DataConnection): string {
  const [user, name] = [username, database].map(encodeURIComponent)
  return `postgresql+psycopg2://${user}:${MASK}@${host}:${port}/${name}`
}
