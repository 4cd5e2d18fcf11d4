/**
 * A browser and a running service whose tables its page asks, for all tests of a suite that only look.
 */
import type { TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { eventually } from './eventually.ts'
import { newFolder, RunningRig } from './live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from './postgres.ts'

export interface ServedTables {
  readonly browser: Browser
  readonly postgres: TestPostgres
  readonly databaseUrl: string
  readonly rig: RunningRig
  stop(): Promise<void>
}

/** Starts all of it; epochs come three times a second. */
export async function serveTables(): Promise<ServedTables> {
  const [browser, postgres] = await Promise.all([launchChromium(), startTestPostgres()])
  const databaseUrl = await postgres.createDatabase()
  const cleanups: (() => unknown)[] = []
  // What ends with a test there ends with the suite here.
  const context = { after: (work: () => unknown) => cleanups.push(work) } as unknown as TestContext
  const rig = await RunningRig.start(context, { databaseUrl, dataDir: newFolder(context), epochMs: 300 })
  return {
    browser,
    postgres,
    databaseUrl,
    rig,
    stop: async () => {
      await browser.close()
      for (const work of cleanups.toReversed()) await work()
      await postgres.stop()
    },
  }
}

/** Resolves once so many events are in the ledger. */
export async function allInTables(databaseUrl: string, events: number): Promise<void> {
  await eventually('all are in the tables', async () => {
    const [[sum]] = (await runSql(databaseUrl, 'select coalesce(sum(events), 0) from ledger')) as [[string]]
    return Number(sum) === events
  })
}
