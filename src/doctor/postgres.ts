/**
 * Checks of PostgreSQL: a given server, or the programs to start our own.
 */
import { findServerBinaries } from '../database/binaries.ts'
import { withConnection } from '../database/connection.ts'
import { TidemarkError } from '../errors.ts'
import { type Check, fail, ok, warn } from './check.ts'

const CONNECT_TIMEOUT_MS = 3_000

/** @param databaseUrl a server to use as it is; our own is started otherwise */
export async function checkPostgres(databaseUrl: string | undefined): Promise<Check> {
  return databaseUrl === undefined ? checkPrograms() : checkServer(databaseUrl)
}

function checkPrograms(): Check {
  const [best] = findServerBinaries()
  return best === undefined
    ? warn(
        'postgresql',
        'no server programs found: PGlite stands in, with one connection and up to 800 MB',
        'Install PostgreSQL (sudo apt-get install postgresql), or name a server with --database-url.',
      )
    : ok('postgresql', `${best.version}, ${best.kind} (${best.binDir})`)
}

async function checkServer(url: string): Promise<Check> {
  try {
    return await withConnection(
      {
        url,
        applicationName: 'tidemark doctor',
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        queryTimeoutMs: CONNECT_TIMEOUT_MS,
      },
      async (client) => {
        const { rows } = await client.query<{ version: string; writable: boolean }>(
          `select current_setting('server_version') as version,
                  has_schema_privilege(current_user, 'public', 'create') as writable`,
        )
        const [found] = rows
        const server = `${found?.version ?? 'unknown version'}, given`
        return found?.writable === true
          ? ok('postgresql', server)
          : fail(
              'postgresql',
              `${server}; its user may not create tables in public`,
              'grant create on schema public to …',
            )
      },
    )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const fix = error instanceof TidemarkError ? error.fix : undefined
    return fail('postgresql', message, fix ?? 'Start the server, or correct --database-url.')
  }
}
