import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeTicks } from '../../../dashboard/src/charts/time-axis.ts'
import { fromLocalMs, toLocal } from '../../../dashboard/src/format/zones.ts'
import { DAY_MS } from '../../../src/time/units.ts'

describe('time zones', () => {
  it('go there and back over changes of daylight-saving time', () => {
    // 2026-03-29 02:00 does not exist in Berlin, 2026-10-25 02:30 does twice.
    assert.equal(toLocal(Date.UTC(2026, 2, 29, 1), 'Europe/Berlin').toISOString(), '2026-03-29T03:00:00.000Z')
    assert.equal(fromLocalMs(Date.UTC(2026, 9, 25, 2, 30), 'Europe/Berlin'), Date.UTC(2026, 9, 25, 0, 30))
    assert.equal(fromLocalMs(Date.UTC(2026, 6, 1, 12), 'Asia/Kathmandu'), Date.UTC(2026, 6, 1, 6, 15))
  })

  it('have ticks at their own midnights, also where a day has 25 hours', () => {
    const startMs = Date.UTC(2026, 9, 24, 12)
    const ticks = timeTicks(startMs, startMs + 3 * DAY_MS, 4, 'Europe/Berlin')
    assert.deepEqual(
      ticks.map((tick) => toLocal(tick, 'Europe/Berlin').toISOString().slice(5, 16)),
      ['10-25T00:00', '10-26T00:00', '10-27T00:00'],
    )
  })
})
