/**
 * The page over tables that somebody else fills, and a ledger as a Flink job writes it.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { LedgerClass, Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TablesStatus } from '../../src/runtime/status.ts'
import { serveDatabasePage } from '../../src/service/database-page.ts'
import { afterwards } from './afterwards.ts'
import { runSql } from './postgres.ts'

export interface ServedPage {
  json(path: string): Promise<unknown>
  status(): Promise<TablesStatus>
  stop(): Promise<void>
  readonly address: string
}

/** Serves it on loopback until it is stopped, or the test is over; it must have no trouble, unless `onTrouble` takes it. Rejects where it cannot be served. */
export async function servePage(
  context: TestContext,
  plan: Plan,
  url: string,
  onTrouble: (message: string) => void = (message) => assert.fail(message),
): Promise<ServedPage> {
  const stop = new AbortController()
  const ready = Promise.withResolvers<string>()
  const served = serveDatabasePage({
    plan,
    url,
    dataDir: 'not used on loopback',
    host: '127.0.0.1',
    port: 0,
    signal: stop.signal,
    onFirstAdmin: () => assert.fail('on loopback nobody logs in'),
    onReady: ready.resolve,
    onTrouble,
  })
  const address = await Promise.race([ready.promise, served.then(() => assert.fail('it ended before it was there'))])
  const json = async (path: string): Promise<unknown> => (await fetch(`${address}${path}`)).json()
  const end = async (): Promise<void> => {
    stop.abort()
    await served
  }
  afterwards(context, end)
  return {
    address,
    json,
    status: async () => ((await json('/api/page')) as { status: TablesStatus }).status,
    stop: end,
  }
}

export interface LedgerEntry {
  readonly stream: StreamName
  readonly minuteMs: number
  readonly eventClass: LedgerClass
  readonly events: number
}

/** Adds a row to the ledger, written now. */
export async function addToLedger(url: string, { stream, minuteMs, eventClass, events }: LedgerEntry): Promise<void> {
  const minute = `to_timestamp(${minuteMs / 1_000})`
  await runSql(url, `insert into ledger values ('${stream}', ${minute}, '${eventClass}', ${events}, now())`)
}
