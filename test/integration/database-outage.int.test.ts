/**
 * PostgreSQL goes away in mid-run:
 *
 * 1. the pipeline lives, says so, and goes on counting;
 * 2. when the server is back, its tables equal what the engine handed out, cell by cell;
 * 3. at its limit of waiting cells intake pauses, and no partition becomes idle meanwhile.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { readTables } from '../../src/database/read-tables.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { TextRow } from '../../src/pipeline/table-text.ts'
import { Delivery } from '../../src/runtime/delivery.ts'
import { LiveRun } from '../../src/runtime/live-run.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { PostgresSink } from '../../src/sinks/postgres/postgres-sink.ts'
import { TrafficSource } from '../../src/sources/traffic-source.ts'
import { eventually } from '../support/eventually.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { TableStore } from '../support/table-store.ts'

const plan = freezePlan(adPipeline)
const clock = { nowMs: (): number => Date.now() }

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

interface Started {
  readonly run: LiveRun
  readonly delivery: Delivery
  readonly store: TableStore
  readonly states: string[]
  finish(): Promise<void>
}

async function start(url: string, maxWaitingCells: number): Promise<Started> {
  const nowMs = clock.nowMs()
  const source = new TrafficSource({ plan, rate: 300, seed: 5, partitions: 2, historyFromMs: nowMs - 1_000, nowMs })
  const pipeline = new Pipeline({
    plan,
    rollUps: plan.tables,
    partitions: source.partitions,
    deadLetters: { write: () => undefined },
    random: Int32Array.from({ length: 16 }, (_, i) => i + 1),
  })
  const sink = new PostgresSink({ url, plan, writer: 'demo', mode: 'epochs', startEmpty: true, timeoutMs: 1_000 })
  const states: string[] = []
  const fatal: unknown[] = []
  const delivery = new Delivery({
    sink,
    clock,
    maxWaitingCells,
    pause,
    onChange: ({ state }) => states.push(state),
    onFatal: (error) => fatal.push(error),
  })
  const store = new TableStore(plan)
  await delivery.open()
  const onEpoch = store.apply.bind(store)
  const run = new LiveRun({ pipeline, source, delivery, clock, epochMs: 100, onEpoch, pause })
  const stop = new AbortController()
  const running = run.run(stop.signal)
  const finish = async (): Promise<void> => {
    stop.abort()
    await running
    assert.ok(await delivery.drain(20_000), 'everything is written')
    await sink.close()
    assert.deepEqual(fatal, [])
  }
  return { run, delivery, store, states, finish }
}

async function storedRows(url: string): Promise<Map<string, TextRow[]>> {
  const stored = await readTables(url, plan)
  const found = new Map<string, TextRow[]>()
  try {
    for (const table of stored.tables) {
      const rows: TextRow[] = []
      for await (const row of table.rows) rows.push(row)
      found.set(table.name, rows)
    }
  } finally {
    await stored.close()
  }
  return found
}

describe('a PostgreSQL that goes away', () => {
  let postgres: TestPostgres
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('killed in mid-run: counting goes on, and all is exact when it is back', async () => {
    const url = await postgres.createDatabase()
    const { run, delivery, store, states, finish } = await start(url, 1_000_000)
    await eventually('some epochs are written', () => delivery.epoch >= 3)
    process.kill(postgres.database.serverPid ?? 0, 'SIGKILL')
    await eventually('the outage is noticed', () => delivery.status.state === 'down')
    const readBefore = run.status().ledger.impressions.read
    await eventually('counting goes on', () => run.status().ledger.impressions.read > readBefore)
    assert.match(delivery.status.message ?? '', /PostgreSQL|write/)
    await eventually('it is back', () => delivery.status.state === 'up' && delivery.status.waitingCells < 1_000)
    await finish()
    assert.deepEqual(states.slice(0, 2), ['down', 'up'])
    assert.deepEqual(await storedRows(url), new Map(store.tables()))
  })

  it('killed at the limit of waiting cells: intake pauses, nothing goes idle, nothing is lost', async () => {
    const url = await postgres.createDatabase()
    const { run, delivery, store, finish } = await start(url, 20)
    await eventually('some epochs are written', () => delivery.epoch >= 2)
    const pid = postgres.database.serverPid ?? 0
    process.kill(pid, 'SIGKILL')
    await eventually('intake pauses', () => run.status().database.intakePaused)
    await eventually('it is back', () => delivery.status.state === 'up')
    assert.ok(run.status().partitions.every(({ state }) => state !== 'idle'))
    await finish()
    assert.deepEqual(await storedRows(url), new Map(store.tables()))
  })

  it('control: a row that was not written is found', async () => {
    const url = await postgres.createDatabase()
    const { delivery, store, finish } = await start(url, 1_000_000)
    await eventually('some epochs are written', () => delivery.epoch >= 2)
    await finish()
    const rows = await storedRows(url)
    rows.get('ledger')?.pop()
    assert.notDeepEqual(rows, new Map(store.tables()))
  })
})
