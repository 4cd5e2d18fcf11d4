/**
 * The page over tables that someone else fills: an instance of ours elsewhere, or a Flink job. It reads and never
 * writes.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { requireTables } from '../database/require-tables.ts'
import { readRollUps } from '../database/read-roll-ups.ts'
import { messageOf } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { openAccess } from '../server/access/open-access.ts'
import { LiveView } from '../server/live-view.ts'
import { ViewReader } from '../server/query/view-reader.ts'
import { startServer, type RunningServer } from '../server/start-server.ts'
import { CLOCK } from './elapsed.ts'
import { TablesWatch } from './tables-watch.ts'

export interface DatabasePageOptions {
  readonly plan: Plan
  /** Any user who may read the tables. */
  readonly url: string
  /** Keeps who may log in. */
  readonly dataDir: string
  readonly host: string
  /** 0 picks a free port; left out it is 4400 or the next free one. */
  readonly port: number | undefined
  readonly signal: AbortSignal
  /** Told the first admin's password, once, where others can reach the page. */
  readonly onFirstAdmin: (lines: readonly string[]) => void
  /** Told the address once the page is there. */
  readonly onReady: (url: string) => void
  /** Told why what the page shows could not be read, and that it is tried again; or what it may show wrong. */
  readonly onTrouble: (message: string) => void
}

/** How often the cells are read again for whoever can ask no views. */
const REFRESH_MS = 5_000

/**
 * Serves the page until the signal is aborted.
 *
 * @throws TidemarkError DATABASE_SCHEMA_MISMATCH where tables of the plan, or columns, are missing at the start;
 *   DATABASE_UNAVAILABLE, DATABASE_FAILED where they cannot be read; PORT_UNAVAILABLE
 */
export async function serveDatabasePage(options: DatabasePageOptions): Promise<void> {
  const { plan, url, host, port, signal, onReady } = options
  const liveView = new LiveView(plan)
  const reader = new ViewReader({ plan, url })
  const watch = new TablesWatch({ plan, reader, clock: CLOCK })
  try {
    const changes = await requireTables(url, plan)
    if (changes.length > 0)
      options.onTrouble(`The tables were written by another definition than the page is told: ${changes.join('; ')}.`)
    await refresh(liveView, plan, url)
    await watch.look()
    if (watch.trouble !== null) options.onTrouble(watch.trouble)
    const access = await openAccess(options)
    const server = await startServer({
      liveView,
      status: () => watch.status(),
      views: { plan, reader },
      access,
      host,
      ...(port === undefined ? {} : { port }),
    })
    try {
      onReady(server.url)
      await Promise.race([
        keepFresh(options, liveView, server),
        watch.keepLooking(signal),
        signal.aborted ? undefined : once(signal, 'abort'),
      ])
    } finally {
      await server.close()
    }
  } finally {
    await reader.close()
  }
}

async function keepFresh(
  { plan, url, signal, onTrouble }: DatabasePageOptions,
  liveView: LiveView,
  server: RunningServer,
): Promise<void> {
  // A database may be away for hours: each reason is told once.
  let told: string | null = null
  while (!signal.aborted) {
    await delay(REFRESH_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      await refresh(liveView, plan, url)
      server.flush()
      if (told !== null) onTrouble('The tables can be read again.')
      told = null
    } catch (error) {
      if (messageOf(error) !== told) onTrouble(messageOf(error))
      told = messageOf(error)
    }
  }
}

async function refresh(liveView: LiveView, plan: Plan, url: string): Promise<void> {
  const { page } = liveView
  const nowMs = Date.now()
  const cells = await readRollUps(url, plan, page.rollUps, nowMs - 2 * page.rangeMs - 3 * page.windowSizeMs)
  liveView.advance(nowMs, null)
  liveView.apply({ cells, ledger: { count: 0, windowStartMs: [], stream: [], eventClass: [], events: [] } })
}
