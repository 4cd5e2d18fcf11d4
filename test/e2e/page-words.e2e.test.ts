/**
 * The page over a live service: what it says of an address, a range, a form or an answer that it cannot show.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { skipWithoutChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import type { RunningRig } from '../support/live-rig.ts'
import { serveHour } from '../support/served-hour.ts'
import type { ServedTables } from '../support/served-tables.ts'
import { openPage, settled } from '../support/shown-page.ts'

describe('what the page says', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig

  before(async () => {
    served = await serveHour()
    ;({ browser, rig } = served)
  })
  after(() => served.stop())

  it('says what of an address it does not understand', async (context) => {
    const { page } = await openPage(context, browser, `${rig.service.server.url}/?measure=wat&range=zz&f.nope=1`)
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
    const { page } = await openPage(context, browser, `${rig.service.server.url}/?f.campaign_id=nonesuch`)
    await page.getByText(/^Nothing was counted in the last hour with these filters\. The newest data of all/).waitFor()
    assert.equal(await page.locator('.chart').count(), 0)
    assert.doesNotMatch(await page.locator('footer').innerText(), /is final/)
    await page.keyboard.press('Escape')
    await page.locator('.chart').nth(2).waitFor()
    assert.equal(await page.getByText(/^Nothing was counted/).count(), 0, 'control')
  })

  it('shows no numbers of another range in the window of a class', async (context) => {
    const { page } = await openPage(context, browser, rig.service.server.url)
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
    const { page, troubles } = await openPage(context, browser, rig.service.server.url)
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

  it('Q2 of answers: says so where the server answers in a form that it does not know', async (context) => {
    const { page, troubles } = await openPage(context, browser, rig.service.server.url)
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
})
