/**
 * What of an engine is saved, and the scalars among it.
 */
import { TidemarkError } from '../../errors.ts'
import type { Watermarks } from '../../time/watermarks.ts'
import type { Ledger } from '../ledger.ts'
import type { Attribute } from '../operators/attribute.ts'
import type { Deduplicate } from '../operators/deduplicate.ts'
import type { Finalise } from '../operators/finalise.ts'
import type { RollUpState } from '../operators/roll-up.ts'
import type { ClickGranule } from '../state/click-granule.ts'
import type { ImpressionGranule } from '../state/impression-granule.ts'
import type { KeyTable } from '../state/key-table.ts'
import type { ByteReader } from './bytes.ts'
import { beginSection, endSection, SECTION } from './payload.ts'
import type { SavedTexts } from './tables.ts'

/** How far an engine has come by itself. */
export interface EngineProgress {
  /** The watermark as of which state was last settled and expired. */
  advancedMs: number
  sweepSize: number
}

/** The parts of an engine that hold state. */
export interface EngineParts {
  readonly watermarks: Watermarks
  readonly ledger: Ledger
  readonly impressions: Deduplicate<ImpressionGranule>
  readonly clicks: Deduplicate<ClickGranule>
  readonly rollUp: RollUpState
  readonly attribute: Attribute
  readonly finalise: Finalise
  readonly dictionaries: readonly SavedTexts[]
  readonly progress: EngineProgress
}

/** The tables that number tuples: combinations, then the keys of each roll-up. */
export function keyTables({ rollUp, finalise }: EngineParts): readonly KeyTable[] {
  return [rollUp.combinations, ...finalise.rollUps.map(({ keys }) => keys)]
}

/** What must be known before sections are applied: what has gone, and what must be there in the end. */
export interface SavedScalars {
  readonly settledMs: number
  readonly liveImpressions: number
  readonly liveClicks: number
}

/** The scalars of an engine, and which ledger cells were not handed out since they changed. */
export function scalars(parts: EngineParts): Uint8Array {
  const { ledger, impressions, clicks, finalise, attribute, progress, watermarks } = parts
  const writer = beginSection(SECTION.engine, 1024)
  writer.u32(finalise.rollUps.length)
  for (const { name } of finalise.rollUps) writer.text(name)
  const { read, totals } = ledger.totals()
  writer.column(read)
  writer.column(totals)
  writer.f64(watermarks.pipelineMs)
  writer.f64(progress.advancedMs)
  writer.f64(progress.sweepSize)
  writer.f64(attribute.settledMs)
  writer.f64(finalise.takenBeforeMs)
  for (const { granules } of [impressions, clicks]) {
    writer.f64(granules.rows)
    writer.f64(granules.lengthMs)
    writer.f64(granules.lastKey)
  }
  writer.u32(ledger.changedKeys.length)
  for (const key of ledger.changedKeys) writer.f64(key)
  return endSection(writer)
}

/** Takes over the scalars. */
export function restoreScalars(parts: EngineParts, body: ByteReader): SavedScalars {
  const { ledger, impressions, clicks, finalise, progress, watermarks } = parts
  const names = Array.from({ length: body.u32() }, () => body.text())
  const own = finalise.rollUps.map(({ name }) => name)
  if (names.join('\n') !== own.join('\n'))
    throw new TidemarkError(
      'PLAN_CHANGED',
      `The saved state of the engine has the roll-ups ${names.join(', ')}; this run keeps ${own.join(', ')}.`,
      { fix: 'Go back to what they were, or count again: ./tidemark rebuild' },
    )
  const { read, totals } = ledger.totals()
  body.into(read)
  body.into(totals)
  ledger.restoreTotals(read, totals)
  watermarks.restorePipeline(body.f64())
  progress.advancedMs = body.f64()
  progress.sweepSize = body.f64()
  const settledMs = body.f64()
  finalise.takenBeforeMs = body.f64()
  const [liveImpressions = 0, liveClicks = 0] = [impressions, clicks].map(({ granules }) => {
    const rows = body.f64()
    granules.lengthMs = body.f64()
    granules.lastKey = body.f64()
    return rows
  })
  for (let count = body.u32(); count > 0; count--) ledger.restoreChanged(body.f64())
  return { settledMs, liveImpressions, liveClicks }
}
