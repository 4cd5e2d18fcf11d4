/**
 * The page in a real browser, fed by the real engine.
 */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { MINUTE_MS } from '../../src/time/units.ts'
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import {
  boxesOf,
  countUnmarked,
  cutTexts,
  hasGlobal,
  labelTops,
  markAll,
  overflowPx,
  paperColour,
} from '../support/in-page.ts'
import { adPlan } from '../support/page-changes.ts'
import { buildPage, PageRig, removePage } from '../support/page-rig.ts'
import { healthyStatus, streamLedger } from '../support/pipeline-status.ts'

const HOSTILE = [
  '<img src=x onerror="window.hacked = true">',
  '"><script>window.hacked = true</script>',
  "'; drop table x; --",
  '你好',
  '\u202Egnp.exe',
  'x'.repeat(512),
]

/** What new numbers must not move. */
const PLACED = '.tile, .panel, .board, .ledger td, footer'
/** What new numbers must not make anew. */
const REDRAWN = 'canvas, tr, .tile'

interface Impression {
  readonly impression_id: string
  readonly campaign_id: string
  readonly device_type: string
  readonly browser: string
  readonly event_timestamp: number
  readonly cost: number
}

let sequence = 0

function impressionsOf(campaign: string, count: number, timeMs: number): readonly Impression[] {
  return Array.from({ length: count }, (_, i) => ({
    impression_id: `i-${sequence++}`,
    campaign_id: campaign,
    device_type: ['mobile', 'desktop', 'tablet'][i % 3] ?? '',
    browser: 'chrome',
    event_timestamp: timeMs,
    cost: 0.25,
  }))
}

const clickOn = ({ impression_id, event_timestamp }: Impression): object => ({
  click_id: `k-${sequence++}`,
  impression_id,
  event_timestamp: event_timestamp + 2_000,
})

