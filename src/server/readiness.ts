/**
 * What the server still waits for before events may be sent to it. Silence of the sources is no reason: whoever sends
 * events only to who is ready would wait for ever.
 */
import type { PipelineStatus } from '../runtime/status.ts'

/** One sentence part for each thing awaited; none when ready. A database that went down later does not count. */
export function awaited(status: PipelineStatus | null): readonly string[] {
  if (status === null) return ['the pipeline']
  const waits: string[] = []
  if (status.database.state === 'starting') waits.push('PostgreSQL')
  if (status.intake.state === 'full') waits.push('room for the journal')
  if (status.intake.state === 'closed') waits.push('the next start: this one is stopping')
  return waits
}
