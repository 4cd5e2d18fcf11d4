/**
 * Where a live run goes on: PostgreSQL says which epoch its tables hold, the data folder says which checkpoints it has.
 *
 * Z1  A run goes on only from the checkpoint of the very epoch that the tables hold. Whatever does not fit is refused
 *     by name, never taken for a fresh start.
 */
import { TidemarkError } from '../errors.ts'

export type RecoveryPoint =
  /** Nothing was written yet: read everything from the beginning. */
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly epoch: number }
  /** The tables are older than every checkpoint: PostgreSQL is lost, or was restored from an older backup. */
  | { readonly kind: 'database-behind'; readonly epoch: number; readonly oldest: number }
  /** The tables are newer than every checkpoint: the data folder is lost, or was restored. */
  | { readonly kind: 'folder-behind'; readonly epoch: number; readonly newest: number | undefined }
  /** There are older and newer checkpoints, but not that one. */
  | { readonly kind: 'checkpoint-missing'; readonly epoch: number }

/**
 * Compares the two.
 *
 * @param epoch the epoch that the tables hold; 0 before the first
 * @param checkpoints the epochs of the checkpoints that can be loaded, in any order
 */
export function recoveryPoint(epoch: number, checkpoints: readonly number[]): RecoveryPoint {
  if (epoch > 0 && checkpoints.includes(epoch)) return { kind: 'resume', epoch }
  const oldest = checkpoints.length === 0 ? undefined : Math.min(...checkpoints)
  // Checkpoint 1 is written before epoch 1 is: a run that ended in between begins anew.
  if (epoch === 0 && (oldest === undefined || oldest <= 1)) return { kind: 'fresh' }
  if (oldest !== undefined && epoch < oldest) return { kind: 'database-behind', epoch, oldest }
  const newest = oldest === undefined ? undefined : Math.max(...checkpoints)
  if (newest === undefined || epoch > newest) return { kind: 'folder-behind', epoch, newest }
  return { kind: 'checkpoint-missing', epoch }
}

/**
 * The refusal to go on from a point that does not fit (Z1), or undefined.
 *
 * @param folder the data folder, for the message
 */
export function recoveryRefusal(point: RecoveryPoint, folder: string): TidemarkError | undefined {
  if (point.kind === 'fresh' || point.kind === 'resume') return undefined
  return new TidemarkError('EPOCH_MISMATCH', mismatchText(point), {
    where: folder,
    fix: './tidemark rebuild (recounts the tables from the retained journal)',
  })
}

function mismatchText(point: Exclude<RecoveryPoint, { kind: 'fresh' | 'resume' }>): string {
  const tables = point.epoch === 0 ? 'PostgreSQL holds no epoch' : `The tables in PostgreSQL hold epoch ${point.epoch}`
  if (point.kind === 'checkpoint-missing') return `${tables}, and its checkpoint is missing from the data folder.`
  if (point.kind === 'database-behind')
    return `${tables}, older than the oldest checkpoint (${point.oldest}): an older backup, or another database.`
  const found = point.newest === undefined ? 'has no checkpoint' : `has none after checkpoint ${point.newest}`
  return `${tables}, but the data folder ${found}: it was lost, or restored from an older copy.`
}
