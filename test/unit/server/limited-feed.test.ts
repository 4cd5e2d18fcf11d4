/**
 * What viewers who are limited to some members are told of the pipeline (F1 of `limited-feed.ts`), from the engine or
 * from tables that somebody else fills.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { limitedPatch, limitedSnapshot } from '../../../src/server/access/limited-feed.ts'
import { LiveView } from '../../../src/server/live-view.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'
import { healthyStatus, partition, streamLedger, tablesStatus } from '../../support/pipeline-status.ts'

const COUNTS = { read: 71_230_117, counted: 71_230_081, unattributed: 71_230_023, rate: 71_230.5, waiting: 71_230_011 }
const NAMES = ['topic-of-another', 'is away']

const { database } = healthyStatus()
const shared = {
  deadLettersLeft: COUNTS.waiting,
  unreadBytes: COUNTS.waiting,
  eventsPerSecond: COUNTS.rate,
  partitions: [partition({ name: 'topic-of-another', eventsRead: COUNTS.read })],
  database: { ...database, state: 'down', message: 'db-of-another is away', waitingCells: COUNTS.waiting },
} as const
const clicks = { ...streamLedger({ counted: COUNTS.counted }), read: COUNTS.read }

const STATUSES: readonly PageStatus[] = [
  healthyStatus({ ...shared, ledger: { impressions: clicks, clicks } }),
  tablesStatus({
    ...shared,
    ledger: {
      impressions: { ...clicks, difference: null },
      clicks: { ...clicks, unattributed: COUNTS.unattributed, difference: null },
    },
  }),
]

describe('what is told to whoever is limited', () => {
  for (const status of STATUSES)
    it(`F1: no count and no name of the ${status.source}; control: others are told`, () => {
      const view = new LiveView(adPlan)
      view.advance(NOON_MS, NOON_MS)
      const message = { page: view.page, data: view.snapshot(), status }
      const told = limitedSnapshot(message)
      assert.deepEqual(limitedPatch({ status }), { status: told.status })
      const [own, all] = [told, message].map((one) => JSON.stringify(one))
      for (const secret of [...NAMES, '71230']) {
        assert.ok(!own?.includes(secret), `${secret} is told`)
        assert.ok(all?.includes(secret), 'control')
      }
      assert.deepEqual(Object.keys(told.status ?? {}).toSorted(), Object.keys(status).toSorted())
    })
})
