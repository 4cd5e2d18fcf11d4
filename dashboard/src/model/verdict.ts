/**
 * Whether all is well, in one sentence: the worst thing that is known comes first.
 */
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatLength } from '../format/times.ts'
import { nothingComes, stalledForMs, type Waiting } from './freshness.ts'
import { hasEnded, whoHoldsBack, type Allowances } from './progress.ts'

export interface Verdict {
  readonly tone: 'good' | 'warn' | 'bad'
  readonly text: string
}

/** The verdict on a pipeline, and on what waits to be written. */
export function verdictOf(status: PageStatus, allowances: Allowances, waiting: Waiting): Verdict {
  const { ledger, database, intake, memory } = status
  if (status.source === 'engine' && (ledger.impressions.difference !== 0 || ledger.clicks.difference !== 0))
    return { tone: 'bad', text: 'The ledger does not add up: do not trust the numbers' }
  if (database.state === 'down' && status.source === 'tables') return { tone: 'bad', text: 'PostgreSQL cannot be read' }
  if (database.state === 'down') {
    const what = database.intakePaused ? 'intake is paused' : 'counting goes on'
    return { tone: 'bad', text: `PostgreSQL is down; ${what}, and nothing is lost` }
  }
  if (intake.state === 'away')
    return { tone: 'bad', text: intake.message ?? 'Events over HTTP cannot be written to Kafka' }
  // Where HTTP goes into topics it is open all the same.
  if (intake.state === 'memory_full' || memory?.isFull === true)
    return { tone: 'bad', text: intake.message ?? 'Intake waits: what has to be remembered fills the memory there is' }
  if (intake.state === 'full' || intake.state === 'closed')
    return { tone: 'bad', text: `Intake is ${intake.state}: ${intake.message ?? 'the journal takes no more'}` }
  const stalledMs = stalledForMs(status, waiting)
  if (stalledMs !== null)
    return { tone: 'warn', text: `PostgreSQL has been silent for ${formatLength(stalledMs)}: no new numbers since` }
  if (hasEnded(status)) return { tone: 'good', text: 'Read to the end: everything is final' }
  const holder = whoHoldsBack(status, allowances)
  if (holder?.isWarning === true) return { tone: 'warn', text: asSentence(holder.text) }
  const silence = nothingComes(status)
  if (silence !== undefined) return { tone: 'warn', text: silence }
  if (database.state === 'starting') return { tone: 'warn', text: 'PostgreSQL is starting' }
  if (status.watermarkMs === null && status.source === 'engine')
    return { tone: 'warn', text: asSentence(holder?.text ?? 'waiting for the first events') }
  return { tone: 'good', text: 'All is well' }
}

function asSentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
