/**
 * The page over tables that somebody else fills, and a ledger as a Flink job writes it.
 */
import assert from 'node:assert/strict'
import type { LedgerClass, Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TablesStatus } from '../../src/runtime/status.ts'
import { serveDatabasePage } from '../../src/service/database-page.ts'
import { eventually } from './eventually.ts'
import { runSql } from './postgres.ts'

export interface ServedPage {
  json(path: string): Promise<unknown>
  status(): Promise<TablesStatus>
  stop(): Promise<void>
  readonly address: string
}

/** Serves it on loopback; it must have no trouble, unless `onTrouble` takes it. Rejects where it cannot be served. */
export async function servePage(
  plan: Plan,
  url: string,
  onTrouble: (message: string) => void = (message) => assert.fail(message),
): Promise<ServedPage> {
  const stop = new AbortController()
  let address = ''
  const served = serveDatabasePage({
    plan,
    url,
    dataDir: 'not used on loopback',
    host: '127.0.0.1',
    port: 0,
    signal: stop.signal,
    onFirstAdmin: () => assert.fail('on loopback nobody logs in'),
    onReady: (ready) => (address = ready),
    onTrouble,
  })
  await Promise.race([eventually('it is there', () => address !== ''), served])
  const json = async (path: string): Promise<unknown> => (await fetch(`${address}${path}`)).json()
  return {
    address,
    json,
    status: async () => ((await json('/api/page')) as { status: TablesStatus }).status,
    stop: async () => {
      stop.abort()
      await served
    },
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
