/**
 * What speaks against going on with the tables that an epoch row stands for. Nothing is changed here.
 */
import type { Client } from 'pg'
import { EPOCH_FORMAT, type EpochRow } from '../../database/epoch-row.ts'
import { findRelation } from '../../database/found-schema.ts'
import { TidemarkError } from '../../errors.ts'
import { planChanges } from '../../pipeline/plan-changes.ts'
import { planHash } from '../../pipeline/plan-hash.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { allTables } from '../../pipeline/table-text.ts'

/** Who claims the tables, and for what. */
export interface Claim {
  readonly plan: Plan
  /** Identity of the data folder that claims. */
  readonly folderId: string
  /** Throws away the rows of another data folder. */
  readonly replace: boolean
  /** Throws away the rows of this data folder, whatever plan they have. */
  readonly rebuild: boolean
}

/**
 * The row where it is of this data folder.
 *
 * @throws TidemarkError FORMAT_NEWER, DATABASE_OTHER_FOLDER, PLAN_CHANGED
 */
export function checkClaim(row: EpochRow | undefined, claim: Claim): EpochRow | undefined {
  const { plan, folderId, replace, rebuild } = claim
  if (row === undefined) return undefined
  if (row.formatVersion > EPOCH_FORMAT) throw formatNewer(row)
  const isMine = row.folderId === folderId
  if (!isMine && row.folderId !== null && !replace) throw otherFolder(row, plan.name, folderId)
  if (isMine && row.owner === null && !rebuild) {
    if (!replace) throw takenOver(row, plan.name)
    return undefined
  }
  if (isMine && !rebuild && row.planHash !== planHash(plan)) throw planChanged(row, plan)
  return isMine ? row : undefined
}

/**
 * A table that is gone took its rows along; making it anew would hide that.
 *
 * @throws TidemarkError EPOCH_MISMATCH
 */
export async function checkTablesExist(client: Client, plan: Plan, epoch: number): Promise<void> {
  for (const { name } of allTables(plan)) {
    if ((await findRelation(client, name)) !== undefined) continue
    throw new TidemarkError('EPOCH_MISMATCH', `Epoch ${epoch} is recorded, but its table "${name}" is gone.`, {
      where: `table "${name}"`,
      fix: './tidemark rebuild (recounts the tables from the retained journal)',
    })
  }
}

function formatNewer({ formatVersion }: EpochRow): TidemarkError {
  const versions = `format ${formatVersion}, and this version knows formats up to ${EPOCH_FORMAT}`
  return new TidemarkError('FORMAT_NEWER', `The tables were written by a newer version of Tidemark: ${versions}.`, {
    fix: 'use that version, or another database',
  })
}

function otherFolder({ folderId, epoch, ownerName }: EpochRow, pipeline: string, ours: string): TidemarkError {
  const writer = ownerName === null ? '' : `, last by ${ownerName}`
  return new TidemarkError(
    'DATABASE_OTHER_FOLDER',
    `The tables of pipeline "${pipeline}" are fed by another data folder (${folderId}, epoch ${epoch}${writer}); ` +
      `ours is ${ours}.`,
    { fix: 'use that data folder (--data-dir), another database, or --replace to throw its rows away' },
  )
}

/** What stands in the tables is someone else's since, or gone: an epoch of ours would change some of its rows. */
function takenOver({ epoch, ownerName, claimedAt }: EpochRow, pipeline: string): TidemarkError {
  const by = `${ownerName ?? 'someone else'}${claimedAt === null ? '' : ` (since ${claimedAt} UTC)`}`
  return new TidemarkError(
    'DATABASE_OTHER_FOLDER',
    `The tables of pipeline "${pipeline}" were taken over by ${by}, after epoch ${epoch} of this data folder.`,
    {
      fix: 'use another database, or ./tidemark rebuild (throws away what they hold, and recounts them from the retained journal)',
    },
  )
}

function planChanged({ plan: stored, epoch }: EpochRow, plan: Plan): TidemarkError {
  const changes = planChanges(stored, plan)
  return new TidemarkError(
    'PLAN_CHANGED',
    `The definition changed since epoch ${epoch} of pipeline "${plan.name}": ${changes.join('; ')}.`,
    { fix: './tidemark rebuild (recounts the tables from the retained journal), or run the former definition' },
  )
}
