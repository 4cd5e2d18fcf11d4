/**
 * What the server still waits for before events may be sent to it. Silence of the sources is no reason: whoever sends
 * events only to who is ready would wait for ever.
 */
import type { PageStatus } from '../runtime/status.ts'

/**
 * One sentence part for each thing awaited; none when ready. A database that went down later does not count: events are
 * taken all the same.
 *
 * @param starting what the start waits for, while there is no status
 */
export function awaited(status: PageStatus | null, starting: string = 'the pipeline'): readonly string[] {
  if (status === null) return [starting]
  const waits: string[] = []
  if (status.database.state === 'starting') waits.push('PostgreSQL')
  const { state, message } = status.intake
  if (state === 'full') waits.push(message === null ? 'room for the journal' : `room for the journal: ${message}`)
  if (state === 'memory_full') waits.push(message === null ? 'memory' : `memory: ${message}`)
  if (state === 'away') waits.push(message ?? 'the brokers of Kafka')
  if (state === 'closed') waits.push('the next start: this one is stopping')
  return waits
}
