/**
 * The row of a pipeline in `tidemark_meta` as the epoch protocol has it: the single point of decision on which epoch is
 * in the tables, and on who may write the next one.
 *
 * F1  Fencing: only the row's owner moves it on, and only from one epoch to the next. Whoever was overtaken finds no
 *     row to move, whatever it still has under way, and writes nothing.
 * F2  The row moves in the transaction that writes the epoch's values: it says exactly what the tables hold.
 */
import type { Client } from 'pg'
import { TidemarkError } from '../errors.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import type { LiveEpoch, Positions } from '../runtime/ports.ts'
import { disownOthers, META, watermarkText, type WriterKind } from './meta-table.ts'
import { epochMs } from '../text/sql-text.ts'

/** What this program writes and understands. A row of a later one is not touched. */
export const EPOCH_FORMAT = 1

/** How far the tables are. */
export interface EpochRow {
  readonly planHash: string
  /** The plan that the tables were written by, as JSON gave it back. */
  readonly plan: unknown
  readonly writer: WriterKind
  /** Identity of the data folder whose journal feeds the tables; null where they come from elsewhere. */
  readonly folderId: string | null
  /** Who may write; null for nobody. */
  readonly owner: string | null
  /** The same for people. */
  readonly ownerName: string | null
  /** When it took over, as text in UTC. */
  readonly claimedAt: string | null
  readonly epoch: number
  /** ±Infinity as such; -Infinity before the first epoch. */
  readonly watermarkMs: number
  readonly positions: Positions
  readonly formatVersion: number
}

/** Who takes the row over. */
export interface EpochOwner {
  readonly id: string
  /** For people: which process, and where. */
  readonly name: string
  readonly writer: WriterKind
  readonly folderId: string
}

interface StoredRow extends Omit<EpochRow, 'epoch' | 'watermarkMs' | 'positions'> {
  readonly epoch: string
  readonly watermark: string | null
  readonly positions: unknown
}

const SELECT = `
  select plan_hash as "planHash", plan, writer, folder_id as "folderId", owner, owner_name as "ownerName",
         to_char(claimed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as "claimedAt", epoch::text as epoch,
         case when isfinite(watermark) then ${epochMs('watermark')}::text else watermark::text end
           as watermark,
         positions, format_version as "formatVersion"
    from ${META} where pipeline = $1`

/**
 * The row of a pipeline, or undefined.
 *
 * @param lock keeps everyone else from changing it until the transaction ends
 */
export async function readEpochRow(client: Client, pipeline: string, lock = false): Promise<EpochRow | undefined> {
  const { rows } = await client.query<StoredRow>(lock ? `${SELECT} for update` : SELECT, [pipeline])
  const [row] = rows
  if (row === undefined) return undefined
  return {
    ...row,
    epoch: Number(row.epoch),
    watermarkMs: watermarkOf(row.watermark),
    positions: positionsOf(row.positions, pipeline),
  }
}

function watermarkOf(text: string | null): number {
  if (text === null || text === '-infinity') return -Infinity
  return text === 'infinity' ? Infinity : Math.round(Number(text))
}

function positionsOf(stored: unknown, pipeline: string): Positions {
  const entries: [string, unknown][] = typeof stored === 'object' && stored !== null ? Object.entries(stored) : []
  return Object.fromEntries(
    entries.map(([partition, position]) => {
      if (typeof position === 'number' && Number.isSafeInteger(position) && position >= 0) return [partition, position]
      const given = `the position of "${partition}" is ${JSON.stringify(position)}`
      throw new TidemarkError('EPOCH_MISMATCH', `The epoch row of "${pipeline}" is damaged: ${given}.`, {
        where: META,
        fix: './tidemark rebuild',
      })
    }),
  )
}

/** Begins a pipeline anew at epoch 0, owned by `owner`. */
export async function startEpochRow(client: Client, plan: Plan, owner: EpochOwner): Promise<void> {
  const tables = allTables(plan).map((table) => table.name)
  await client.query(
    `insert into ${META} as m (pipeline, plan_hash, plan, tables, writer, folder_id, owner, owner_name, claimed_at,
       format_version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now(), $9)
     on conflict (pipeline) do update set plan_hash = excluded.plan_hash, plan = excluded.plan, tables = excluded.tables,
       writer = excluded.writer, epoch = 0, watermark = null, started_at = now(), updated_at = now(),
       folder_id = excluded.folder_id, owner = excluded.owner, owner_name = excluded.owner_name,
       claimed_at = excluded.claimed_at, positions = '{}', format_version = excluded.format_version,
       dead_letters_dropped = 0`,
    [
      plan.name,
      planHash(plan),
      JSON.stringify(plan),
      tables,
      owner.writer,
      owner.folderId,
      owner.id,
      owner.name,
      EPOCH_FORMAT,
    ],
  )
  await disownOthers(client, plan)
}

/** Takes a pipeline over where it stands. */
export async function takeOverEpochRow(client: Client, plan: Plan, owner: EpochOwner): Promise<void> {
  await client.query(
    `update ${META} set owner = $2, owner_name = $3, writer = $4, claimed_at = now() where pipeline = $1`,
    [plan.name, owner.id, owner.name, owner.writer],
  )
  await disownOthers(client, plan)
}

/**
 * Moves the row from the epoch before to `epoch` (F1). Part of the epoch's own transaction.
 *
 * @returns whether there was such a row of this owner
 */
export async function advanceEpochRow(
  client: Client,
  pipeline: string,
  owner: string,
  { number, watermarkMs, positions }: LiveEpoch,
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'tidemark_advance_epoch',
    text: `update ${META} set epoch = $3, watermark = $4, positions = $5, updated_at = now()
           where pipeline = $1 and owner = $2 and epoch = $3::bigint - 1`,
    values: [pipeline, owner, number, watermarkText(watermarkMs), JSON.stringify(positions)],
  })
  return rowCount === 1
}
