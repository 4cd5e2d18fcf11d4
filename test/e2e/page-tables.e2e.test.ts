/**
 * The page over a live service: what is asked of the tables, by keys, by links, and in numbers that equal SQL.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { MINUTE_MS } from '../../src/time/units.ts'
import { skipWithoutChromium } from '../support/chromium.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { cutTexts, focusedText, hasGlobal, overflowPx } from '../support/in-page.ts'
import type { RunningRig } from '../support/live-rig.ts'
import { runSql } from '../support/postgres.ts'
import { afterwards } from '../support/afterwards.ts'
import { serveTables, type ServedTables } from '../support/served-tables.ts'

const IMAGE = '<img src=x onerror="window.hacked = true">'
const DEVICES = ['mobile', 'desktop', 'tablet']

interface Batch {
  readonly impressions: readonly string[]
  readonly clicks: readonly string[]
}

/** An hour of three campaigns, ten minutes at a time so that nothing is late. */
function hourOf(nowMs: number): readonly Batch[] {
  return [60, 50, 40, 30, 20, 10].map((minute) => minutesOf(nowMs, minute, minute - 9))
}

/** In the last quarter of an hour the clicks of `spring` on mobiles all but stop; some clicks belong to nothing. */
function minutesOf(nowMs: number, first: number, last: number): Batch {
  const impressions: string[] = []
  const clicks = Array.from({ length: 2 }, (_, i) =>
    clickLine(`lost ${first} ${i}`, `nobody ${i}`, nowMs - first * MINUTE_MS),
  )
  for (let minute = first; minute >= last; minute--) {
    for (const campaign of ['spring', 'summer', IMAGE]) {
      for (let i = 0; i < 30; i++) {
        const id = `${campaign} ${minute} ${i}`
        const device = DEVICES[i % 3] ?? ''
        const timeMs = nowMs - minute * MINUTE_MS + i * 1_000
        impressions.push(impressionLine(id, timeMs, { campaign_id: campaign, device_type: device }))
        const hasFallen = campaign === 'spring' && device === 'mobile' && minute <= 15
        const isClicked = hasFallen ? i === 0 && minute % 5 === 0 : i % 10 < 3
        if (isClicked) clicks.push(clickLine(`k ${id}`, id, timeMs + 500))
      }
    }
  }
  return { impressions, clicks }
}

const countOf = (text: string): number => Number(text.replaceAll(',', ''))

