/**
 * Change sets for the page's roll-ups, as an engine would hand them out: one impression cell goes to the total and to
 * its member of each dimension.
 */
import type { CellChanges, ChangeSet } from '../../src/pipeline/cells.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../src/time/units.ts'

export const adPlan: Plan = freezePlan(adPipeline)

/** 2026-01-01T12:00:00.000Z */
export const NOON_MS: number = Date.UTC(2026, 0, 1, 12)

/** Absolute values of one minute of one campaign on one device. */
export interface Traffic {
  /** Minutes after noon. */
  readonly minute: number
  readonly campaign: string
  readonly device?: string
  readonly impressions: number
  readonly clicks?: number
  readonly micros?: bigint
  /** Minutes after the impression at which the clicks happened. */
  readonly clickDelay?: number
}

interface Sums {
  impressions: number
  clicks: number
  micros: bigint
}

/** The page's cells of all of `traffic`, whole. `finalBefore` is a minute after noon. */
export function pageChanges(traffic: readonly Traffic[], finalBefore: number = -Infinity): ChangeSet {
  const cells = new Map<string, Map<string, Sums>>()
  const add = (rollUp: string, minute: number, name: string, sums: Sums): void => {
    const rows = cells.get(rollUp) ?? new Map<string, Sums>()
    cells.set(rollUp, rows)
    const key = JSON.stringify([minute, name])
    const old = rows.get(key) ?? { impressions: 0, clicks: 0, micros: 0n }
    rows.set(key, {
      impressions: old.impressions + sums.impressions,
      clicks: old.clicks + sums.clicks,
      micros: old.micros + sums.micros,
    })
  }
  for (const { minute, campaign, device = 'mobile', impressions, clicks = 0, micros = 0n, clickDelay = 0 } of traffic) {
    const sums = { impressions, clicks, micros }
    add('page:total', minute, '', sums)
    add('page:by:campaign_id', minute, campaign, sums)
    add('page:by:device_type', minute, device, sums)
    add('page:by:browser', minute, 'chrome', sums)
    if (clicks === 0) continue
    add('page:clicks:total', minute + clickDelay, '', { impressions: 0, clicks, micros: 0n })
    add('page:clicks:by:device_type', minute + clickDelay, device, { impressions: 0, clicks, micros: 0n })
  }
  return changeSet([...cells].map(([rollUp, rows]) => toChanges(rollUp, rows, finalBefore)))
}

/** A change set of these cells and no ledger. */
export function changeSet(cells: readonly CellChanges[]): ChangeSet {
  return { cells, ledger: { count: 0, windowStartMs: [], stream: [], eventClass: [], events: [] } }
}

function toChanges(rollUp: string, rows: ReadonlyMap<string, Sums>, finalBefore: number): CellChanges {
  const keys = [...rows.keys()].map((key) => JSON.parse(key) as [number, string])
  const sums = [...rows.values()]
  return {
    rollUp,
    count: keys.length,
    windowStartMs: keys.map(([minute]) => NOON_MS + minute * MINUTE_MS),
    dimensions: rollUp.endsWith('total') ? [] : [keys.map(([, name]) => name)],
    impressions: sums.map(({ impressions }) => impressions),
    clicks: sums.map(({ clicks }) => clicks),
    sumsMicros: [sums.map(({ micros }) => micros)],
    isFinal: keys.map(([minute]) => minute < finalBefore),
    removed: keys.map(() => false),
  }
}
