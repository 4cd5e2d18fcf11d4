/**
 * The traffic itself, by its invariants G1 to G4 and its settings.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { EVENT_CLASSES } from '../../../src/pipeline/plan.ts'
import { AdTraffic } from '../../../src/traffic/ad-traffic.ts'
import { TRAFFIC_PRESETS, trafficSettings, type TrafficSettings } from '../../../src/traffic/settings.ts'
import { linesOf, makeTrafficLog, type TrafficLog } from '../../support/traffic-log.ts'

const plan = freezePlan(adPipeline)

type JsonRecord = { [key: string]: string | number }

function log(changes: Partial<TrafficSettings>, events: number, stepMs?: number): TrafficLog {
  return makeTrafficLog(plan, trafficSettings(changes), events, stepMs === undefined ? {} : { stepMs })
}

function records(source: TrafficLog, stream: 'impressions' | 'clicks'): JsonRecord[] {
  const decoder = new TextDecoder()
  return source.partitions
    .filter((partition) => partition.stream === stream)
    .flatMap(({ bytes }) => linesOf(bytes).map((line) => JSON.parse(decoder.decode(line)) as JsonRecord))
}

const hostile = { ...TRAFFIC_PRESETS.hostile, partitions: 3 }

test('G1: the same seed gives the same bytes, however the time is divided', () => {
  const whole = log({ ...hostile, seed: 5 }, 20_000)
  for (const stepMs of [1, 50, 777]) {
    const stepped = log({ ...hostile, seed: 5 }, stepMs === 1 ? 500 : 20_000, stepMs)
    for (const [index, { bytes }] of stepped.partitions.entries()) {
      const expected = whole.partitions[index]?.bytes.subarray(0, bytes.length) ?? new Uint8Array()
      assert.ok(Buffer.from(bytes).equals(expected), `step ${stepMs}, partition ${index}`)
    }
  }
})

test('G1, control: another seed gives other bytes', () => {
  const [a, b] = [5, 6].map((seed) => log({ seed }, 100).partitions[0]?.bytes ?? new Uint8Array())
  assert.notDeepEqual(a, b)
})

test('G1: without its truth it writes the same', () => {
  const settings = trafficSettings({ ...hostile, seed: 9 })
  const bare = makeTrafficLog(plan, settings, 5_000, { withTruth: false })
  assert.deepEqual(
    bare.partitions.map(({ bytes }) => Buffer.from(bytes).toString('latin1')),
    makeTrafficLog(plan, settings, 5_000).partitions.map(({ bytes }) => Buffer.from(bytes).toString('latin1')),
  )
})

test('G2: with disorder d an event is at most d behind the highest time read', () => {
  for (const disorderMs of [0, 2_000]) {
    let highestMs = 0
    let furthestMs = 0
    for (const { event_timestamp: timeMs } of records(log({ disorderMs }, 5_000), 'impressions')) {
      assert.ok(typeof timeMs === 'number')
      furthestMs = Math.max(furthestMs, highestMs - timeMs)
      highestMs = Math.max(highestMs, timeMs)
    }
    assert.ok(furthestMs <= disorderMs)
    assert.ok(furthestMs > disorderMs / 2 || disorderMs === 0, 'control: there is disorder')
  }
})

test('G2: all lines of one id are in one partition', () => {
  const partitions = new Map<unknown, string>()
  const source = log({ seed: 2, duplicates: 0.3, partitions: 4 }, 10_000)
  const decoder = new TextDecoder()
  let copies = 0
  for (const { name, stream, bytes } of source.partitions) {
    for (const line of linesOf(bytes)) {
      const id = (JSON.parse(decoder.decode(line)) as JsonRecord)[
        stream === 'impressions' ? 'impression_id' : 'click_id'
      ]
      if (partitions.has(id)) copies++
      assert.equal(partitions.get(id) ?? name, name)
      partitions.set(id, name)
    }
  }
  assert.ok(copies > 1_000)
})

test('G3: what is in flight does not grow with the length', () => {
  const traffic = new AdTraffic(plan, trafficSettings({ ...TRAFFIC_PRESETS.demo, rate: 200 }), { withTruth: true })
  const peakAfter = (hours: number): { deliveries: number; stories: number } => {
    const peak = { deliveries: 0, stories: 0 }
    const untilMs = traffic.nowMs + hours * 3_600_000
    while (traffic.nowMs < untilMs) {
      traffic.advance(traffic.nowMs + 10_000, () => undefined)
      peak.deliveries = Math.max(peak.deliveries, traffic.inFlight.deliveries)
      peak.stories = Math.max(peak.stories, traffic.inFlight.stories)
    }
    return peak
  }
  // The first hour fills what waits longest: ids used again after 35 minutes.
  const first = peakAfter(1)
  const second = peakAfter(0.5)
  assert.ok(second.deliveries < first.deliveries * 1.3, `${second.deliveries} after ${first.deliveries}`)
  assert.ok(second.stories < first.stories * 1.3, `${second.stories} after ${first.stories}`)
})

test('the default is the shape of the original demo, and nothing in it is out of the ordinary', () => {
  const source = log({ seed: 3 }, 50_000)
  const { ledger } = source.traffic.truth.totals()
  for (const eventClass of EVENT_CLASSES) {
    if (eventClass !== 'counted') assert.equal(ledger.impressions[eventClass], 0, eventClass)
    if (!['counted', 'orphan'].includes(eventClass)) assert.equal(ledger.clicks[eventClass], 0, eventClass)
  }
  const impressions = records(source, 'impressions')
  const values = (field: string): Set<unknown> => new Set(impressions.map((record) => record[field]))
  assert.equal(values('campaign_id').size, 10)
  assert.equal(values('ad_id').size, 100)
  assert.deepEqual([...values('device_type')].toSorted(), ['desktop', 'mobile', 'tablet'])
  assert.deepEqual([...values('browser')].toSorted(), ['chrome', 'edge', 'firefox', 'safari'])
  assert.ok(values('user_id').size > 9_000 && values('user_id').size <= 10_000)
  assert.equal(values('cost').size, 50)
  assert.deepEqual(
    Object.keys(impressions[0] ?? {}),
    plan.streams.impressions.fields.map((field) => field.name),
  )
})

test('clicks come 0.5 to 10 s after their impression, at 0.1 times the boost of the campaign', () => {
  const source = log({ seed: 4, incidents: false }, 100_000)
  const impressions = new Map(records(source, 'impressions').map((record) => [record['impression_id'], record]))
  const byCampaign = new Map<unknown, number>()
  const clicks = records(source, 'clicks')
  for (const click of clicks) {
    const impression = impressions.get(click['impression_id'])
    if (impression === undefined) continue
    const delayMs = Number(click['event_timestamp']) - Number(impression['event_timestamp'])
    assert.ok(delayMs >= 500 && delayMs <= 10_000)
    assert.equal(click['user_id'], impression['user_id'])
    byCampaign.set(impression['campaign_id'], (byCampaign.get(impression['campaign_id']) ?? 0) + 1)
  }
  const perCampaign = impressions.size / 10
  for (const count of byCampaign.values()) {
    const ratio = count / perCampaign
    assert.ok(ratio > 0.07 && ratio < 0.165, `click ratio ${ratio}`)
  }
})

test('now and then a campaign goes wrong', () => {
  const rows = (incidents: boolean): number[] => {
    const { traffic } = log({ seed: 11, incidents, rate: 200, clickBoostMin: 1, clickBoostMax: 1 }, 400_000)
    const table = traffic.truth.tables().get('ctr_by_campaign') ?? []
    return table.map((row) => Number(row[5]))
  }
  const wrong = (ratios: readonly number[]): number => ratios.filter((ratio) => ratio > 0.17 || ratio < 0.045).length
  assert.ok(wrong(rows(true)) >= 3)
  assert.ok(wrong(rows(false)) <= 1, 'control')
})

test('S2 of settings, and K2 of companions: shares of all lines come out as asked', () => {
  const asked = { duplicates: 0.04, orphans: 0.02, repeats: 0.03, late: 0.01, malformed: 0.01 }
  const events = 200_000
  const { traffic } = log({ seed: 8, ...asked, rate: 100, partitions: 2 }, events)
  const { ledger } = traffic.truth.totals()
  const found = {
    duplicates: (ledger.impressions.duplicate ?? 0) + (ledger.clicks.duplicate ?? 0),
    orphans: ledger.clicks.orphan ?? 0,
    repeats: ledger.clicks.repeat ?? 0,
    late: (ledger.impressions.late ?? 0) + (ledger.clicks.late ?? 0),
    malformed: (ledger.impressions.malformed ?? 0) + (ledger.clicks.malformed ?? 0),
  }
  for (const [name, count] of Object.entries(found)) {
    const share = asked[name as keyof typeof asked]
    assert.ok(Math.abs(count / events / share - 1) < 0.12, `${name}: ${count} of ${events}, asked for ${share}`)
  }
})

test('every class that a bounded log can have occurs in hostile traffic', () => {
  const { ledger } = log({ ...hostile, seed: 1 }, 20_000).traffic.truth.totals()
  for (const eventClass of ['counted', 'duplicate', 'late', 'malformed'] as const)
    assert.ok((ledger.impressions[eventClass] ?? 0) > 0, `impressions ${eventClass}`)
  for (const eventClass of EVENT_CLASSES) {
    const isPossible = eventClass !== 'pending' && eventClass !== 'future'
    assert.equal((ledger.clicks[eventClass] ?? 0) > 0, isPossible, `clicks ${eventClass}`)
  }
})

test('U2 of truth: conservation: every line is in one class', () => {
  const { read } = log({ ...hostile, seed: 12 }, 7_777).traffic.truth.totals()
  assert.equal(read.impressions + read.clicks, 7_777)
})

test('skew puts the share asked for on the first tenth of the campaigns', () => {
  const impressions = records(log({ seed: 1, campaigns: 50, skew: 0.9 }, 20_000), 'impressions')
  const top = impressions.filter((record) => Number(String(record['campaign_id']).slice(5)) <= 5).length
  assert.ok(Math.abs(top / impressions.length - 0.9) < 0.02)
})

test('python spacing, shuffled keys and escapes leave the values as they are', () => {
  const plain = records(log({ seed: 6, disorderMs: 0 }, 2_000), 'impressions')
  for (const changes of [{ producer: 'python' }, { shuffleKeys: true }, { escapes: 1 }] as const) {
    const source = log({ seed: 6, disorderMs: 0, ...changes }, 2_000)
    assert.deepEqual(records(source, 'impressions'), plain)
    const text = Buffer.from(source.partitions[0]?.bytes ?? []).toString()
    if ('producer' in changes) assert.ok(text.startsWith('{"impression_id": "'))
    if ('escapes' in changes) assert.match(text, /\\u/)
  }
})

test('L1 of layout: a field that a definition adds has values', () => {
  const wider = freezePlan({ ...adPipeline, dimensions: { ...adPipeline.dimensions, country: {}, placement: {} } })
  const source = makeTrafficLog(wider, trafficSettings(), 2_000)
  const values = (field: string): unknown[] =>
    [...new Set(records(source, 'impressions').map((record) => record[field]))].toSorted()
  assert.ok(values('country').includes('DE'))
  assert.deepEqual(values('placement'), ['placement-1', 'placement-2', 'placement-3', 'placement-4', 'placement-5'])
})

test('a plan may have many dimensions, while names are ordinary, and ids beside those of the events', () => {
  const names = Array.from({ length: 12 }, (_, index) => `extra_${index}`)
  const { impressions, clicks } = adPipeline.streams
  const wide = freezePlan({
    ...adPipeline,
    streams: { clicks, impressions: { ...impressions, fields: { ...impressions.fields, click_id: 'id' } } },
    dimensions: { ...adPipeline.dimensions, ...Object.fromEntries(names.map((name) => [name, {}])) },
    tables: { wide: { dimensions: names, measures: ['impressions'] } },
  })
  const source = makeTrafficLog(wide, trafficSettings(), 1_000)
  assert.equal(source.traffic.truth.totals().read.impressions, records(source, 'impressions').length)
  for (const record of records(source, 'impressions')) assert.match(String(record['click_id']), /^click_id-[1-5]$/)
  assert.throws(() => makeTrafficLog(wide, trafficSettings({ hostileNames: 0.1 }), 10), { code: 'STATE_LIMIT' })
})

test('an oversized line is 2 MB, and its neighbours are whole', () => {
  const source = log({ seed: 3, malformed: 0.01, oversizedLines: 0.5 }, 300)
  const lengths = source.partitions.flatMap(({ bytes }) => linesOf(bytes).map((line) => line.length))
  assert.ok(lengths.some((length) => length > 1_048_576))
  assert.equal(lengths.length, 300)
})
