/**
 * The way in alone: HTTP, the verdict on each event, the journal with its syncs, the answer; no engine, no PostgreSQL. Says
 * where it listens as JSON, tells its processor time at `/usage`, and ends with SIGTERM. The load comes from one address,
 * so the rate of an address is not limited here.
 *
 * With brokers the events go into the topics of the plan in place of the journal (`src/sinks/kafka/topic-intake.ts`).
 *
 * Usage: node way-in.ts DIR [BROKERS]
 */
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { Journal } from '../../src/checkpoint/journal/journal.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import type { Intake, Log } from '../../src/runtime/ports.ts'
import { createHttpServer } from '../../src/server/http-server.ts'
import { HttpIngest } from '../../src/server/ingest/http-ingest.ts'
import { openTopicIntake } from '../../src/service/live-kafka.ts'
import { Teardown } from '../../src/service/teardown.ts'

const HOST = '127.0.0.1'
const [folder = '', brokers] = process.argv.slice(2)
const dir = resolve(folder)
mkdirSync(dir, { recursive: true })
const { plan, intake, close } = brokers === undefined ? await intoJournal() : intoTopics(brokers)
const limits = { maxEventsPerSecondPerAddress: Infinity }
const ingest = new HttpIngest({ plan, intake, limits })
const server = createHttpServer(
  (_request, response) => {
    const { user, system } = process.cpuUsage()
    response.end(JSON.stringify({ cpuMs: (user + system) / 1_000 }))
  },
  ingest,
  ingest.limits,
  HOST,
)
server.listen(0, HOST, ingest.limits.maxConnections, () => {
  console.log(JSON.stringify({ url: `http://${HOST}:${(server.address() as AddressInfo).port}` }))
})
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  void ingest.drain(1_000).then(close)
})

interface WayIn {
  readonly plan: Plan
  readonly intake: Intake
  readonly close: () => Promise<void>
}

async function intoJournal(): Promise<WayIn> {
  const journal = await Journal.open({ dir, disk: nodeDisk, nowMs: Date.now })
  const append: Intake['append'] = async (stream, lines, recordCount) => {
    await journal.append(`http/${stream}`, lines, { recordCount, arrivalMs: Date.now(), floorMs: -Infinity })
  }
  return { plan: freezePlan(adPipeline), intake: { isOpen: true, append }, close: async () => journal.close() }
}

function intoTopics(address: string): WayIn {
  const sources = { http: { kind: 'http', into: 'kafka' }, kafka: { kind: 'kafka', brokers: address } }
  const toTopics = planOf({ extends: 'ads', sources })
  const log: Log = (_level, message) => console.error(message)
  const teardown = new Teardown(() => undefined)
  const topics = openTopicIntake({ plan: toTopics, teardown, log })
  if (topics === undefined) throw new Error('the plan sends nothing to topics')
  return { plan: toTopics, intake: topics, close: async () => teardown.run() }
}
