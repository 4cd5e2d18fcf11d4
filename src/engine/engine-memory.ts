/**
 * What an engine holds in memory, and what its next steps would take beside it: tables grow by copying themselves, so
 * for a moment the old one and the new one are there together.
 *
 * Y1  `growthBytes` is at least what any one step allocates that takes in about a megabyte of events, follows the
 *     watermark or hands out changes.
 */
import { keyTables, type EngineParts } from './snapshot/engine-parts.ts'
import { CLICK_ROW_BYTES, IMPRESSION_ROW_BYTES } from './snapshot/granule-rows.ts'
import { MAX_STEP_BYTES } from './snapshot/save.ts'
import { MAX_GRANULE_ROWS, type Granule } from './state/granule.ts'

/** Bytes. Small objects and texts of the JavaScript heap are not among them. */
export interface EngineMemory {
  readonly heldBytes: number
  /** What is to be kept free beside that (Y1). */
  readonly growthBytes: number
}

// A table and a copy of twice its size.
const COPY = 2
/** A granule with all of its columns, and one that it is copied to. */
const GRANULE_BYTES = 2.5 * 48 * MAX_GRANULE_ROWS
/** A changed cell as it is handed out: a dozen values and two texts. */
const CHANGE_BYTES = 200

/** Looks at every granule and window, not at what is in them. */
export function engineMemory(parts: EngineParts): EngineMemory {
  const { impressions, clicks, attribute, rollUp, finalise, ledger, dictionaries } = parts
  const windows = [rollUp.byImpression, rollUp.byClick, ...finalise.rollUps.map((one) => one.windows)]
  const keys = keyTables(parts)
  const filters = [impressions.filter, clicks.filter, attribute.named]
  const granules = impressions.granules.liveBytes + clicks.granules.liveBytes
  const tables = sum([...keys, ledger], (table) => table.byteLength) + sum(dictionaries, (texts) => texts.byteSize)
  const rows = [impressions.granules.rows, clicks.granules.rows, attribute.named.size]
  const filterGrowth = filters.map((filter, index) => filter.nextBytes(rows[index] ?? 0))
  const unsaved =
    unsavedRows(impressions.granules.list) * IMPRESSION_ROW_BYTES +
    unsavedRows(clicks.granules.list) * (CLICK_ROW_BYTES + 1)
  return {
    heldBytes:
      granules +
      tables +
      sum(filters, (filter) => filter.byteLength) +
      sum(windows, (one) => one.byteLength) +
      sum(finalise.rollUps, ({ keyOf }) => keyOf.byteLength),
    growthBytes:
      2 * GRANULE_BYTES +
      COPY * (tables + sum(windows, (one) => one.largestBytes)) +
      // Filters grow one at a time.
      Math.max(...filterGrowth) +
      unsaved +
      Math.max(MAX_STEP_BYTES, unsaved) +
      sum(windows.slice(0, 2), (one) => one.cellCount) * finalise.rollUps.length * CHANGE_BYTES,
  }
}

function unsavedRows(granules: readonly Granule[]): number {
  return sum(granules, ({ count, savedRows }) => count - savedRows)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
