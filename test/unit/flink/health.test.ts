/**
 * How a job is doing, as its cluster says it. The job manager is a server that answers as Flink 2.2 does: with the
 * metrics that it gathered when it was asked before.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { jobHealth, type FlinkJobHealth } from '../../../src/flink/job/health.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../../src/pipeline/validate.ts'

const JOB = { id: 'a1', name: 'tidemark-ads', state: 'RUNNING', startedMs: 0 }
const LEAST = '-9223372036854775808'
const AT_MS = 1_767_226_067_649
const plan = planOf(adPipeline)

describe('the watermark in the status of a job', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  /** @param looks what each look at the watermarks of the interval join is answered with; the last one from then on */
  async function healthWith(looks: readonly (readonly string[])[]): Promise<FlinkJobHealth> {
    let next = 0
    const answers: Readonly<Record<string, () => object>> = {
      '/jobs/a1/checkpoints': () => ({ counts: { completed: 1, failed: 0 }, latest: { completed: null } }),
      '/jobs/a1/exceptions': () => ({ exceptionHistory: { entries: [] } }),
      '/jobs/a1/metrics?get=numRestarts': () => [{ id: 'numRestarts', value: '2' }],
      '/jobs/a1': () => ({
        vertices: [
          { id: 'v1', name: 'Source: impressions_topic[1]' },
          { id: 'v2', name: 'IntervalJoin[40] -> Calc[41]' },
        ],
      }),
      '/jobs/a1/vertices/v2/watermarks': () =>
        (looks[Math.min(next++, looks.length - 1)] ?? []).map((value, index) => ({
          id: `${index}.currentInputWatermark`,
          value,
        })),
    }
    server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answers[request.url ?? '']?.() ?? {}))
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    return jobHealth({ gatewayUrl: url, jobManagerUrl: url }, plan, JOB)
  }

  it('is the one of now, though Flink answers with that of the last look', async () => {
    const { watermarkMs, restarts } = await healthWith([
      [LEAST, LEAST],
      [`${AT_MS + 5}`, `${AT_MS}`],
    ])
    assert.equal(watermarkMs, AT_MS + plan.parameters.allowedLatenessMs, 'the lowest, as the plan has it')
    assert.equal(restarts, 2)
  })

  it('is there at the first look, for which Flink has gathered nothing', async () => {
    const { watermarkMs } = await healthWith([[], [], [`${AT_MS}`]])
    assert.equal(watermarkMs, AT_MS + plan.parameters.allowedLatenessMs)
  })

  it('is none while a partition has had no event', async () => {
    assert.equal((await healthWith([[`${AT_MS}`, LEAST]])).watermarkMs, undefined)
  })
})
