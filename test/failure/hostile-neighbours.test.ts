/**
 * Good clients of a running service beside 2,000 connections that trickle, compressed bombs, floods of bad keys and
 * headers without end: every request is acknowledged, and counted. How long their acknowledgements take, without and
 * with such neighbours, is told; figures are no assertion (RECORD.md).
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { isLong } from '../support/long.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { assertExact } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

const PROGRAM = join(import.meta.dirname, '..', 'support', 'hostile-program.ts')
const CONNECTIONS = 2_000
const REQUESTS = isLong ? 1_000 : 100

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

interface Times {
  readonly p50: number
  readonly p99: number
}

/** Sends at a steady pace; how long each acknowledgement took, ms. */
async function measure(rig: ServiceRig): Promise<Times> {
  const tookMs: number[] = []
  for (let i = 0; i < REQUESTS; i++) {
    const startMs = performance.now()
    assert.equal(await rig.truth.sendOne(rig.base), 'acknowledged')
    tookMs.push(performance.now() - startMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  tookMs.sort((a, b) => a - b)
  const at = (share: number): number => Number((tookMs[Math.floor(tookMs.length * share)] ?? NaN).toFixed(1))
  return { p50: at(0.5), p99: at(0.99) }
}

/** Lets the hostile ones in; resolves when all are there. */
async function bringIn(context: TestContext, port: string): Promise<() => void> {
  const child = spawn(process.execPath, [PROGRAM, port, String(CONNECTIONS)], { stdio: ['ignore', 'pipe', 'inherit'] })
  afterwards(context, () => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return () => child.kill('SIGKILL')
}

describe('hostile neighbours', { timeout: 600_000 }, () => {
  it('do not keep good clients from being acknowledged and counted', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await rig.start()
    await measure(rig)
    const alone = await measure(rig)

    const sendAway = await bringIn(context, new URL(rig.base).port)
    await eventually('they are there', () => rig.service.openSockets > CONNECTIONS)

    const beside = await measure(rig)
    assert.ok(rig.service.openSockets > CONNECTIONS, 'control: they were there all the time')
    sendAway()
    const { peakBytes } = rig.service
    await rig.count(5)
    assert.equal(rig.truth.outcomes.acknowledged, rig.truth.deliveries)
    await rig.end()
    await assertExact(rig)
    context.diagnostic(
      `acknowledged alone ${JSON.stringify(alone)} ms, beside them ${JSON.stringify(beside)} ms: p99 × ` +
        `${(beside.p99 / alone.p99).toFixed(2)}; ${Math.round(peakBytes / 1_048_576)} MiB at most`,
    )
  })
})