describe('the page over tables', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig
  let databaseUrl = ''

  before(async () => {
    served = await serveTables()
    ;({ browser, rig, databaseUrl } = served)
    let sent = 2
    for (const { impressions, clicks } of hourOf(Date.now())) {
      sent += impressions.length + clicks.length
      await rig.send('impressions', ...impressions)
      await rig.send('clicks', ...clicks)
    }
    await rig.send('clicks', 'broken', '{}')
    await eventually('all are in the tables', async () => {
      const [[sum]] = (await runSql(databaseUrl, 'select coalesce(sum(events), 0) from ledger')) as [[string]]
      return Number(sum) === sent
    })
  })
  after(() => served.stop())

  async function openPage(
    context: TestContext,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; troubles: string[] }> {
    const opened = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    })
    afterwards(context, () => opened.close())
    const page = await opened.newPage()
    const troubles: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text())
    })
    page.on('pageerror', (error) => troubles.push(error.message))
    await page.goto(url)
    await page.locator('.member-button').first().waitFor()
    return { page, troubles }
  }

  const tileText = async (page: Page, measure: string): Promise<string> =>
    page.locator(`[data-measure="${measure}"] .v`).innerText()
  const settled = async (page: Page): Promise<void> => {
    await eventually('the answer is there', async () => (await page.locator('.sheet.is-waiting').count()) === 0)
  }

  it('answers the four questions of somebody who has never seen it, by keys alone', async (context) => {
    const { page, troubles } = await openPage(context, rig.service.server.url)

    // Which campaign's CTR fell in the last quarter of an hour?
    await page.keyboard.press('1')
    await page.keyboard.press('s')
    await page.keyboard.press('s')
    await settled(page)
    await page.keyboard.press('b')
    await eventually('it is spring', async () => (await focusedText(page)).startsWith('spring'))
    // Is that number final?
    assert.match(await focusedText(page), /not final/)
    assert.match(await page.locator('footer .finality').innerText(), /of this range may still change$/)
    // On which device?
    await page.keyboard.press('Enter')
    await settled(page)
    await page.keyboard.press('b')
    await eventually('it is mobiles', async () => (await focusedText(page)).startsWith('mobile'))

    // How many clicks were not counted, and why?
    await page.keyboard.press('e')
    assert.equal(await focusedText(page), 'counted')
    await eventually('one line says how many', async () => {
      const { read, classes } = (await rig.status()).ledger.clicks
      const line = await page.locator('.ledger .sub').innerText()
      return line.includes(`, ${read - classes.counted - classes.pending} clicks (`)
    })
    for (const name of ['duplicate', 'repeat', 'out of window', 'orphan']) {
      await page.keyboard.press('Tab')
      assert.equal(await focusedText(page), name)
    }
    await page.keyboard.press('Enter')
    await page.getByText('A click whose impression never came.').waitFor()
    const orphans = page.getByRole('dialog').getByRole('row', { name: /clicks/ })
    await eventually('the window says how many', async () => {
      const { orphan } = (await rig.status()).ledger.clicks.classes
      return orphan > 0 && (await orphans.innerText()).split(/\s+/)[1] === String(orphan)
    })
    await page.keyboard.press('Escape')

    // Is any source late? Clicks fall silent while impressions go on.
    await rig.send('clicks', clickLine('the last one', 'nobody', Date.now()))
    await eventually('the page says so', async () => {
      await rig.send('impressions', impressionLine(`i ${Date.now()}`, Date.now()))
      const sentence = await page.locator('footer').innerText()
      return /clicks (has been silent for|is .* late)/.test(sentence)
    })
    assert.deepEqual(troubles, [])
  })

  it('keeps all it shows in its address: a link opens the same view, back and forward go through it', async (context) => {
    const { page } = await openPage(context, rig.service.server.url)
    await settled(page)
    const first = await tileText(page, 'impressions')
    await page.keyboard.press('1')
    await settled(page)
    assert.match(page.url(), /\?range=15m$/)
    const quarter = await tileText(page, 'impressions')
    assert.notEqual(quarter, first)
    await page.locator('[data-dimension="device_type"] .member-button', { hasText: 'mobile' }).click()
    await eventually('the filter is shown', async () => (await page.locator('.filter').count()) === 1)
    await page
      .locator('[data-dimension="campaign_id"] .member-button', { hasText: 'summer' })
      .click({ modifiers: ['Alt'] })
    await eventually('both are shown', async () => (await page.locator('.filter').count()) === 2)
    await settled(page)
    const narrowed = await tileText(page, 'impressions')
    assert.ok(countOf(narrowed) < countOf(quarter))

    const copy = await openPage(context, page.url())
    // Events of the test before may still come in.
    await eventually(
      'both show the same',
      async () => (await tileText(copy.page, 'impressions')) === (await tileText(page, 'impressions')),
    )
    assert.ok(countOf(await tileText(copy.page, 'impressions')) < countOf(quarter), 'control')
    assert.deepEqual(await copy.page.locator('.filter').allInnerTexts(), await page.locator('.filter').allInnerTexts())

    await page.goBack()
    await page.goBack()
    await settled(page)
    assert.match(page.url(), /\?range=15m$/)
    assert.equal(await page.locator('.filter').count(), 0)
    await eventually(
      'the quarter is back',
      async () => countOf(await tileText(page, 'impressions')) > countOf(narrowed),
    )
    await page.goForward()
    await eventually('the filter is back', async () => (await page.locator('.filter').count()) === 1)
    await page.keyboard.press('Escape')
    await eventually('Escape clears it', async () => (await page.locator('.filter').count()) === 0)
  })

  it('finds a member by its name alone, and goes through measures and dimensions both ways', async (context) => {
    const { page, troubles } = await openPage(context, `${rig.service.server.url}/?f.device_type=mobile,tablet`)
    const names = async (): Promise<string[]> => {
      const texts = await page.locator('[data-dimension="campaign_id"] .member-button').allInnerTexts()
      return texts.map((text) => text.split('\n')[0] ?? '')
    }
    await settled(page)
    await page.keyboard.press('/')
    // The answer to it comes later than Enter: what is first until then is not what was asked for.
    await page.keyboard.type('summer')
    await page.keyboard.press('Enter')
    await eventually('it is at the hit', async () => (await focusedText(page)).startsWith('summer'))
    assert.match(page.url(), /[?&]q=summer/)
    assert.deepEqual(await names(), ['summer'])
    const copy = await openPage(context, page.url())
    assert.equal(await copy.page.locator('#search').inputValue(), 'summer')

    await page.keyboard.press('Escape')
    await eventually('the search is gone', async () => (await names()).length > 1)
    assert.equal(await page.locator('.filter').count(), 2, 'and the search alone')
    assert.doesNotMatch(page.url(), /q=/)
    await page.keyboard.press('Escape')
    await eventually('then the filters', async () => (await page.locator('.filter').count()) === 0)

    const address = page.url()
    for (const [key, back] of [
      ['m', 'Shift+M'],
      ['d', 'Shift+D'],
    ] as const) {
      await page.keyboard.press(key)
      assert.notEqual(page.url(), address)
      await page.keyboard.press(back)
      assert.equal(page.url(), address)
      await page.keyboard.press(back)
      assert.notEqual(page.url(), address, 'control')
      await page.keyboard.press(key)
    }
    assert.deepEqual(troubles, [])
  })

  it('says what of an address it does not understand', async (context) => {
    const { page } = await openPage(context, `${rig.service.server.url}/?measure=wat&range=zz&f.nope=1`)
    const banner = page.locator('.banner')
    await banner.getByText('measure=wat').waitFor()
    assert.match(await banner.innerText(), /range=zz.*15m, 6h or 7d[^]*f\.nope=1.*f\.campaign_id/)
    await banner.getByRole('button', { name: 'dismiss' }).click()
    assert.equal(await banner.count(), 0)
    assert.doesNotMatch(page.url(), /wat|zz|nope/)
    await page.goto(`${rig.service.server.url}/?measure=impressions&range=15m`)
    await page.locator('.member-button').first().waitFor()
    assert.equal(await banner.count(), 0, 'control')
  })

  it('says once that a range is empty, and draws no axes for it', async (context) => {
    const { page } = await openPage(context, `${rig.service.server.url}/?f.campaign_id=nonesuch`)
    await page.getByText(/^Nothing was counted in the last hour with these filters\. The newest data of all/).waitFor()
    assert.equal(await page.locator('.chart').count(), 0)
    assert.doesNotMatch(await page.locator('footer').innerText(), /is final/)
    await page.keyboard.press('Escape')
    await page.locator('.chart').nth(2).waitFor()
    assert.equal(await page.getByText(/^Nothing was counted/).count(), 0, 'control')
  })

  it('fits a wall as a kiosk, without anything to choose, and grows on large screens', async (context) => {
    const { page } = await openPage(context, `${rig.service.server.url}/?kiosk=1`)
    const typePx = async (): Promise<number> => {
      const box = await page.locator('.tile .v').first().boundingBox()
      return box?.height ?? 0
    }
    const sizes: number[] = []
    for (const [width, height] of [
      [1_280, 800],
      [1_920, 1_080],
      [3_840, 2_160],
    ] as const) {
      await page.setViewportSize({ width, height })
      await eventually(`it fits ${width} px`, async () => {
        const footer = await page.locator('footer').boundingBox()
        const last = await page.locator('.chart').last().boundingBox()
        const isWhole = footer !== null && last !== null && last.y + last.height <= footer.y
        return isWhole && last.height > 60 && footer.y + footer.height <= height + 1
      })
      sizes.push(await typePx())
    }
    assert.equal(await page.locator('select:visible').count(), 0)
    assert.ok((sizes[2] ?? 0) > 1.4 * (sizes[1] ?? 0), String(sizes))
    await page.keyboard.press('k')
    await page.locator('select:visible').first().waitFor()
  })

  it('covers no chart but the one under the pointer, and none after a zoom', async (context) => {
    const { page } = await openPage(context, rig.service.server.url)
    await settled(page)
    const charts = page.locator('.chart')
    const box = await charts.first().boundingBox()
    assert.ok(box !== null)
    await page.mouse.move(box.x + 200, box.y + 100)
    await page.mouse.move(box.x + 210, box.y + 100)
    await charts.nth(2).locator('.tip-box').waitFor()
    const boxes = await Promise.all((await page.locator('.tip-box').all()).map((one) => one.boundingBox()))
    const heights = boxes.map((one) => one?.height ?? 0)
    assert.ok((heights[0] ?? 0) > 40, 'control: the whole tip is where the pointer is')
    assert.ok(
      heights.slice(1).every((height) => height > 0 && height <= 20),
      String(heights),
    )
    await page.mouse.down()
    await page.mouse.move(box.x + 320, box.y + 110, { steps: 4 })
    await page.mouse.up()
    await eventually('it has zoomed', () => page.url().includes('from='))
    await settled(page)
    assert.equal(await page.locator('.tip-box').count(), 0)
  })

  it('shows numbers that equal SQL for the same view', async (context) => {
    const startMs = Math.floor((Date.now() - 40 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS
    const [from, to] = [new Date(startMs).toISOString(), new Date(startMs + 20 * MINUTE_MS).toISOString()]
    const address = `?from=${from}&to=${to}&f.device_type=mobile,tablet&f.campaign_id!=summer`
    const { page } = await openPage(context, `${rig.service.server.url}/${address}`)
    await settled(page)
    const [[impressions, clicks]] = (await runSql(
      databaseUrl,
      `select sum(impressions), sum(clicks) from performance where window_start >= '${from}' and window_start < '${to}'
         and device_type in ('mobile', 'tablet') and campaign_id <> 'summer'`,
    )) as [[string, string]]
    assert.equal((await tileText(page, 'impressions')).replaceAll(',', ''), impressions)
    assert.equal((await tileText(page, 'clicks')).replaceAll(',', ''), clicks)
    const rows = await runSql(
      databaseUrl,
      `select campaign_id, sum(impressions) from performance where window_start >= '${from}' and window_start < '${to}'
         and device_type in ('mobile', 'tablet') group by 1 order by 2 desc, 1`,
    )
    for (const [name, count] of rows) {
      const row = page.locator('[data-dimension="campaign_id"] tbody tr', { hasText: name ?? '' })
      assert.equal((await row.locator('td').first().innerText()).replaceAll(',', ''), count)
    }
  })

  it('opens the events behind a number, and says how long clicks take', async (context) => {
    const { page, troubles } = await openPage(context, `${rig.service.server.url}/?split=&measure=impressions`)
    await settled(page)
    await page.getByRole('button', { name: 'Impressions as a table' }).click()
    const row = page.getByRole('region', { name: 'Impressions, table' }).locator('tbody tr').nth(20)
    const count = await row.locator('td').first().innerText()
    await row.getByRole('button').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`1 to 50 of ${count}`).waitFor()
    assert.equal(await dialog.locator('tbody tr').count(), 50)
    await dialog.getByText('counted after 0.5').first().waitFor()
    await dialog.getByRole('button', { name: 'after' }).click()
    await dialog.getByText(`51 to ${count} of ${count}`).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'show click lag' }).click()
    await page.getByText(/Half of the clicks come within 0\.5/).waitFor()
    assert.deepEqual(troubles, [])
  })

  it('shows no numbers of another range in the window of a class', async (context) => {
    const { page } = await openPage(context, rig.service.server.url)
    await settled(page)
    await page.keyboard.press('1')
    await settled(page)
    await page.locator('.equation').getByRole('button', { name: 'orphan' }).click()
    const dialog = page.getByRole('dialog')
    const range = dialog.getByText('The range is')
    await range.waitFor()
    const ofQuarter = await range.innerText()
    await page.route('**/api/v1/ledger*', (route) => route.abort())
    await page.goBack()
    await dialog.getByRole('alert').waitFor()
    assert.equal(await dialog.getByText('In the range').count(), 0)
    assert.equal(await range.count(), 0)

    await page.unroute('**/api/v1/ledger*')
    await page.goForward()
    await range.waitFor()
    assert.equal(await dialog.getByRole('alert').count(), 0, 'control')
    await page.goBack()
    await eventually('its range is another one', async () => (await range.innerText()) !== ofQuarter)
  })

  it('says calmly where what charts mark is not new, and no longer once it is', async (context) => {
    const { page, troubles } = await openPage(context, rig.service.server.url)
    await settled(page)
    const about = page.locator('.charts .sub').first()
    const toldOf = async (): Promise<boolean> => /marks not new/.test(await about.innerText())
    assert.ok(!(await toldOf()), 'control')
    for (const path of ['**/api/v1/interruptions', '**/api/v1/ledger*']) {
      await page.route(path, (route) => route.fulfill({ json: {} }))
      await page.reload()
      await eventually('it says so', toldOf)
      assert.match(
        (await about.getAttribute('title')) ?? '',
        /marked as was known at .*: .* form that this page does not know/,
      )
      await page.unroute(path)
      await page.reload()
      await eventually('the page is there', async () => (await about.innerText()) !== '')
      await settled(page)
      await eventually('it says so no longer', async () => !(await toldOf()))
    }
    assert.deepEqual(troubles, [])
  })

  it('says so where the server answers in a form that it does not know', async (context) => {
    const { page, troubles } = await openPage(context, rig.service.server.url)
    await settled(page)
    const body = 'id: 1\nevent: answer\ndata: {"epoch":7}\n\n'
    await page.route('**/api/v1/live/page*', (route) => route.fulfill({ contentType: 'text/event-stream', body }))
    await page.keyboard.press('1')
    await page
      .getByRole('alert')
      .getByText(/in a form that this page does not know. Load the page anew/)
      .waitFor()
    assert.ok(await page.locator('.member-button').count(), 'what was there stays')
    await page.unroute('**/api/v1/live/page*')
    await page.keyboard.press('2')
    await eventually('control: it is gone', async () => (await page.getByRole('alert').count()) === 0)
    assert.deepEqual(troubles, [])
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing to complain about for axe on any of its screens, ${colorScheme}`, async (context) => {
      const { page, troubles } = await openPage(context, rig.service.server.url, { colorScheme })
      const check = async (what: string): Promise<void> => {
        const { violations } = await new AxeBuilder({ page }).analyze()
        assert.deepEqual(
          violations.map(({ id, nodes }) => [what, id, nodes.map(({ html }) => html)]),
          [],
        )
      }
      await settled(page)
      await page.locator('.label').first().waitFor()
      await page.locator('.member-button').first().click()
      await settled(page)
      await check('the page')
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      await check('help')
      await page.keyboard.press('Escape')
      await page.keyboard.press('r')
      await page.getByRole('dialog').waitFor()
      await check('own range')
      await page.keyboard.press('Escape')
      await page.locator('.equation').getByRole('button', { name: 'malformed' }).click()
      await page.getByRole('dialog').getByText('broken').first().waitFor()
      await check('a class')
      await page.keyboard.press('Escape')
      await page.locator('.equation').getByRole('button', { name: 'orphan' }).click()
      await page
        .getByText(/no impression nobody \d+ was accepted/)
        .first()
        .waitFor()
      await check('samples of a class')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'More of CTR per campaign' }).click()
      await page.getByRole('menuitem', { name: 'show the SQL' }).click()
      await page.getByRole('dialog').getByText('select', { exact: false }).first().waitFor()
      await check('the SQL')
      await page.keyboard.press('Escape')
      await page.goto(`${rig.service.server.url}/status`)
      await page.locator('.verdict').waitFor()
      await check('the status')
      assert.deepEqual(troubles, [])
    })
  }

  it('fits a phone and a wall, runs no name, and pauses', async (context) => {
    const { page, troubles } = await openPage(context, rig.service.server.url)
    for (const width of [360, 768, 1024, 1100, 1280, 1440, 1920, 3_840]) {
      await page.setViewportSize({ width, height: 900 })
      await eventually(`it fits ${width} px`, async () => (await overflowPx(page)) <= 0)
      const cells = await cutTexts(page, '.sources :is(th, td, table)')
      assert.deepEqual(cells, [], `sources at ${width} px`)
      const subtitles = await cutTexts(page, '.charts .head .sub')
      assert.deepEqual(subtitles, [], `charts at ${width} px`)
    }
    await page.setViewportSize({ width: 1_024, height: 768 })
    await eventually('it says how far behind it is', async () => {
      await rig.send('impressions', impressionLine(`seen ${Date.now()}`, Date.now()))
      return page.locator('.behind').isVisible()
    })
    assert.ok(((await page.locator('header').boundingBox())?.height ?? 99) < 70, 'the header is one line')
    await page.locator('.board').getByText(IMAGE, { exact: true }).waitFor()
    assert.equal(await hasGlobal(page, 'hacked'), false)

    await page.locator('body').press('Space')
    await page.getByText(/^Paused/).waitFor()
    const before = await tileText(page, 'impressions')
    const { read } = (await rig.status()).ledger.impressions
    await rig.send('impressions', impressionLine('one more', Date.now()))
    await eventually('it is counted', async () => (await rig.status()).ledger.impressions.read > read)
    assert.equal(await tileText(page, 'impressions'), before)
    await page.locator('body').press('Space')
    await eventually('it is shown', async () => (await tileText(page, 'impressions')) !== before)
    assert.deepEqual(troubles, [])
  })
})
