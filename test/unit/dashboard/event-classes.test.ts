/**
 * The classes of a ledger, whoever fills it.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { classesOf, classTitle, eventsOf, isClassOf } from '../../../dashboard/src/model/event-classes.ts'
import { notCounted } from '../../../dashboard/src/model/not-counted.ts'
import { EVENT_CLASSES, STREAM_NAMES } from '../../../src/pipeline/plan.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { healthyStatus, tablesStatus } from '../../support/pipeline-status.ts'

/** What the page shows of a ledger as an equation. */
const sumOf = (status: PageStatus, stream: (typeof STREAM_NAMES)[number]): number =>
  classesOf(status)
    .filter((name) => isClassOf(stream, name))
    .reduce((sum, name) => sum + eventsOf(status, stream, name), 0)

it('the classes of an engine and those of a Flink job add up to what was read', () => {
  const engine = healthyStatus()
  const { ledger } = tablesStatus()
  const clicks = { ...ledger.clicks, read: ledger.clicks.read + 7 }
  const job = tablesStatus({ ledger: { ...ledger, clicks } })
  assert.deepEqual(classesOf(engine), EVENT_CLASSES)
  assert.deepEqual(classesOf(job), ['counted', 'duplicate', 'repeat', 'unattributed', 'malformed'])
  for (const status of [engine, job])
    for (const stream of STREAM_NAMES) assert.equal(sumOf(status, stream), status.ledger[stream].read, stream)
  assert.equal(eventsOf(job, 'clicks', 'unattributed'), 7)
  assert.equal(eventsOf(engine, 'clicks', 'unattributed'), 0, 'control')
  assert.equal(isClassOf('impressions', 'unattributed'), false)
  assert.equal(classTitle('unattributed'), 'Unattributed clicks')
  assert.equal(notCounted(job.ledger.clicks).events, 10)
})
