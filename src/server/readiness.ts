/**
 * What the server still waits for before its answers mean something.
 */
import type { PipelineStatus } from '../runtime/status.ts'

/** One sentence part for each thing awaited; none when ready. A database that went down later does not count. */
export function awaited(status: PipelineStatus | null): readonly string[] {
  if (status === null) return ['the pipeline']
  const waits: string[] = []
  if (status.database.state === 'starting') waits.push('PostgreSQL')
  if (status.partitions.every(({ state }) => state === 'waiting')) waits.push('the first event')
  return waits
}
