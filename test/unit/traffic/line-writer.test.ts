/**
 * One event, written in every layout, is one event (W2).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { Deliveries, FLAGS, IMPRESSION_ID, OWN_ID, TIME_AS_TEXT } from '../../../src/traffic/deliveries.ts'
import { layoutOf } from '../../../src/traffic/layout.ts'
import { LineWriter } from '../../../src/traffic/line-writer.ts'
import { Random } from '../../../src/traffic/random.ts'
import { trafficSettings, type TrafficSettings } from '../../../src/traffic/settings.ts'

const plan = freezePlan(adPipeline)

interface Event {
  readonly timeMs?: number
  readonly flags?: number
  /** Text slot or money (last slot) to code. */
  readonly codes?: Readonly<Record<number, number>>
}

function write(stream: 'impressions' | 'clicks', event: Event, changes: Partial<TrafficSettings> = {}): string {
  const settings = trafficSettings({ hostileNames: 1, ...changes })
  const layout = layoutOf(plan, settings)
  const deliveries = new Deliveries(layout.texts.length + layout.moneys.length)
  const row = deliveries.allocate()
  const { ints, stride } = deliveries
  ints.fill(0, row * stride, (row + 1) * stride)
  ints[row * stride + FLAGS] = event.flags ?? 0
  ints.set([0x01234567, 0x89ab4def, 0x8f000000 | 0, -1], row * stride + OWN_ID)
  ints.set([1, 2, 3, 4], row * stride + IMPRESSION_ID)
  for (const [slot, code] of Object.entries(event.codes ?? {})) ints[row * stride + 12 + Number(slot)] = code
  deliveries.timesMs[row] = event.timeMs ?? 1_767_225_600_001
  const writer = new LineWriter(layout[stream], layout, deliveries, settings, new Random(1, 'test'))
  const out = new Uint8Array(writer.longestLine + 5)
  const end = writer.write(out, new DataView(out.buffer), 5, row)
  return new TextDecoder().decode(out.subarray(5, end))
}

test('W1: an impression is the bytes of JSON.stringify', () => {
  assert.equal(
    write('impressions', { codes: { 0: 41, 1: 2 } }),
    '{"impression_id":"01234567-89ab-4def-8f00-0000ffffffff","user_id":"user-42","campaign_id":"camp-3","ad_id":"ad-1",' +
      '"device_type":"mobile","browser":"chrome","event_timestamp":1767225600001,"cost":0.01}\n',
  )
})

test('a click names its own id and the impression', () => {
  assert.equal(
    write('clicks', { timeMs: 978_307_200_000 }),
    '{"click_id":"01234567-89ab-4def-8f00-0000ffffffff","impression_id":"00000001-0000-0002-0000-000300000004",' +
      '"user_id":"user-1","event_timestamp":978307200000}\n',
  )
})

test('python spacing is that of json.dumps', () => {
  assert.match(write('clicks', {}, { producer: 'python' }), /^\{"click_id": "[^"]+", "impression_id": "/)
})

test('a missing value leaves its key out, and hostile values are written as they are', () => {
  const layout = layoutOf(plan, trafficSettings({ hostileNames: 1 }))
  const [users] = layout.texts
  assert.ok(users)
  const absent = users.jsonTexts().indexOf('')
  for (const changes of [{}, { producer: 'python' }, { shuffleKeys: true }, { escapes: 1 }] as const) {
    const line = write('impressions', { codes: { 0: absent } }, changes)
    assert.equal(Object.keys(JSON.parse(line) as object).length, 7, line)
  }
  const hostile = users.texts.indexOf('你好-spring')
  assert.match(write('impressions', { codes: { 0: hostile } }), /"user_id":"你好-spring"/)
})

test('a time as text is ISO-8601 or digits', () => {
  assert.match(write('clicks', { flags: TIME_AS_TEXT }), /"event_timestamp":"1767225600001"/)
  const even = write('clicks', { flags: TIME_AS_TEXT, timeMs: 1_767_225_600_002 })
  assert.match(even, /"event_timestamp":"2026-01-01T00:00:00\.002Z"/)
})
