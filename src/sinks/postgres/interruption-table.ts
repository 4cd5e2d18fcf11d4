/**
 * When results did not come, for as long as anybody may ask: the table `tidemark_interruptions`, for all pipelines of a
 * database. (The prefix is kept from definitions.)
 *
 * I1  A restart is written by the claim, an outage of PostgreSQL in the transaction of the first epoch after it.
 * I2  The newest {@link MAX_INTERRUPTIONS} of each pipeline are kept.
 */
import type { Client } from 'pg'
import { findRelation } from '../../database/found-schema.ts'
import { META } from '../../database/meta-table.ts'
import { qualifiedTable } from '../../text/sql-text.ts'
import type { Outage } from '../../runtime/status.ts'

/** Its name, on every server. */
export const INTERRUPTION_TABLE = 'tidemark_interruptions'

/** What one pipeline keeps at most (I2). */
export const MAX_INTERRUPTIONS = 1_000

const TABLE = qualifiedTable(INTERRUPTION_TABLE)

export class InterruptionTable {
  readonly #pipeline: string
  /** Beginning of the last outage that is in the table, ms. */
  #writtenUpToMs = -Infinity

  constructor(pipeline: string) {
    this.#pipeline = pipeline
  }

  /** Creates the table where it is missing. Inside the caller's transaction. */
  static async ensure(client: Client): Promise<void> {
    if ((await findRelation(client, INTERRUPTION_TABLE)) !== undefined) return
    await client.query(`
      create table ${TABLE} (
        pipeline text not null,
        kind     text not null,
        from_at  timestamptz not null,
        to_at    timestamptz not null,
        primary key (pipeline, from_at, kind)
      )`)
  }

  /** Removes everything of the pipeline, where there is such a table. Inside the caller's transaction. */
  async clear(client: Client): Promise<void> {
    if ((await findRelation(client, INTERRUPTION_TABLE)) === undefined) return
    await client.query(`delete from ${TABLE} where pipeline = $1`, [this.#pipeline])
  }

  /**
   * Notes that nothing was written since the last epoch until now. Inside the claim's transaction, before it claims.
   */
  async addRestart(client: Client): Promise<void> {
    await client.query(
      `insert into ${TABLE} (pipeline, kind, from_at, to_at)
       select pipeline, 'restart', updated_at, now() from ${META} where pipeline = $1 and epoch > 0
       on conflict (pipeline, from_at, kind) do update set to_at = excluded.to_at`,
      [this.#pipeline],
    )
    await this.#drop(client)
  }

  /** Writes the outages of this run that are over and not written yet. Inside an epoch's transaction. */
  async addOutages(client: Client, outages: readonly Outage[]): Promise<void> {
    const fresh = outages.filter(({ fromMs, toMs }) => toMs !== null && fromMs > this.#writtenUpToMs)
    if (fresh.length === 0) return
    await client.query(
      `insert into ${TABLE} (pipeline, kind, from_at, to_at)
       select $1, 'database', to_timestamp(f / 1000), to_timestamp(t / 1000)
         from unnest($2::double precision[], $3::double precision[]) as u(f, t)
       on conflict (pipeline, from_at, kind) do update set to_at = excluded.to_at`,
      [this.#pipeline, fresh.map(({ fromMs }) => fromMs), fresh.map(({ toMs }) => toMs)],
    )
    await this.#drop(client)
  }

  /** The transaction of the last {@link addOutages} is committed. */
  committed(outages: readonly Outage[]): void {
    for (const { fromMs, toMs } of outages)
      if (toMs !== null) this.#writtenUpToMs = Math.max(this.#writtenUpToMs, fromMs)
  }

  async #drop(client: Client): Promise<void> {
    await client.query(
      `delete from ${TABLE} where pipeline = $1 and from_at < (
         select from_at from ${TABLE} where pipeline = $1 order by from_at desc offset $2 limit 1)`,
      [this.#pipeline, MAX_INTERRUPTIONS - 1],
    )
  }
}
