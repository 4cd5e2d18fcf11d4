/**
 * The page holds still and holds on: nothing on it moves by itself, and a stream that is cut goes on where it was.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core'
import { MINUTE_MS } from '../../src/time/units.ts'
import { afterwards } from '../support/afterwards.ts'
import { skipWithoutChromium } from '../support/chromium.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { adPlan } from '../support/engine-rig.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { hasGlobal, shiftsOf, watchShifts } from '../support/in-page.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { runSql } from '../support/postgres.ts'
import { serveTables, type ServedTables } from '../support/served-tables.ts'
import { keepUser } from '../../src/server/access/user-store.ts'

/** What Web Vitals calls good is 0.1. */
const MAX_SHIFT = 0.02
const TILES_FILTER = `getComputedStyle(document.querySelector('main > .tiles')).filter`
const WIDTHS = [360, 1024, 1440]

describe('the page holds still', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig
  let databaseUrl = ''
  let sent = 0

  before(async () => {
    served = await serveTables()
    ;({ browser, rig, databaseUrl } = served)
    for (let minute = 30; minute >= 1; minute--) await sendMinute(Date.now() - minute * MINUTE_MS)
    await counted()
  })
  after(() => served.stop())

  async function sendMinute(fromMs: number): Promise<void> {
    sent += await sendTo(rig, fromMs)
  }

  async function sendTo(to: RunningRig, fromMs: number): Promise<number> {
    const ids = Array.from({ length: 60 }, (_, i) => `${fromMs} ${i}`)
    const fields = (i: number): Record<string, string> => ({
      campaign_id: `campaign ${i % 7}`,
      device_type: ['mobile', 'desktop', 'tablet'][i % 3] ?? '',
    })
    await to.send('impressions', ...ids.map((id, i) => impressionLine(id, fromMs + i, fields(i))))
    const clicked = ids.filter((_, i) => i % 5 === 0)
    await to.send('clicks', ...clicked.map((id, i) => clickLine(`k ${id}`, id, fromMs + 5 * i + 1)))
    return ids.length
  }

  async function counted(): Promise<void> {
    await eventually('all are in the tables', async () => {
      const [row] = await runSql(databaseUrl, 'select coalesce(sum(impressions), 0) from performance')
      return Number(row?.[0]) === sent
    })
  }

  async function openPage(context: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
    const opened = await browser.newContext({ reducedMotion: 'reduce', ...options })
    afterwards(context, () => opened.close())
    const page = await opened.newPage()
    await watchShifts(page)
    return page
  }

  /** A service whose windows are final after six minutes. */
  async function shortRig(context: TestContext): Promise<{ url: string; send: (atMs: number) => Promise<void> }> {
    const short = await RunningRig.start(context, {
      plan: adPlan({ attributionWindow: '5m', allowedLateness: '1m' }),
      databaseUrl: await served.postgres.createDatabase(),
      dataDir: newFolder(context),
      epochMs: 300,
    })
    return { url: short.service.server.url, send: async (atMs) => void (await sendTo(short, atMs)) }
  }

  const tile = async (page: Page): Promise<string> =>
    (await page.locator('[data-measure="impressions"] .v').innerText()).replaceAll(',', '')

  async function assertStill(page: Page, what: string): Promise<void> {
    const shifts = await shiftsOf(page)
    const sum = shifts.reduce((total, [value]) => total + value, 0)
    assert.ok(sum <= MAX_SHIFT, `${what}: ${sum.toFixed(4)}: ${JSON.stringify(shifts)}`)
  }

  for (const width of WIDTHS) {
    it(`from the first number on nothing moves by itself, ${width} px`, async (context) => {
      const page = await openPage(context, { viewport: { width, height: 900 } })
      await page.goto(`${rig.service.server.url}/`)
      await page.locator('.member-button').first().waitFor()
      await eventually('it is shown', async () => (await tile(page)) === String(sent))
      // Only what is within the window counts: the whole page passes through it.
      for (const part of [0, 0.5, 1]) {
        await page.evaluate(`scrollTo(0, ${part} * document.documentElement.scrollHeight)`)
        await sendMinute(Date.now() - 20_000)
        await eventually('what came is shown', async () => (await tile(page)) === String(sent))
      }
      // Half an hour and more further on, with a new campaign and a class that nobody had: what was provisional is
      // final.
      await rig.send('impressions', 'broken')
      await sendMinute(Date.now() + 4 * MINUTE_MS)
      await eventually('what came is shown', async () => (await page.locator('.is-malformed').innerText()) !== '')
      await assertStill(page, 'explore')
    })

    it(`while what was provisional becomes final nothing moves, ${width} px`, async (context) => {
      const { url, send } = await shortRig(context)
      const page = await openPage(context, { viewport: { width, height: 900 } })
      const startMs = Math.floor(Date.now() / MINUTE_MS - 30) * MINUTE_MS
      const endMs = startMs + 18 * MINUTE_MS
      for (let at = startMs + 1_000; at < endMs; at += MINUTE_MS) await send(at)
      const span = new URLSearchParams({ from: new Date(startMs).toISOString(), to: new Date(endMs).toISOString() })
      await page.goto(`${url}/?${span.toString()}`)
      await page.locator('.fill.is-provisional').first().waitFor()
      const finality = page.locator('footer .finality')
      // Only what is within the window counts: the whole page passes through it, each part with a step to final.
      const parts = [0, 0.5, 1]
      for (const [step, part] of parts.entries()) {
        await page.evaluate(`scrollTo(0, ${part} * document.documentElement.scrollHeight)`)
        const before = await finality.innerText()
        assert.match(before, /may still change/, 'control: something is provisional')
        const isLast = step === parts.length - 1
        await send(isLast ? Date.now() : endMs + step * 4 * MINUTE_MS)
        await eventually('less of it is provisional', async () => (await finality.innerText()) !== before)
      }
      await eventually('it is final', async () => (await finality.innerText()) === 'all of this range is final')
      await eventually('no bar is hatched', async () => (await page.locator('.fill.is-provisional').count()) === 0)
      await assertStill(page, 'from provisional to final')
    })

    it(`status and login, ${width} px`, async (context) => {
      const page = await openPage(context, { viewport: { width, height: 900 } })
      await page.goto(`${rig.service.server.url}/status`)
      await page.locator('.verdict').waitFor()
      await sendMinute(Date.now() - 20_000)
      await counted()
      await assertStill(page, 'status')
    })
  }

  it('login, and control: what is put above everything else is seen to move it', async (context) => {
    const dataDir = newFolder(context)
    await keepUser(dataDir, { name: 'ada', role: 'admin', scope: [] }, 'twelve letters', Date.now())
    const guarded = await RunningRig.start(context, { databaseUrl: await served.postgres.createDatabase(), dataDir })
    const page = await openPage(context, { viewport: { width: 360, height: 900 } })
    await page.goto(`${guarded.service.server.url}/login`)
    await page.locator('input[name=password]').waitFor()
    await assertStill(page, 'login')
    await page.goto(`${rig.service.server.url}/`)
    await page.locator('.member-button').first().waitFor()
    await page.evaluate(`
      const box = document.createElement('div')
      box.textContent = 'late'
      box.className = 'panel'
      document.querySelector('.sheet').prepend(box)
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
    await eventually('it is seen', async () => {
      return (await shiftsOf(page)).reduce((sum, [value]) => sum + value, 0) > MAX_SHIFT
    })
  })

  it('K3 of connection: holds one stream a page, so that five of one browser leave room, and none while nobody sees it', async (context) => {
    const opened = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    afterwards(context, () => opened.close())
    await opened.addInitScript(
      `Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'visible' })`,
    )
    const open = async (): Promise<{ page: Page; streams: Set<Request> }> => {
      const page = await opened.newPage()
      const streams = new Set<Request>()
      page.on('request', (request) => {
        if (/\/live(\/page)?(\?|$)/.test(request.url())) streams.add(request)
      })
      for (const end of ['requestfinished', 'requestfailed'] as const)
        page.on(end as 'requestfailed', (request) => streams.delete(request))
      await page.clock.install()
      await page.goto(`${rig.service.server.url}/`)
      await eventually('it is shown', async () => (await tile(page)) === String(sent))
      // Each question has a stream of its own.
      for (const key of ['1', '2']) await page.keyboard.press(key)
      await eventually('it is answered', async () => (await page.locator('.sheet.is-waiting').count()) === 0)
      await eventually('it is the hour', async () => (await tile(page)) === String(sent))
      return { page, streams }
    }
    const pages: Awaited<ReturnType<typeof open>>[] = []
    while (pages.length < 5) pages.push(await open())
    const last = pages.at(-1)
    assert.ok(last !== undefined)
    const ask = `fetch('/api/v1/click-lag?range=1h').then(({ status }) => status)`
    for (const { page, streams } of pages) {
      assert.deepEqual(
        [...streams].map((request) => new URL(request.url()).pathname),
        ['/api/v1/live/page'],
      )
      assert.equal(await page.evaluate(ask), 200)
    }

    await last.page.evaluate(
      `for (const i of [1, 2]) fetch('/api/live').then((more) => (window['more' + i] = more)); 0`,
    )
    const asked = last.page.evaluate(`(window.asked = ${ask}.then((status) => (window.got = status)))`)
    await eventually('one of two more is open', () => hasGlobal(last.page, 'more1'))
    assert.equal(await hasGlobal(last.page, 'got'), false, 'control: with two more streams nothing else is answered')
    await pages[0]?.page.close()
    await pages[1]?.page.close()
    assert.equal(await asked, 200, 'control: until others close')

    const see = (seen: string): Promise<void> =>
      last.page.evaluate(`window.seen = '${seen}'; document.dispatchEvent(new Event('visibilitychange'))`)
    const own = (): number => [...last.streams].filter((request) => request.url().includes('/page')).length
    await see('hidden')
    assert.equal(own(), 1, 'a short look elsewhere ends nothing')
    await last.page.clock.fastForward(30_000)
    await eventually('it is closed', () => own() === 0)
    const before = await tile(last.page)
    await sendMinute(Date.now() - 20_000)
    await counted()
    assert.equal(await tile(last.page), before, 'nothing is told to it')
    await see('visible')
    await eventually('it goes on', async () => (await tile(last.page)) === String(sent))
    assert.equal(own(), 1)
  })

  it('says what is still shown until what is asked is there', async (context) => {
    const page = await openPage(context, { viewport: { width: 1280, height: 900 } })
    await page.goto(`${rig.service.server.url}/`)
    await page.locator('.member-button').first().waitFor()
    await eventually('it is shown', async () => (await tile(page)) === String(sent))
    assert.equal(await page.locator('.banner').count(), 0, 'control')
    await page.route('**/api/v1/live/page*', (route) => route.abort())
    await page.keyboard.press('1')
    await page.getByText(/^Still the last hour\. The last 15.min cannot be read now/).waitFor()
    assert.equal(await tile(page), String(sent))
    assert.match(await page.evaluate<string>(TILES_FILTER), /grayscale/)
    await page.unroute('**/api/v1/live/page*')
    await eventually('it is answered', async () => Number(await tile(page)) < sent, 30_000)
    await eventually('no banner is left', async () => (await page.locator('.banner').count()) === 0)
    assert.equal(await page.evaluate<string>(TILES_FILTER), 'none', 'control')
  })

  it('K2 of connection: a cut stream is said, opened again, and goes on from its last event; no number is wrong', async (context) => {
    const proxy = await CuttingProxy.before(rig.service.server.url)
    afterwards(context, () => proxy.close())
    const page = await openPage(context, { viewport: { width: 1280, height: 900 } })
    const resumed: string[] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/api/v1/live/page') resumed.push(searchParams.get('after') ?? '')
    })
    await page.goto(proxy.through(rig.service.server.url))
    await page.locator('.member-button').first().waitFor()
    await eventually('it is answered', async () => (await page.locator('.sheet.is-waiting').count()) === 0)
    await eventually('it is shown', async () => (await tile(page)) === String(sent))
    proxy.goAway()
    await page
      .getByText(/Stale since/)
      .first()
      .waitFor()
    const before = await tile(page)
    await sendMinute(Date.now() - 20_000)
    await counted()
    assert.equal(await tile(page), before, 'what was known stays')
    proxy.comeBack()
    await eventually('it goes on', async () => (await tile(page)) === String(sent), 30_000)
    await eventually('it says so', async () => (await page.getByText(/Stale since|cannot be reached/).count()) === 0)
    assert.ok(resumed.length > 1)
    assert.match(resumed.at(-1) ?? '', /^[^,]+,[^,]+$/, 'pipeline and view go on from their last events')
  })
})
