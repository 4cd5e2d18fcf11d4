/**
 * Epoch stores and their epochs, for tests of the epoch protocol.
 */
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import type { DeadLetter, LiveEpoch } from '../../src/runtime/ports.ts'
import { EpochStore, type EpochStoreOptions } from '../../src/sinks/postgres/epoch-store.ts'
import { type CellInput, cellChanges, ledgerChanges, START_MS } from './change-sets.ts'
import { runSql } from './postgres.ts'

export const PLAN: Plan = freezePlan(adPipeline)
export const FOLDER_ID = '6f9619ff-8b86-4d01-b42d-00c04fc964ff'

/** A store on `url` that has claimed nothing yet. */
export function storeOn(url: string, options: Partial<EpochStoreOptions> = {}): EpochStore {
  return new EpochStore({ url, plan: PLAN, writer: 'run', folderId: FOLDER_ID, ...options })
}

/** A store that owns the tables at `url`. */
export async function claimedStore(url: string, options: Partial<EpochStoreOptions> = {}): Promise<EpochStore> {
  const store = storeOn(url, options)
  await store.claim()
  return store
}

/** Epoch `number`: every campaign of it has `number` impressions, the ledger says so, and one record was no event. */
export function liveEpoch(number: number, campaigns: readonly string[] = ['a', 'b']): LiveEpoch {
  const cells = campaigns.map((name): CellInput => ({ dimensions: [name], impressions: number }))
  return {
    number,
    watermarkMs: START_MS + number,
    positions: { 'http/impressions': number * 1_000, 'file/ä "b"': number },
    changes: {
      cells: [cellChanges('ctr_by_campaign', cells)],
      ledger: ledgerChanges([[0, 'impressions', 'counted', number * campaigns.length]]),
    },
    deadLetters: [deadLetter(number)],
  }
}

/** The dead letter at `position` of a partition. */
export function deadLetter(position: number, bytes: Uint8Array = Buffer.from(`{"no": ${position}`)): DeadLetter {
  return {
    stream: 'impressions',
    partition: 'http/impressions',
    position,
    reason: 'not one JSON object',
    field: undefined,
    bytes,
    byteLength: bytes.length,
    arrivalMs: START_MS,
  }
}

/** Everything that an epoch leaves: the row, the cells, the ledger, the dead letters; no times of ours. */
export async function leftBy(url: string): Promise<unknown> {
  return {
    row: await runSql(
      url,
      `select epoch, extract(epoch from watermark)::bigint, positions from tidemark_meta where pipeline = 'ads'`,
    ),
    cells: await runSql(url, 'select campaign_id, impressions from ctr_by_campaign order by 1'),
    ledger: await runSql(url, 'select stream, class, events from ledger order by 1, 2'),
    deadLetters: await runSql(url, 'select position, bytes, epoch from tidemark_dead_letters order by 1'),
  }
}

/** The rows of the table by campaign, by name. */
export function campaignRows(url: string): ReturnType<typeof runSql> {
  return runSql(url, 'select campaign_id, impressions, clicks, ctr, spend, is_final from ctr_by_campaign order by 1')
}
