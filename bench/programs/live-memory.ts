/**
 * Memory for each live impression: fills an engine until so many are remembered, and tells what that took, as JSON.
 * Run with `--expose-gc`, so that garbage is not counted.
 *
 * Usage: node --expose-gc live-memory.ts IMPRESSIONS CLICKS DEFINITION LIVE
 */
import { readSync, openSync } from 'node:fs'
import { loadPlanFile } from '../../src/cli/load-definition.ts'
import { MAX_RECORD_BYTES } from '../../src/engine/decode/decoder.ts'
import { LineFramer } from '../../src/engine/decode/line-framer.ts'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'

/** What was measured. */
export interface LiveMemory {
  readonly liveImpressions: number
  /** Tables of ids and what stands beside each. */
  readonly idBytes: number
  /** Typed arrays of the process, and all of its memory: growth since a hundredth of the impressions were live. */
  readonly grownArrayBytes: number
  readonly grownRssBytes: number
  readonly grownImpressions: number
}

interface Look {
  readonly live: number
  readonly arrayBytes: number
  readonly rssBytes: number
}

const READ_BYTES = 1 << 18
const [impressionsPath = '', clicksPath = '', definition = '', liveText = ''] = process.argv.slice(2)
const wanted = Number(liveText)

const plan = await loadPlanFile(definition, { attributionWindow: '1d' })
const partitions = STREAM_NAMES.map((stream) => ({ stream, name: stream }))
const random = crypto.getRandomValues(new Int32Array(16))
const deadLetters = { write: (): void => undefined }
const pipeline = new Pipeline({ plan, rollUps: plan.tables, partitions, deadLetters, random })
const files = [impressionsPath, clicksPath].map((path) => ({
  fd: openSync(path, 'r'),
  framer: new LineFramer(MAX_RECORD_BYTES, READ_BYTES),
}))

/** Reads a block of the partition that is furthest behind, as a replay does; false when all have ended. */
function step(): boolean {
  const partition = pipeline.engine.watermarks.slowest()
  const file = files[partition]
  if (file === undefined) return false
  const span = file.framer.writable()
  const byteCount = readSync(file.fd, span.buffer, span.offset, Math.min(span.length, READ_BYTES), null)
  if (byteCount === 0) file.framer.end()
  else file.framer.commit(byteCount)
  if (file.framer.hasLines) {
    const { block, linesStart, linesEnd } = file.framer
    pipeline.offerLines(partition, block, linesStart, linesEnd, Infinity)
    file.framer.consume(linesEnd, pipeline.nextLineOf[partition] ?? 0)
  }
  if (byteCount === 0) pipeline.engine.watermarks.end(partition)
  pipeline.engine.advance()
  return true
}

function fillTo(live: number): Look {
  while (pipeline.engine.state().liveImpressions < live && step());
  globalThis.gc?.()
  const { arrayBuffers, rss } = process.memoryUsage()
  return { live: pipeline.engine.state().liveImpressions, arrayBytes: arrayBuffers, rssBytes: rss }
}

const first = fillTo(wanted / 100)
const last = fillTo(wanted)
const result: LiveMemory = {
  liveImpressions: last.live,
  idBytes: pipeline.engine.state().idBytes,
  grownArrayBytes: last.arrayBytes - first.arrayBytes,
  grownRssBytes: last.rssBytes - first.rssBytes,
  grownImpressions: last.live - first.live,
}
console.log(JSON.stringify(result))
