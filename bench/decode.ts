/**
 * The decoder alone: ns per event for predicted layouts and for what makes prediction fail, against `JSON.parse` of the
 * same lines in the same run. Run it with `node bench/decode.ts [PART_OF_A_NAME]`; the least of several rounds is
 * printed, because other work on the machine can only add to it.
 */
import { createBatch, createDecoder, createDictionaries } from '../src/engine/decode/decoder.ts'
import { adPipeline } from '../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../src/pipeline/freeze.ts'
import type { StreamName } from '../src/pipeline/plan.ts'

const LINES = 20_000
const ROUNDS = 30
const plan = freezePlan(adPipeline)

let state = 0x2545f491
function random(below: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

function uuid(): string {
  const hex = Array.from({ length: 4 }, () =>
    random(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function impression(): Record<string, unknown> {
  return {
    impression_id: uuid(),
    user_id: `user-${1 + random(10_000)}`,
    campaign_id: `camp-${1 + random(1000)}`,
    ad_id: `ad-${1 + random(100)}`,
    device_type: ['mobile', 'desktop', 'tablet', 'tv'][random(4)],
    browser: ['chrome', 'safari', 'firefox', 'edge'][random(4)],
    event_timestamp: 1_767_225_600_000 + random(3_600_000),
    cost: (1 + random(50)) / 100,
  }
}

function click(): Record<string, unknown> {
  return {
    click_id: uuid(),
    impression_id: uuid(),
    user_id: `user-${1 + random(10_000)}`,
    event_timestamp: 1_767_225_600_000 + random(3_600_000),
  }
}

function shuffled(record: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(record)
  for (let i = entries.length - 1; i > 0; i--) {
    const j = random(i + 1)
    const swapped = entries[i]
    if (swapped !== undefined) entries.splice(i, 1, ...entries.splice(j, 1, swapped))
  }
  return Object.fromEntries(entries)
}

const compact = (record: Record<string, unknown>): string => JSON.stringify(record)
const spaced = (record: Record<string, unknown>): string =>
  compact(record).replaceAll('":', '": ').replaceAll(/,"/g, ', "')
const escapedNow = (record: Record<string, unknown>): string =>
  compact(record).replace('"user_id":"', random(100) === 0 ? '"user_id":"\\u0041' : '"user_id":"A')

/** Least ns an event takes over all rounds. */
function leastNs(run: () => number): number {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const startedNs = process.hrtime.bigint()
    const events = run()
    least = Math.min(least, Number(process.hrtime.bigint() - startedNs) / events)
  }
  return least
}

function measure(name: string, stream: StreamName, make: (i: number) => string): void {
  if (!name.includes(process.argv[2] ?? '')) return
  const lines = Array.from({ length: LINES }, (_, i) => make(i))
  const block = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
  const decoder = createDecoder({
    plan,
    stream,
    dictionaries: createDictionaries(plan, 7),
    idKey: Int32Array.of(1, 2, 3, 4),
  })
  const batch = createBatch(plan, stream, 4096)
  const decodeNs = leastNs(() => {
    let events = 0
    let start = 0
    while (start < block.length) {
      batch.count = 0
      start = decoder.decodeLines(block, start, block.length, batch, 1).nextStart
      events += batch.count
    }
    return events
  })
  const parseNs = leastNs(() => {
    for (const line of lines) JSON.parse(line)
    return lines.length
  })
  const bytes = Math.round(block.length / LINES)
  const cells = [decodeNs.toFixed(0), (1000 / decodeNs).toFixed(2), parseNs.toFixed(0), (parseNs / decodeNs).toFixed(1)]
  console.log(`| ${name} | ${bytes} | ${cells.join(' | ')} |`)
}

console.log('| input | bytes a line | ns an event | M events/s | JSON.parse ns | times faster |')
console.log('| --- | --- | --- | --- | --- | --- |')
measure('impressions, one layout', 'impressions', () => compact(impression()))
measure('clicks, one layout', 'clicks', () => compact(click()))
measure('impressions, spaced as by Python', 'impressions', () => spaced(impression()))
measure('impressions, two producers mixed', 'impressions', () => (random(2) ? spaced : compact)(impression()))
measure('impressions, 1 % with an escape', 'impressions', () => escapedNow(impression()))
measure('impressions, ids that are no UUIDs', 'impressions', (i) =>
  compact({ ...impression(), impression_id: `imp-${i}` }),
)
measure('impressions, keys shuffled', 'impressions', () => compact(shuffled(impression())))
measure('impressions, keys shuffled, 1 % escapes', 'impressions', () => escapedNow(shuffled(impression())))
