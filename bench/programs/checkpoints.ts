/**
 * What checkpoints cost: fills an engine with so many live impressions in epochs, saves each epoch, restores the last, and
 * tells how long that took, as JSON. Nothing is written to disk: that is the store's part.
 *
 * Usage: node checkpoints.ts LIVE EVENTS_PER_EPOCH
 */
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'

/** What was measured. */
export interface Checkpoints {
  readonly liveImpressions: number
  readonly liveClicks: number
  /** Time spent reading events and handing out changes, and in snapshots. */
  readonly countMs: number
  readonly snapshotMs: number
  readonly longestSnapshotMs: number
  readonly newBytesPerEvent: number
  readonly longestChainBytes: number
  readonly chainBytes: number
  readonly chainPayloads: number
  readonly restoreMs: number
  /** The first snapshot after the restore, and the first look at every id of an epoch. */
  readonly nextSnapshotMs: number
}

const HEX = '0123456789abcdef'
const CLICK_EVERY = 20
const [live = 1_000_000, perEpoch = 100_000] = process.argv.slice(2).map(Number)

const plan = freezePlan(adPipeline)
const options = {
  plan,
  rollUps: plan.tables,
  partitions: STREAM_NAMES.map((stream) => ({ stream, name: stream })),
  deadLetters: { write: (): void => undefined },
}
const START_MS = Date.parse('2026-01-01T00:00:00Z')
// As many seconds of event time as the plan remembers, so that the state holds `live` and then stays that large.
const retentionMs = 40 * 60_000
const stepMs = (retentionMs * perEpoch) / live
let seed = 1

function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
  return seed >>> 8
}

function uuid(n: number): string {
  let text = ''
  let mixed = n
  for (let i = 0; i < 32; i++) {
    mixed = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) + n + i) | 0
    text += HEX[(mixed >>> 11) & 15]
    if (i === 7 || i === 11 || i === 15 || i === 19) text += '-'
  }
  return text
}

/** Time of the processor, so that neighbours on the machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function epochLines(epoch: number): [impressions: Buffer, clicks: Buffer] {
  const impressions: string[] = []
  const clicks: string[] = []
  for (let i = 0; i < perEpoch; i++) {
    const number = epoch * perEpoch + i
    const timeMs = Math.floor(START_MS + epoch * stepMs + (i * stepMs) / perEpoch)
    impressions.push(
      `{"impression_id":"${uuid(number)}","user_id":"u${number % 10_000}","campaign_id":"c${random() % 1_000}",` +
        `"ad_id":"a1","device_type":"d${random() % 4}","browser":"b${random() % 4}","event_timestamp":${timeMs},"cost":0.25}\n`,
    )
    if (i % CLICK_EVERY !== 0) continue
    const clicked = Math.max(0, number - (random() % (perEpoch * 5)))
    clicks.push(
      `{"click_id":"${uuid(number + 1e9)}","impression_id":"${uuid(clicked)}","user_id":"u1","event_timestamp":${timeMs}}\n`,
    )
  }
  return [Buffer.from(impressions.join('')), Buffer.from(clicks.join(''))]
}

const pipeline = new Pipeline({ ...options, random: crypto.getRandomValues(new Int32Array(16)) })
let chain: { readonly epoch: number; readonly bytes: Buffer }[] = []
let countMs = 0
let snapshotMs = 0
let longestSnapshotMs = 0
let longestChainBytes = 0
let addedBytes = 0
const epochs = Math.ceil((1.6 * live) / perEpoch)
const byteLength = (payloads: readonly { readonly bytes: Buffer }[]): number =>
  payloads.reduce((bytes, payload) => bytes + payload.bytes.length, 0)
for (let epoch = 1; epoch <= epochs; epoch++) {
  const lines = epochLines(epoch)
  const startMs = cpuMs()
  for (const [partition, block] of lines.entries()) pipeline.offerLines(partition, block, 0, block.length, Infinity)
  pipeline.engine.advance()
  pipeline.engine.changes()
  const countedMs = cpuMs()
  const { since, parts } = pipeline.snapshot(epoch)
  const savedMs = cpuMs()
  countMs += countedMs - startMs
  snapshotMs += savedMs - countedMs
  longestSnapshotMs = Math.max(longestSnapshotMs, savedMs - countedMs)
  chain = chain.filter((payload) => payload.epoch >= since)
  const bytes = Buffer.concat(parts)
  addedBytes += bytes.length
  chain.push({ epoch, bytes })
  longestChainBytes = Math.max(longestChainBytes, byteLength(chain))
}
const state = pipeline.engine.state()
const payloads = chain.map(({ bytes }) => bytes)
const restoreStartMs = cpuMs()
const restored = Pipeline.restore(options, payloads)
const restoreMs = cpuMs() - restoreStartMs
const again = epochLines(epochs + 1)
for (const [partition, block] of again.entries()) restored.offerLines(partition, block, 0, block.length, Infinity)
restored.engine.advance()
restored.engine.changes()
const nextStartMs = cpuMs()
restored.snapshot(epochs + 1)
const result: Checkpoints = {
  liveImpressions: state.liveImpressions,
  liveClicks: state.liveClicks,
  countMs,
  snapshotMs,
  longestSnapshotMs,
  newBytesPerEvent: addedBytes / pipeline.eventsRead,
  longestChainBytes,
  chainBytes: byteLength(chain),
  chainPayloads: chain.length,
  restoreMs,
  nextSnapshotMs: cpuMs() - nextStartMs,
}
console.log(JSON.stringify(result))
