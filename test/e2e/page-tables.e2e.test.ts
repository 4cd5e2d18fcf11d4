/**
 * The page over a live service: what is asked of the tables, by keys, by links, and in numbers that equal SQL.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { MINUTE_MS } from '../../src/time/units.ts'
import { skipWithoutChromium } from '../support/chromium.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { focusedText } from '../support/in-page.ts'
import type { RunningRig } from '../support/live-rig.ts'
import { runSql } from '../support/postgres.ts'
import { serveHour } from '../support/served-hour.ts'
import type { ServedTables } from '../support/served-tables.ts'
import { openPage, settled, tileText } from '../support/shown-page.ts'

const countOf = (text: string): number => Number(text.replaceAll(',', ''))

describe('the page over tables', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig
  let databaseUrl = ''

  before(async () => {
    served = await serveHour()
    ;({ browser, rig, databaseUrl } = served)
  })
  after(() => served.stop())

  it('answers the four questions of somebody who has never seen it, by keys alone', async (context) => {
    const { page, troubles } = await openPage(context, browser, rig.service.server.url)

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
    const { page } = await openPage(context, browser, rig.service.server.url)
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

    const copy = await openPage(context, browser, page.url())
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
    const { page, troubles } = await openPage(
      context,
      browser,
      `${rig.service.server.url}/?f.device_type=mobile,tablet`,
    )
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
    const copy = await openPage(context, browser, page.url())
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

  it('shows numbers that equal SQL for the same view', async (context) => {
    const startMs = Math.floor((Date.now() - 40 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS
    const [from, to] = [new Date(startMs).toISOString(), new Date(startMs + 20 * MINUTE_MS).toISOString()]
    const address = `?from=${from}&to=${to}&f.device_type=mobile,tablet&f.campaign_id!=summer`
    const { page } = await openPage(context, browser, `${rig.service.server.url}/${address}`)
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
    const { page, troubles } = await openPage(context, browser, `${rig.service.server.url}/?split=&measure=impressions`)
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
})
