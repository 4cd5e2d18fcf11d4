/**
 * The screen of `tidemark top` (T1 of `top-screen.ts`).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { topScreen } from '../../../src/cli/top-screen.ts'
import { LiveView } from '../../../src/server/live-view.ts'
import type { SnapshotMessage } from '../../../src/server/page-data.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { adPlan, NOON_MS, pageChanges } from '../../support/page-changes.ts'
import { healthyStatus, partition, streamLedger, tablesStatus } from '../../support/pipeline-status.ts'

function message(status: PageStatus | null): SnapshotMessage {
  const view = new LiveView(adPlan)
  view.apply(
    pageChanges([
      { minute: -2, campaign: 'spring', impressions: 2_000, clicks: 31 },
      { minute: -1, campaign: '\u001b[2Jevil\u202e', impressions: 1_000, clicks: 0 },
    ]),
  )
  view.advance(NOON_MS, NOON_MS - 6_000)
  return { page: view.page, data: view.snapshot(), status }
}

describe('the screen of top', () => {
  it('says rates, ledger with its difference, who holds back, what is unread, and the largest campaigns', () => {
    const clicks = partition({
      name: 'http/clicks',
      stream: 'clicks',
      silentForMs: 14_000,
      idleInMs: 6_000,
      unreadBytes: 2_500,
    })
    const status = healthyStatus({
      unreadBytes: 2_500,
      partitions: [partition({ name: 'http/impressions' }), clicks],
      ledger: { impressions: streamLedger({ counted: 900, late: 3 }), clicks: streamLedger({ counted: 7 }, 2) },
    })
    const text = topScreen(message(status), 200).join('\n')
    assert.match(text, /^50 events\/s {3}counting for 60 min {3}epoch 8,412 in 38 ms$/m)
    assert.match(text, /^impressions +903 read = 900 counted \+ 3 late {2}\(difference 0\)$/m)
    assert.match(text, /^clicks +9 read = 7 counted {2}\(difference 2\)$/m)
    assert.match(text, /6\.0 s behind, held back by http\/clicks: silent for 14\.0 s, stops counting in 6\.0 s$/m)
    assert.match(text, /unread 2\.5 kB/)
    assert.match(text, /^all +3,000 +31 +1\.03 %$/m)
    assert.match(text, /^spring +2,000 +31 +1\.55 %$/m)
  })

  it('keeps columns apart under long names, as the demo has them', () => {
    const name = 'simulated-traffic/impressions-0'
    const lines = topScreen(
      message(healthyStatus({ partitions: [partition({ name }), partition({ name: 'b' })] })),
      200,
    )
    const [head, ...rows] = lines.slice(
      lines.findIndex((line) => line.startsWith('partition')),
      -4,
    )
    const at = head?.indexOf('state')
    assert.deepEqual(
      rows.filter((line) => line !== '').map((line) => line.indexOf('active')),
      [at, at],
    )
  })

  it('says of a log that was read to its end that nothing goes on', () => {
    const { database } = healthyStatus()
    const partitions = [partition({ name: 'impressions.ndjson', state: 'ended' })]
    const status = healthyStatus({ partitions, watermarkMs: null, database: { ...database, state: 'none' } })
    const text = topScreen(message(status), 200).join('\n')
    assert.match(text, /^1 partition, read to the end: everything is final$/m)
    assert.doesNotMatch(text, /watermark not there yet|PostgreSQL|intake/)
  })

  it('says of the tables of a Flink job the class that they have, and no difference: nobody knows it there', () => {
    const clicks = { ...streamLedger({ counted: 70, repeat: 3 }), read: 80, unattributed: 7, difference: null }
    const impressions = { ...streamLedger({ counted: 900 }), difference: null }
    const text = topScreen(message(tablesStatus({ ledger: { impressions, clicks } })), 200).join('\n')
    assert.match(text, /^clicks +80 read = 70 counted \+ 3 repeat \+ 7 unattributed$/m)
    assert.match(text, /^impressions +900 read = 900 counted$/m)
  })

  it('tells a user who is limited no zeros for totals', () => {
    const text = topScreen(message(healthyStatus()), 200, true).join('\n')
    assert.match(text, /^PostgreSQL up$/m)
    assert.match(text, /numbers of some members alone and no totals/)
    assert.doesNotMatch(text, /read =|^all/m)
  })

  it('says what is wrong with PostgreSQL and the intake', () => {
    const { database, intake } = healthyStatus()
    const text = topScreen(
      message(
        healthyStatus({
          database: { ...database, state: 'down', message: 'It is away.', waitingCells: 12_000, intakePaused: true },
          intake: { ...intake, state: 'full', message: 'The disk is full.' },
          watermarkMs: null,
        }),
      ),
      200,
    ).join('\n')
    assert.match(text, /^PostgreSQL down for 60 min, 12,000 cells wait, counting pauses: It is away\.$/m)
    assert.match(text, /^intake full: The disk is full\. /m)
    assert.match(text, /watermark not there yet/)
  })

  it('T1: shows names escaped, and no line wider than the terminal; before the pipeline runs it says so', () => {
    for (const width of [20, 60, 200]) {
      const lines = topScreen(message(healthyStatus()), width)
      assert.ok(lines.every((line) => line.length <= width))
      assert.doesNotMatch(lines.join('\n'), /[\u001b\u202e]/)
    }
    assert.equal(topScreen(message(null), 80)[0], 'The pipeline is starting.')
  })
})
