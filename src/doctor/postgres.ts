/**
 * Checks of PostgreSQL: a given server, or the programs to start our own.
 */
import { findServerBinaries } from '../database/binaries.ts'
import { withConnection } from '../database/connection.ts'
import { MIN_MAJOR_VERSION, readServerVersion, type ServerVersion } from '../database/server-version.ts'
import { messageOf, TidemarkError } from '../errors.ts'
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
        'no server programs found: PGlite stands in, with one connection, and 1.15 GB of memory for its first start',
        'Install PostgreSQL (sudo apt-get install postgresql), or name a server with --database-url.',
      )
    : ok('postgresql', `${best.version}, ${best.kind} (${best.binDir})`)
}

/** @param mayCreate whether the user of the URL may create tables in public */
export function checkGiven({ text, major }: ServerVersion, mayCreate: boolean): Check {
  const found = `${text}, given`
  if (major < MIN_MAJOR_VERSION)
    return fail(
      'postgresql',
      `${found}; needed: ${MIN_MAJOR_VERSION} or later`,
      'Use a newer server, or leave --database-url out to have one started.',
    )
  if (mayCreate) return ok('postgresql', found)
  return fail(
    'postgresql',
    `${found}; its user may not create tables in public`,
    'Let it, as an owner of the database: grant create on schema public to …',
  )
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
        const { rows } = await client.query<{ mayCreate: boolean }>(
          `select has_schema_privilege(current_user, 'public', 'create') as "mayCreate"`,
        )
        return checkGiven(await readServerVersion(client), rows[0]?.mayCreate === true)
      },
    )
  } catch (error) {
    const message = messageOf(error)
    const fix = error instanceof TidemarkError ? error.fix : undefined
    return fail('postgresql', message, fix ?? 'Start the server, or correct --database-url.')
  }
}
