/**
 * A run in less memory than its senders fill: who is sent away and told why, and that all that was acknowledged is
 * counted.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { verifyFolder } from '../../src/service/verify-folder.ts'
import { adPlan } from '../support/engine-rig.ts'
import { impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { get } from '../support/raw-http.ts'
import { countedEvents } from '../support/truth-log.ts'

/** Less than this process has: only what may be remembered in any case is taken. */
const TOO_LITTLE = 64_000_000
const BATCH = 500

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: { readonly code?: string; readonly message?: string }
}

async function send(rig: RunningRig, batch: number): Promise<Answer> {
  const lines = Array.from({ length: BATCH }, (_, i) => impressionLine(`i-${batch}-${i}`, Date.now()))
  const response = await fetch(`${rig.service.server.url}/v1/impressions`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  const body = (await response.json()) as Answer['body']
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

it(
  'is told to senders and operators, loses nothing, and a start with more goes on',
  { timeout: 120_000 },
  async (context) => {
    const options = { dataDir: newFolder(context), databaseUrl: await postgres.createDatabase() }
    const rig = await RunningRig.start(context, { ...options, memoryBytes: TOO_LITTLE })
    const readiness = (): ReturnType<typeof get> => get(Number(new URL(rig.service.admin.url).port), '/readyz')
    const isAllCounted = async (): Promise<boolean> => (await countedEvents(options.databaseUrl)) === acknowledged
    let acknowledged = 0
    // What is not counted yet takes more than it will: sent away once, a sender may get in again a moment later.
    for (let [batch, isFull] = [0, false]; !isFull && batch < 1_000; batch++) {
      const answer = await send(rig, batch)
      if (answer.status === 200) acknowledged += BATCH
      else {
        assert.deepEqual([answer.status, answer.retryAfter, answer.body.code], [503, '5', 'memory_full'])
        assert.match(answer.body.message ?? '', /Nothing was taken.*--memory.*attributionWindow.*Kafka and Flink/)
        await eventually('all that was acknowledged is counted', isAllCounted)
        isFull = (await readiness()).status === 503
      }
    }
    assert.ok(acknowledged > 0)
    assert.match((await readiness()).body, /memory: What has to be remembered/)
    await eventually('the page says so', async () => (await rig.status()).intake.state === 'memory_full')
    const { memory } = await rig.status()
    assert.ok(memory?.isFull === true && memory.neededBytes > memory.limitBytes)
    await rig.stop()

    const again = await RunningRig.start(context, options)
    assert.equal((await send(again, 1_000)).status, 200)
    await again.stop()
    const { comparison } = await verifyFolder({
      plan: adPlan(),
      dataDir: options.dataDir,
      url: options.databaseUrl,
      onStep: () => undefined,
    })
    assert.ok(comparison.isEqual, JSON.stringify(comparison.differences))
    assert.equal(await countedEvents(options.databaseUrl), acknowledged + BATCH)
  },
)
