/**
 * Which versions of PostgreSQL will do. Nothing of ours needs more than 11 has; below 13 nobody mends PostgreSQL
 * itself.
 */
import type { Client } from 'pg'

/** The oldest major version that is taken. */
export const MIN_MAJOR_VERSION = 13

/** The version of a server. */
export interface ServerVersion {
  /** Such as `18.4`, with what its maker adds. */
  readonly text: string
  /** Such as 18. */
  readonly major: number
}

/** Asks a server for its version. */
export async function readServerVersion(client: Client): Promise<ServerVersion> {
  const { rows } = await client.query<{ text: string; number: string }>(
    `select current_setting('server_version') as text, current_setting('server_version_num') as number`,
  )
  return { text: rows[0]?.text ?? 'unknown', major: Math.floor(Number(rows[0]?.number) / 10_000) }
}
