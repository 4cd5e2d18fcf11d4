/**
 * Brokers that are not there, as a start meets them.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { openKafka, type OpenKafka } from '../../src/service/live-kafka.ts'
import { Teardown } from '../../src/service/teardown.ts'
import { KafkaFolder } from '../../src/sources/kafka/kafka-folder.ts'
import { afterwards } from '../support/afterwards.ts'

const sources = { queue: { kind: 'kafka', brokers: '127.0.0.1:1' } } as const

async function open(context: TestContext, signal?: AbortSignal): Promise<readonly OpenKafka[]> {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-kafka-away-'))
  afterwards(context, () => rmSync(path, { recursive: true, force: true }))
  const teardown = new Teardown(() => undefined)
  afterwards(context, () => teardown.run())
  const plan = planOf({ ...adPipeline, sources })
  return openKafka({ plan, folder: new KafkaFolder(path), positions: {}, teardown, log: () => undefined, signal })
}

it('they are not waited for once the start is interrupted', async (context) => {
  const interrupted = new AbortController()
  interrupted.abort(new Error('interrupted'))
  await assert.rejects(open(context, interrupted.signal), /^Error: interrupted$/)
})

it('control: they are waited for otherwise, and then said to be away', async (context) => {
  await assert.rejects(open(context), { code: 'KAFKA_UNAVAILABLE' })
})
