/**
 * The page over a live service: on any width, in both themes, for any reader, with what is under the pointer only.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { skipWithoutChromium } from '../support/chromium.ts'
import { impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { cutTexts, hasGlobal, overflowPx } from '../support/in-page.ts'
import type { RunningRig } from '../support/live-rig.ts'
import { HOSTILE_NAME, serveHour } from '../support/served-hour.ts'
import type { ServedTables } from '../support/served-tables.ts'
import { openPage, settled, tileText } from '../support/shown-page.ts'

describe('how the page looks', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig

  before(async () => {
    served = await serveHour()
    ;({ browser, rig } = served)
  })
  after(() => served.stop())

  it('fits a wall as a kiosk, without anything to choose, and grows on large screens', async (context) => {
    const { page } = await openPage(context, browser, `${rig.service.server.url}/?kiosk=1`)
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
    const { page } = await openPage(context, browser, rig.service.server.url)
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

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing to complain about for axe on any of its screens, ${colorScheme}`, async (context) => {
      const { page, troubles } = await openPage(context, browser, rig.service.server.url, { colorScheme })
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
    const { page, troubles } = await openPage(context, browser, rig.service.server.url)
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
    await page.locator('.board').getByText(HOSTILE_NAME, { exact: true }).waitFor()
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
