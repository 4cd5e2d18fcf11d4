/**
 * Reads the table of dead letters, the newest letter first.
 */
import { withConnection } from '../../database/connection.ts'
import { findRelation } from '../../database/found-schema.ts'
import { epochMs, qualifiedTable } from '../../text/sql-text.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import { MINUTE_MS } from '../../time/units.ts'
import type { LetterFilter, StoredLetter } from '../dead-letters/stored-letter.ts'
import { DEAD_LETTER_TABLE } from './dead-letter-table.ts'

interface LetterRow {
  readonly partition: string
  readonly position: string
  readonly stream: StreamName
  readonly reason: string
  readonly field: string | null
  readonly bytes: Buffer
  readonly byteLength: string
  readonly arrivalMs: string
}

/**
 * At most `limit` letters of all pipelines of a database; none where nothing was ever written.
 *
 * @throws TidemarkError DATABASE_UNAVAILABLE, DATABASE_FAILED
 */
export async function readDeadLetters(
  url: string,
  filter: LetterFilter,
  limit: number,
): Promise<readonly StoredLetter[]> {
  const asking = { applicationName: 'tidemark dead-letters', queryTimeoutMs: MINUTE_MS, doing: 'read the dead letters' }
  return withConnection({ url, ...asking }, async (client) => {
    if ((await findRelation(client, DEAD_LETTER_TABLE)) === undefined) return []
    const { stream, reason, partition, position, fromMs, toMs } = filter
    const { rows } = await client.query<LetterRow>(
      `select partition, position, stream, reason, field, bytes, byte_length as "byteLength",
              ${epochMs('arrived_at')} as "arrivalMs"
         from ${qualifiedTable(DEAD_LETTER_TABLE)}
        where ($1::text is null or stream = $1) and ($2::text is null or reason = $2)
          and ($3::text is null or partition = $3) and ($4::bigint is null or position = $4)
          and ($5::bigint is null or arrived_at >= to_timestamp($5::bigint / 1000.0))
          and ($6::bigint is null or arrived_at < to_timestamp($6::bigint / 1000.0))
        order by epoch desc, partition desc, position desc limit $7`,
      [stream, reason, partition, position, fromMs, toMs, limit].map((value) => value ?? null),
    )
    return rows.map((row) => ({
      ...row,
      position: Number(row.position),
      field: row.field ?? undefined,
      byteLength: Number(row.byteLength),
      arrivalMs: Number(row.arrivalMs),
    }))
  })
}
