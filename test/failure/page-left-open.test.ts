/**
 * A page that is left open while a thousand campaigns are live: its memory does not grow, and it keeps drawing.
 *
 * The share of `npm test` is half a minute; `npm run test:long` leaves it open for half an hour, or
 * TIDEMARK_PAGE_MINUTES. TIDEMARK_PAGE_EPOCH_MS sets how often the tables change.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { frameTimes, heapOf, quantile, watchFrames } from '../support/in-page.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { LiveTraffic } from '../support/live-traffic.ts'
import { isLong } from '../support/long.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const CAMPAIGNS = 1_000
/** Half an hour of answers and feeds, each of them gone again. */
const MAX_GROWTH_BYTES = 4 * 1_048_576
const WARM_UP_MS = isLong ? 120_000 : 20_000
const OPEN_MS = Number(process.env['TIDEMARK_PAGE_MINUTES'] ?? (isLong ? 30 : 0.5)) * 60_000
const EPOCH_MS = Number(process.env['TIDEMARK_PAGE_EPOCH_MS'] ?? 500)
const LOOK_EVERY_MS = 60_000

describe('a page that is left open', { skip: skipWithoutChromium(), timeout: 7_200_000 }, () => {
  let browser: Browser
  let postgres: TestPostgres
  let rig: RunningRig
  let traffic: LiveTraffic
  const cleanups: (() => unknown)[] = []

  before(async () => {
    browser = await launchChromium()
    postgres = await startTestPostgres()
    const context = { after: (work: () => unknown) => cleanups.push(work) } as unknown as TestContext
    const databaseUrl = await postgres.createDatabase()
    rig = await RunningRig.start(context, { databaseUrl, dataDir: newFolder(context), epochMs: EPOCH_MS })
    traffic = new LiveTraffic(rig, CAMPAIGNS)
  })
  after(async () => {
    await browser.close()
    await traffic.stop()
    for (const work of cleanups.toReversed()) await work()
    await postgres.stop()
  })

  async function openPage(): Promise<{ page: Page; session: CDPSession }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    await page.goto(`${rig.service.server.url}/?range=15m`)
    await page.locator('.member-button').first().waitFor()
    await page.getByText('1,000').first().waitFor()
    return { page, session: await context.newCDPSession(page) }
  }

  it('holds no more after a while than at its beginning, and draws on', async (context) => {
    traffic.start()
    await eventually('all campaigns are there', () => traffic.sent >= 2 * CAMPAIGNS)
    const { page, session } = await openPage()
    await watchFrames(page)
    await delay(WARM_UP_MS)
    const before = await heapOf(session)
    const sentBefore = traffic.sent
    for (let openMs = 0; openMs < OPEN_MS; openMs += LOOK_EVERY_MS) {
      await delay(Math.min(LOOK_EVERY_MS, OPEN_MS - openMs))
      const { bytes, nodes } = await heapOf(session)
      context.diagnostic(`${Math.round((openMs + LOOK_EVERY_MS) / 60_000)} min: ${bytes} bytes, ${nodes} nodes`)
    }
    const now = await heapOf(session)
    const { frames, longestTaskMs, tasks } = await frameTimes(page)
    context.diagnostic(
      `${OPEN_MS / 60_000} min, epochs of ${EPOCH_MS} ms, ${traffic.sent - sentBefore} events: ${before.bytes} to ${now.bytes} bytes, ` +
        `${before.nodes} to ${now.nodes} nodes, ${before.listeners} to ${now.listeners} listeners`,
    )
    context.diagnostic(
      `${frames.length} frames: p50 ${quantile(frames, 0.5)} ms, p95 ${quantile(frames, 0.95)} ms, ` +
        `p99 ${quantile(frames, 0.99)} ms, ${tasks} tasks over 50 ms, the longest ${longestTaskMs} ms`,
    )
    assert.ok(traffic.sent > sentBefore && frames.length > 0, 'it was live')
    assert.ok(now.bytes - before.bytes < MAX_GROWTH_BYTES, `${before.bytes} to ${now.bytes} bytes`)
    assert.ok(now.nodes - before.nodes < 500, `${before.nodes} to ${now.nodes} nodes`)
    assert.ok(now.listeners - before.listeners < 50, `${before.listeners} to ${now.listeners} listeners`)

    await page.evaluate(`window.kept = Array.from({ length: ${MAX_GROWTH_BYTES / 8} }, (_, i) => i + 0.5)`)
    const leaking = await heapOf(session)
    assert.ok(leaking.bytes - before.bytes >= MAX_GROWTH_BYTES, 'control: what is kept is seen')
  })
})