describe('the page', { skip: skipWithoutChromium() }, () => {
  let browser: Browser
  let assetsDir = ''
  let rig: PageRig
  let context: BrowserContext
  const troubles: string[] = []

  before(async () => {
    assetsDir = await buildPage()
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    removePage(assetsDir)
  })
  beforeEach(async () => {
    troubles.length = 0
    rig = new PageRig(adPlan, assetsDir)
    await rig.start()
  })
  afterEach(async () => {
    await context.close()
    await rig.stop()
  })

  async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text())
    })
    page.on('pageerror', (error) => troubles.push(error.message))
    await page.goto(rig.url)
    await page.locator('.tile').first().waitFor()
    return page
  }

  /** An hour of traffic of some campaigns, hostile ones among them. */
  function fillHour(): void {
    const nowMs = Date.now()
    const names = ['spring', 'summer', 'autumn', ...HOSTILE]
    const impressions: Impression[] = []
    for (let minute = 59; minute >= 0; minute--) {
      names.forEach((name, index) =>
        impressions.push(...impressionsOf(name, 34 - 2 * index, nowMs - minute * MINUTE_MS)),
      )
    }
    const clicks = impressions.filter((_, index) => index % 11 === 0).map(clickOn)
    rig.push(impressions, clicks)
  }

  const tileText = async (page: Page, measure: string): Promise<string> =>
    page.locator(`[data-measure="${measure}"] .v`).innerText()

  it('sends at most 150 kB of script', async () => {
    await openPage()
    const sizes = readdirSync(join(assetsDir, 'assets')).flatMap((name) =>
      name.endsWith('.js.br') ? [statSync(join(assetsDir, 'assets', name)).size] : [],
    )
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(bytes > 10_000 && bytes <= 150_000, `${bytes} bytes`)
  })

  it('waits aloud before the first event, and shows the first one', async () => {
    const page = await openPage()
    assert.equal(await tileText(page, 'impressions'), '0')
    assert.equal(await tileText(page, 'ctr'), '—')
    await page.getByText('No events yet').first().waitFor()
    rig.push(impressionsOf('spring', 1, Date.now()))
    await eventually('the tile counts it', async () => (await tileText(page, 'impressions')) === '1')
    assert.deepEqual(troubles, [])
  })

  it('changes a number when an event is pushed; nothing is drawn anew and nothing moves', async () => {
    fillHour()
    const page = await openPage()
    await page.locator('.chart canvas').first().waitFor()
    const before = await tileText(page, 'clicks')
    const places = await boxesOf(page, PLACED)
    await markAll(page, REDRAWN)

    const [impression] = impressionsOf('spring', 1, Date.now())
    assert.ok(impression !== undefined)
    rig.push([impression], [clickOn(impression)])
    await eventually('clicks rise by one', async () => {
      const count = (text: string): number => Number(text.replaceAll(',', ''))
      return count(await tileText(page, 'clicks')) === count(before) + 1
    })
    await page.locator('[data-class="read"] td').first().getByText(/\d/).waitFor()
    assert.deepEqual(await boxesOf(page, PLACED), places)
    assert.equal(await countUnmarked(page, REDRAWN), 0)
    assert.deepEqual(troubles, [])
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing to complain about for axe, ${colorScheme}`, async () => {
      fillHour()
      const page = await openPage({ colorScheme })
      await page.locator('.label').first().waitFor()
      const { violations } = await new AxeBuilder({ page }).analyze()
      assert.deepEqual(
        violations.map(({ id, nodes }) => [
          id,
          nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`),
        ]),
        [],
      )
      await page.getByRole('button', { name: 'CTR per campaign as a table' }).click()
      assert.deepEqual(
        (await new AxeBuilder({ page }).include('.panel').analyze()).violations.map(({ id }) => id),
        [],
      )
      assert.deepEqual(troubles, [])
    })
  }

  for (const width of [360, 1024, 1920]) {
    it(`fits ${width} px, with labels that do not overlap`, async () => {
      fillHour()
      const page = await openPage({ viewport: { width, height: 900 } })
      await page.locator('.label').first().waitFor()
      assert.ok((await overflowPx(page)) <= 0, `${await overflowPx(page)} px too wide`)
      const charts = await labelTops(page)
      assert.equal(charts.length, 3)
      for (const tops of charts) {
        assert.ok(tops.length >= 3)
        tops.slice(1).forEach((top, index) => assert.ok(top - (tops[index] ?? 0) >= 15.5, tops.join(' ')))
      }
      assert.deepEqual(await cutTexts(page, '.tile .v, .equation td, .board td'), [])
    })
  }

  it('shows hostile names as text, runs nothing of them, and breaks no rule of its own policy', async () => {
    fillHour()
    const page = await openPage()
    const [image = '', , , hello = ''] = HOSTILE
    await page.locator('.board').getByText(image, { exact: true }).waitFor()
    await page.locator('.board').getByText(hello, { exact: true }).waitFor()
    await page.locator('.board').getByText('‹U+202E›gnp.exe', { exact: true }).waitFor()
    assert.equal(await page.getByTitle('x'.repeat(512)).count(), 1)
    assert.equal(await hasGlobal(page, 'hacked'), false)
    assert.equal(await page.locator('.board img, .board script').count(), 0)
    assert.deepEqual(troubles, [])
  })

  it('control: what breaks the policy is stopped and noticed', async () => {
    const page = await openPage()
    const breakIt = `
      document.body.append(Object.assign(document.createElement('img'), { src: 'https://example.org/x.png' }))
      document.body.append(Object.assign(document.createElement('p'), { innerHTML: '<b>text from elsewhere</b>' }))`
    await assert.rejects(page.evaluate(breakIt), /TrustedHTML/)
    for (const what of [/img-src/, /TrustedHTML/])
      await eventually(`${what} is reported`, () => troubles.some((text) => what.test(text)))
  })

  it('K1 of connection: says when it is stale, comes back by itself, and catches up without a reload', async () => {
    const impressions = impressionsOf('spring', 40, Date.now())
    rig.push(impressions, impressions.slice(0, 1).map(clickOn))
    const page = await openPage()
    await page.getByText(/^Live · as of/).waitFor()
    await page.evaluate('window.sameLoad = true')
    await rig.stop()
    await page.getByText(/^Stale since \d\d:\d\d:\d\d, reconnecting$/).waitFor()
    assert.equal(await page.locator('.sheet.is-stale').count(), 1)
    rig.push(impressionsOf('spring', 2, Date.now()))
    await rig.start()
    await page.getByText(/^Live · as of/).waitFor()
    await eventually('it has caught up', async () => (await tileText(page, 'impressions')) === '42')
    assert.equal(await hasGlobal(page, 'sameLoad'), true)
  })

  it('says loudly that PostgreSQL is down, and that the ledger does not add up', async () => {
    fillHour()
    const page = await openPage()
    assert.equal(await page.getByRole('alert').count(), 0)
    const { database } = healthyStatus()
    rig.say({
      database: { ...database, state: 'down', waitingCells: 12_345, message: 'It refused the connection.' },
      ledger: { impressions: streamLedger({ counted: 5 }, 1), clicks: streamLedger({}) },
    })
    await page.getByText(/PostgreSQL is down since .* Counting goes on; nothing is lost\./).waitFor()
    await page.getByText(/12,345 changed cells wait to be written\. It refused the connection\./).waitFor()
    await page.getByText('The ledger does not add up').waitFor()
    assert.equal(await page.locator('[data-class="difference"] td').first().innerText(), '1')
    const loud = await new AxeBuilder({ page }).include('.banner').include('.ledger').analyze()
    assert.deepEqual(
      loud.violations.map(({ id }) => id),
      [],
    )
    rig.say({})
    await eventually('both are gone', async () => (await page.getByRole('alert').count()) === 0)
  })

  it('is worked by keyboard: values of a chart, its table, the theme, which is remembered', async () => {
    fillHour()
    const page = await openPage({ colorScheme: 'light' })
    await page.locator('.chart').first().focus()
    await page.keyboard.press('ArrowLeft')
    await page.locator('.tip-time').first().waitFor()
    const newest = await page.locator('.tip-time').first().innerText()
    await page.keyboard.press('ArrowLeft')
    await eventually(
      'another minute is shown',
      async () => (await page.locator('.tip-time').first().innerText()) !== newest,
    )
    await page.keyboard.press('Escape')
    await eventually('the tip is gone', async () => (await page.locator('.tip-time').count()) === 0)

    await page.getByRole('button', { name: 'Impressions per device as a table' }).focus()
    await page.keyboard.press('Enter')
    await page
      .getByRole('region', { name: 'Impressions per device, table' })
      .getByRole('columnheader', { name: 'mobile' })
      .waitFor()

    const light = await paperColour(page)
    await page.getByRole('button', { name: 'Dark' }).focus()
    await page.keyboard.press('Space')
    const dark = await paperColour(page)
    assert.notEqual(dark, light)
    await page.reload()
    await page.locator('.tile').first().waitFor()
    assert.equal(await paperColour(page), dark)
    assert.deepEqual(troubles, [])
  })
})
