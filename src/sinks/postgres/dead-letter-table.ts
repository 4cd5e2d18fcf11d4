/**
 * Dead letters in PostgreSQL: the table `tidemark_dead_letters`, for all pipelines of a database. (The prefix is kept
 * from definitions, so no table of a plan can have the name.)
 *
 * L1  Letters are written in their epoch's own transaction, each once: a record's place is the key.
 * L2  The table is bounded by rows and by bytes for each pipeline. What is dropped, the oldest first, is counted in
 *     `tidemark_meta.dead_letters_dropped`.
 * L3  Of a record at most {@link MAX_LETTER_BYTES} are kept; `byte_length` tells how long it was.
 */
import type { Client } from 'pg'
import { findRelation } from '../../database/found-schema.ts'
import { META } from '../../database/meta-table.ts'
import { qualifiedTable } from '../../text/sql-text.ts'
import type { DeadLetter } from '../../runtime/ports.ts'
import { plainArray, textArray } from './array-literal.ts'

/** Its name, on every server. */
export const DEAD_LETTER_TABLE = 'tidemark_dead_letters'

/** Bytes of a record that are kept (L3). */
export const MAX_LETTER_BYTES = 4_096

/** The most that one pipeline keeps (L2). */
export interface DeadLetterLimits {
  readonly rows: number
  readonly bytes: number
}

export const DEAD_LETTER_LIMITS: DeadLetterLimits = { rows: 100_000, bytes: 64 * 1_024 * 1_024 }

const TABLE = qualifiedTable(DEAD_LETTER_TABLE)
const CHUNK_LETTERS = 500
// Making room for more than is needed makes it rare.
const KEPT_SHARE = 0.9

/** What the table holds of one pipeline. */
interface Held {
  readonly rows: number
  readonly bytes: number
}

export class DeadLetterTable {
  readonly #pipeline: string
  readonly #limits: DeadLetterLimits
  #held: Held | undefined

  constructor(pipeline: string, limits: DeadLetterLimits) {
    this.#pipeline = pipeline
    this.#limits = limits
  }

  /** Creates the table where it is missing. Inside the caller's transaction. */
  static async ensure(client: Client): Promise<void> {
    if ((await findRelation(client, DEAD_LETTER_TABLE)) !== undefined) return
    await client.query(`
      create table ${TABLE} (
        pipeline    text not null,
        partition   text not null,
        position    bigint not null,
        stream      text not null,
        reason      text not null,
        field       text,
        bytes       bytea not null,
        byte_length bigint not null,
        arrived_at  timestamptz not null,
        epoch       bigint not null,
        primary key (pipeline, partition, position)
      )`)
    await client.query(`create index on ${TABLE} (pipeline, epoch)`)
  }

  /** Removes everything of the pipeline, where there is such a table. Inside the caller's transaction. */
  async clear(client: Client): Promise<void> {
    this.forget()
    if ((await findRelation(client, DEAD_LETTER_TABLE)) === undefined) return
    await client.query(`delete from ${TABLE} where pipeline = $1`, [this.#pipeline])
  }

  /** The transaction of the last {@link write} may be lost: what the table holds has to be counted anew. */
  forget(): void {
    this.#held = undefined
  }

  /** Writes the letters of an epoch (L1) and drops the oldest over the limits (L2). */
  async write(client: Client, epoch: number, letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return
    this.#held ??= await this.#count(client)
    for (let from = 0; from < letters.length; from += CHUNK_LETTERS) {
      const added = await this.#insert(client, epoch, letters.slice(from, from + CHUNK_LETTERS))
      this.#held = { rows: this.#held.rows + added.rows, bytes: this.#held.bytes + added.bytes }
    }
    if (this.#held.rows > this.#limits.rows || this.#held.bytes > this.#limits.bytes) {
      await this.#drop(client)
      this.#held = await this.#count(client)
    }
  }

  async #count(client: Client): Promise<Held> {
    return heldOf(
      client,
      `select count(*) as rows, sum(octet_length(bytes)) as bytes from ${TABLE} where pipeline = $1`,
      [this.#pipeline],
    )
  }

  async #insert(client: Client, epoch: number, letters: readonly DeadLetter[]): Promise<Held> {
    const text = (read: (letter: DeadLetter) => string): string =>
      textArray(letters.length, (i) => read(letters[i] as DeadLetter))
    const plain = (read: (letter: DeadLetter) => number): string =>
      plainArray(letters.length, (i) => read(letters[i] as DeadLetter))
    return heldOf(
      client,
      `with added as (
         insert into ${TABLE} (pipeline, partition, position, stream, reason, field, bytes, byte_length, arrived_at, epoch)
         select $1, partition, position, stream, reason, nullif(field, ''), bytes, byte_length,
                coalesce(to_timestamp(nullif(arrival_ms, 'NaN') / 1000), now()), $2
           from unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bigint[],
                       $10::double precision[])
             as u(partition, position, stream, reason, field, bytes, byte_length, arrival_ms)
         on conflict do nothing returning octet_length(bytes) as bytes)
       select count(*) as rows, sum(bytes) as bytes from added`,
      [
        this.#pipeline,
        epoch,
        text((letter) => letter.partition),
        plain((letter) => letter.position),
        text((letter) => letter.stream),
        text((letter) => letter.reason),
        text((letter) => letter.field ?? ''),
        text((letter) => String.raw`\x${hexOf(letter.bytes)}`),
        plain((letter) => letter.byteLength),
        plain((letter) => letter.arrivalMs ?? NaN),
      ],
    )
  }

  // The newest that fit stay.
  async #drop(client: Client): Promise<void> {
    const { rowCount } = await client.query(
      `delete from ${TABLE} t using (
         select partition, position, row_number() over newest as rows, sum(octet_length(bytes)) over newest as bytes
           from ${TABLE} where pipeline = $1
         window newest as (order by epoch desc, partition desc, position desc)
       ) as k
       where t.pipeline = $1 and t.partition = k.partition and t.position = k.position and (k.rows > $2 or k.bytes > $3)`,
      [this.#pipeline, Math.floor(this.#limits.rows * KEPT_SHARE), Math.floor(this.#limits.bytes * KEPT_SHARE)],
    )
    await client.query(`update ${META} set dead_letters_dropped = dead_letters_dropped + $2 where pipeline = $1`, [
      this.#pipeline,
      rowCount,
    ])
  }
}

async function heldOf(client: Client, text: string, values: readonly unknown[]): Promise<Held> {
  const { rows } = await client.query<{ rows: string; bytes: string | null }>(text, [...values])
  return { rows: Number(rows[0]?.rows ?? 0), bytes: Number(rows[0]?.bytes ?? 0) }
}

function hexOf(bytes: Uint8Array): string {
  const kept = Math.min(bytes.length, MAX_LETTER_BYTES)
  return Buffer.from(bytes.buffer, bytes.byteOffset, kept).toString('hex')
}
