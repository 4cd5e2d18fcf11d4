/**
 * The page over tables that a Flink job fills, in a browser: as fresh, with its ledger, and without what it cannot
 * know.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts'
import { addToLedger, servePage } from '../support/database-page.ts'
import { eventually } from '../support/eventually.ts'
import { makeFacts, writeFacts } from '../support/fact-tables.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { openPage } from '../support/shown-page.ts'

const plan = freezePlan(adPipeline)

describe('the page over tables of a Flink job', { skip: skipWithoutChromium(), timeout: 300_000 }, () => {
  let browser: Browser
  let postgres: TestPostgres
  before(async () => ([browser, postgres] = await Promise.all([launchChromium(), startTestPostgres()])))
  after(async () => {
    await browser.close()
    await postgres.stop()
  })

  it('says how fresh they are and where every event went, and claims nothing of sources', async (context) => {
    const url = await postgres.createDatabase()
    const minuteMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
    const span = { fromMs: minuteMs - 90 * MINUTE_MS, toMs: minuteMs, finalUpToMs: minuteMs - 36 * MINUTE_MS }
    await writeFacts(url, makeFacts(plan, span, 800, 5))
    const at = { minuteMs: span.fromMs }
    await addToLedger(url, { ...at, stream: 'impressions', eventClass: 'counted', events: 900 })
    await addToLedger(url, { ...at, stream: 'clicks', eventClass: 'counted', events: 70 })
    await addToLedger(url, { ...at, stream: 'clicks', eventClass: 'unattributed', events: 30 })
    const served = await servePage(context, plan, url)
    const { page, troubles } = await openPage(context, browser, served.address)
    const header = page.locator('header .fresh')
    await eventually('it is live', async () => (await header.innerText()).startsWith('Live · as of'))
    const ledger = page.locator('.equation')
    await eventually('the ledger is there', async () => (await ledger.count()) === 1)
    const row = async (name: string): Promise<string> =>
      (await ledger.locator(`[data-class="${name}"]`).innerText()).replace(/\s+/g, ' ')
    assert.equal(await row('read'), 'read 900 100')
    assert.match(await row('unattributed'), /^unattributed .*30$/)
    assert.equal(await row('difference'), 'difference — —')
    assert.equal(await ledger.locator('[data-class="pending"]').count(), 0)
    assert.match(await page.locator('.ledger .sub').innerText(), /not counted: 0 impressions .*, 30 clicks \(30/)
    assert.match(await page.locator('.sources').innerText(), /read elsewhere/)
    assert.equal(await page.locator('.click-lag').count(), 0)
    await ledger.getByRole('button', { name: 'unattributed' }).click()
    await page.getByText('the Flink job that fills these tables counts the three as one').waitFor()
    await page.keyboard.press('Escape')

    await runSql(url, `update ledger set updated_at = now() - interval '10 minutes'`)
    await eventually('it says that nothing is new', async () => /Nothing new .* 10/.test(await header.innerText()))
    assert.deepEqual(troubles, [])
    await served.stop()
  })
})
