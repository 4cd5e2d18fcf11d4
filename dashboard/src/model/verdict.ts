/**
 * Whether all is well, in one sentence: the worst thing that is known comes first.
 */
import type { PipelineStatus } from '../../../src/runtime/status.ts'
import { hasEnded, whoHoldsBack, type Allowances } from './progress.ts'

export interface Verdict {
  readonly tone: 'good' | 'warn' | 'bad'
  readonly text: string
}

/** The verdict on a pipeline. */
export function verdictOf(status: PipelineStatus, allowances: Allowances): Verdict {
  const { ledger, database, intake, memory } = status
  if (ledger.impressions.difference !== 0 || ledger.clicks.difference !== 0)
    return { tone: 'bad', text: 'The ledger does not add up: do not trust the numbers' }
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
  if (hasEnded(status)) return { tone: 'good', text: 'Read to the end: everything is final' }
  const holder = whoHoldsBack(status, allowances)
  if (holder?.isWarning === true) return { tone: 'warn', text: asSentence(holder.text) }
  if (database.state === 'starting') return { tone: 'warn', text: 'PostgreSQL is starting' }
  if (status.watermarkMs === null)
    return { tone: 'warn', text: asSentence(holder?.text ?? 'waiting for the first events') }
  return { tone: 'good', text: 'All is well' }
}

function asSentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
