/**
 * A simulated log on its way to the ingest of a run: all of it arrives, in the order of its partition, and what is in
 * the way is waited for or told.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import { HttpLines } from '../../src/sinks/http-lines.ts'
import { trafficSettings } from '../../src/traffic/settings.ts'
import { generateLog } from '../../src/traffic/writers/generate-log.ts'
import { startIngest, type IngestRig } from '../support/ingest-rig.ts'
import { eventually } from '../support/eventually.ts'
import { adPlan } from '../support/page-changes.ts'
import { makeTrafficLog } from '../support/traffic-log.ts'

let rig: IngestRig
before(async () => {
  rig = await startIngest()
})
after(async () => rig.close())

const silent = (): void => undefined
const settings = trafficSettings({ seed: 3, duplicates: 0.02, malformed: 0.01 })

test('H1: the server has the bytes that a folder would have', async () => {
  const target = new HttpLines(rig.server.url, undefined, silent)
  const report = await generateLog({ plan: adPlan, settings, events: 30_000, target })
  const log = makeTrafficLog(adPlan, settings, 30_000, { withTruth: false })
  for (const stream of STREAM_NAMES) {
    const sent = rig.intake.appended.filter((part) => part.stream === stream).map(({ text }) => text)
    const made = log.partitions
      .filter((part) => part.stream === stream)
      .map(({ bytes }) => Buffer.from(bytes).toString())
    assert.ok(sent.join('') === made.join(''), stream)
  }
  assert.equal(report.read.impressions + report.read.clicks, 30_000)
})

test('H2: a server that has no room is asked again', async () => {
  rig.intake.failure = new TidemarkError('DISK_FULL', 'full', { retryable: true, fix: 'wait' })
  const before = rig.intake.appended.length
  const told: string[] = []
  const target = new HttpLines(rig.server.url, undefined, (reason) => told.push(reason))
  const sending = generateLog({ plan: adPlan, settings, events: 100, target })
  await eventually('whoever waits is told why', () => told.length === 1)
  assert.match(told[0] ?? '', /503/)
  assert.equal(rig.intake.appended.length, before, 'control: nothing is taken')
  rig.intake.failure = undefined
  await sending
  await eventually('the events are there', () => rig.intake.appended.length > before)
})

test('an address that cannot be asked at all is told at once', async () => {
  const target = new HttpLines('http://127.0.0.1:1', undefined, () => assert.fail('nothing to wait for'))
  await assert.rejects(generateLog({ plan: adPlan, settings, events: 10, target }), /bad port/)
})

test('H2: a refusal is told with what the server says', async () => {
  const target = new HttpLines(`${rig.server.url}/nowhere`, undefined, silent)
  await assert.rejects(generateLog({ plan: adPlan, settings, events: 10, target }), (error) => {
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'INGEST_REFUSED')
    assert.match(error.message, /404/)
    return true
  })
})
