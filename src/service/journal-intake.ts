/**
 * The way from HTTP into the journal.
 */
import type { Plan, StreamName } from '../pipeline/plan.ts'
import type { JournalSource } from '../runtime/journal-source.ts'
import type { Intake } from '../runtime/ports.ts'
import type { LivePartition } from './live-partitions.ts'

/** Where HTTP hands events over that go into the journal; undefined where the plan takes none over HTTP. */
export function journalIntake(
  plan: Plan,
  partitions: readonly LivePartition[],
  source: JournalSource,
): Intake | undefined {
  const http = plan.sources.find(({ kind }) => kind === 'http')
  if (http === undefined) return undefined
  const indexOf = (stream: StreamName): number => partitions.findIndex(({ name }) => name === `${http.name}/${stream}`)
  const indexes = { impressions: indexOf('impressions'), clicks: indexOf('clicks') }
  return {
    get isOpen() {
      return source.isOpen
    },
    get closedBy() {
      return source.closedBy
    },
    append: (stream, lines, recordCount) => source.append(indexes[stream], lines, recordCount),
  }
}
