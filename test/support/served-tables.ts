/**
 * A browser and a running service whose tables its page asks, for all tests of a suite that only look.
 */
import type { TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { newFolder, RunningRig } from './live-rig.ts'
import { startTestPostgres, type TestPostgres } from './postgres.ts'

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
