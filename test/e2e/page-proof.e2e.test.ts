/**
 * The page under strain: every key that it lists, five hundred hostile names, random views against SQL, two tabs, and a
 * PostgreSQL that goes away.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { MINUTE_MS } from '../../src/time/units.ts'
import { skipWithoutChromium } from '../support/chromium.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { cutTexts, hasGlobal, memberRows, overflowPx } from '../support/in-page.ts'
import type { RunningRig } from '../support/live-rig.ts'
import { BEFORE_KEY, KEY_CHECKS, PRESSED } from '../support/page-keys.ts'
import { runSql } from '../support/postgres.ts'
import { replay, seed } from '../support/seed.ts'
import { allInTables, type ServedTables, serveTables } from '../support/served-tables.ts'
import { openPage, settled, tileText, type ShownPage } from '../support/shown-page.ts'
import { seededRandom } from '../support/simulated-disk.ts'

const DEVICES = ['mobile', 'desktop', 'tablet']
const CAMPAIGNS = ['spring', 'summer', 'autumn', 'it\'s, "a" name']

/** Names that would run, hide, reorder or break something. */
const HOSTILE = Array.from({ length: 500 }, (_, i) => {
  const kinds = [
    `<img src=x onerror="window.hacked = ${i}">`,
    `"><script>window.hacked = ${i}</script>`,
    `'; drop table performance; -- ${i}`,
    `\u202Egnp.${i}`,
    `{{constructor.constructor("window.hacked = ${i}")()}}`,
    `javascript:window.hacked=${i}`,
    `=HYPERLINK("x";${i})`,
    `${'w'.repeat(200)}${i}`,
    `\u0301\u0301\u0301${i}`,
    `__proto__${i}`,
  ]
  return kinds[i % kinds.length] ?? ''
})

describe('the page under strain', { skip: skipWithoutChromium(), timeout: 900_000 }, () => {
  let browser: Browser
  let served: ServedTables
  let rig: RunningRig
  let databaseUrl = ''
  let nowMs = 0

  before(async () => {
    served = await serveTables()
    ;({ browser, rig, databaseUrl } = served)
    nowMs = Date.now()
    let sent = 0
    for (let minute = 40; minute >= 1; minute--) {
      const ids = CAMPAIGNS.flatMap((campaign) => Array.from({ length: 12 }, (_, i) => ({ campaign, i })))
      const impressions = ids.map(({ campaign, i }) => {
        const fields = { campaign_id: campaign, device_type: DEVICES[i % 3] ?? '' }
        return impressionLine(`${campaign} ${minute} ${i}`, nowMs - minute * MINUTE_MS + i * 1_000, fields)
      })
      const clicks = ids
        .filter(({ i }) => (i + minute) % 5 === 0)
        .map(({ campaign, i }) => {
          const id = `${campaign} ${minute} ${i}`
          return clickLine(`k ${id}`, id, nowMs - minute * MINUTE_MS + i * 1_000 + 500)
        })
      await rig.send('impressions', ...impressions)
      await rig.send('clicks', ...clicks)
      sent += impressions.length + clicks.length
    }
    const hostile = HOSTILE.map((name, i) => impressionLine(`h ${i}`, nowMs - MINUTE_MS + i, { campaign_id: name }))
    sent += hostile.length
    await rig.send('impressions', ...hostile)
    await allInTables(databaseUrl, sent)
  })
  after(() => served.stop())

  async function openSettled(
    context: TestContext,
    query = '',
    options: BrowserContextOptions = {},
  ): Promise<ShownPage> {
    const shown = await openPage(context, browser, `${rig.service.server.url}/${query}`, options)
    await settled(shown.page)
    return shown
  }

  const tileDigits = async (page: Page, measure: string): Promise<string> =>
    (await tileText(page, measure)).replaceAll(',', '')

  it('does what the help window says, key by key', async (context) => {
    const { page, troubles } = await openSettled(context)
    await page.keyboard.press('?')
    const labels = await page.locator('dialog kbd').allInnerTexts()
    assert.deepEqual(labels.toSorted(), Object.keys(KEY_CHECKS).toSorted(), 'a key without a test, or the other way')
    for (const label of labels) {
      await page.goto(`${rig.service.server.url}/${BEFORE_KEY[label] ?? ''}`)
      await page.locator('.ledger button').first().waitFor()
      await page.evaluate(`
        window.savedAs = undefined
        HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download }`)
      const isDone = KEY_CHECKS[label] ?? (async () => false)
      assert.equal(await isDone(page), false, `${label} has something to do`)
      await page.keyboard.press(PRESSED[label] ?? label)
      await eventually(`${label} does it`, () => isDone(page))
      await page.evaluate('localStorage.clear()')
    }
    assert.deepEqual(troubles, [])
  })

  it('shows 500 hostile names as text, on any width, and finds them', async (context) => {
    const { page, troubles } = await openSettled(context)
    await page.locator('[data-dimension="campaign_id"] .all').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('504, most Impressions first').waitFor()
    for (let top = 0; top < 16_000; top += 900) {
      await dialog.locator('.scroll').evaluate(`(element) => (element.scrollTop = ${top})`)
      await page.waitForFunction('document.querySelectorAll(".scroll .row").length > 10')
    }
    assert.deepEqual(await page.locator('dialog img, dialog script').count(), 0)
    assert.ok((await dialog.locator('.row').count()) < 60, 'rows that nobody sees are not drawn')
    assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations, [])
    await dialog.getByRole('searchbox').fill('onerror="window.hacked = 130"')
    await dialog.getByText('1, most Impressions first').waitFor()
    await page.keyboard.press('Escape')
    for (const width of [360, 1024, 1920]) {
      await page.setViewportSize({ width, height: 900 })
      await eventually(`it fits ${width} px`, async () => (await overflowPx(page)) <= 0)
    }
    assert.deepEqual(await cutTexts(page, '.tile .v, .board td'), [])
    assert.equal(await hasGlobal(page, 'hacked'), false)
    assert.deepEqual(troubles, [])
  })

  it(`shows what SQL counts, over 20 random views (${replay})`, async (context) => {
    const { page } = await openSettled(context)
    const random = seededRandom(seed)
    const below = (count: number): number => Math.floor(random() * count)
    const pick = (names: readonly string[]): readonly string[] =>
      names.toSorted(() => random() - 0.5).slice(0, 1 + below(names.length - 1))
    for (let view = 0; view < 20; view++) {
      const startMs = Math.floor(nowMs / MINUTE_MS - 40 + below(25)) * MINUTE_MS
      const [from, to] = [startMs, startMs + (1 + below(14)) * MINUTE_MS].map((ms) => new Date(ms).toISOString())
      const filters = [
        { dimension: 'campaign_id', members: pick(CAMPAIGNS), isOut: below(2) === 0 },
        { dimension: 'device_type', members: pick(DEVICES), isOut: below(2) === 0 },
      ].slice(0, below(3))
      const keys = filters.map(({ dimension, members, isOut }) => {
        const names = members.map((name) => name.replaceAll(/[\\,;]/g, '\\$&')).join(',')
        return `&f.${dimension}${isOut ? '!' : ''}=${encodeURIComponent(names)}`
      })
      const where = (ignored?: string): string =>
        [
          `window_start >= '${from}' and window_start < '${to}'`,
          ...filters
            .filter(({ dimension }) => dimension !== ignored)
            .map(({ dimension, members, isOut }) => {
              const list = members.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')
              return `${dimension} ${isOut ? 'not in' : 'in'} (${list})`
            }),
        ].join(' and ')
      const replay = `?from=${from}&to=${to}${keys.join('')}`
      await page.goto(`${rig.service.server.url}/${replay}`)
      await page.locator('.tile').first().waitFor()
      await settled(page)
      const sums = `coalesce(sum(impressions), 0), coalesce(sum(clicks), 0)`
      const [row] = await runSql(databaseUrl, `select ${sums} from performance where ${where()}`)
      assert.deepEqual([await tileDigits(page, 'impressions'), await tileDigits(page, 'clicks')], row, replay)
      const ranked = await runSql(
        databaseUrl,
        `select device_type, sum(impressions) from performance where ${where('device_type')}
           group by 1 order by 2 desc, device_type collate "C"`,
      )
      assert.deepEqual(await memberRows(page, 'device_type'), ranked, replay)
    }
  })

  it('has nothing to complain about for axe in its other windows, and in high contrast', async (context) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openSettled(context, '?split=&measure=impressions', { colorScheme })
      const check = async (what: string): Promise<void> => {
        const { violations } = await new AxeBuilder({ page }).analyze()
        const found = violations.map(({ id, nodes }) => [what, id, nodes.map(({ html }) => html)])
        assert.deepEqual(found, [])
      }
      await page.getByRole('button', { name: 'show click lag' }).click()
      await page.getByText(/Half of the clicks come within/).waitFor()
      await check('click lag')
      await page.getByRole('button', { name: 'Impressions as a table' }).click()
      await page.locator('.table-box button').nth(3).click()
      await page
        .getByRole('dialog')
        .getByText(/1 to \d+ of/)
        .waitFor()
      await check('drill')
      await page.keyboard.press('Escape')
      await page.keyboard.press('x')
      await check('high contrast')
    }
  })

  it('keeps two more tabs up to date, and asks nothing for a tab that nobody sees', async (context) => {
    const { page, troubles } = await openSettled(context)
    const tabs = [page, await page.context().newPage(), await page.context().newPage()]
    for (const tab of tabs.slice(1)) {
      await tab.goto(`${rig.service.server.url}/?measure=clicks`)
      await tab.locator('.member-button').first().waitFor()
    }
    await rig.send('impressions', impressionLine(`tabs ${Date.now()}`, Date.now(), { campaign_id: 'tabs' }))
    const [[count]] = (await eventuallyRow(databaseUrl)) as [[string]]
    for (const tab of tabs) {
      await tab.bringToFront()
      await eventually('each shows it', async () => (await tileDigits(tab, 'impressions')) === count)
    }
    assert.deepEqual(troubles, [])
  })

  async function eventuallyRow(url: string): Promise<readonly (readonly (string | null)[])[]> {
    const text = `select sum(impressions) from performance`
    await eventually('it is in the tables', async () => {
      const [[tabs]] = (await runSql(url, `${text} where campaign_id = 'tabs'`)) as [[string | null]]
      return tabs === '1'
    })
    return runSql(url, text)
  }

  it('says when PostgreSQL is away, keeps what it showed, marks it on the charts, and goes on', async (context) => {
    const { page } = await openSettled(context)
    const before = await tileDigits(page, 'impressions')
    process.kill(served.postgres.database.serverPid ?? 0, 'SIGKILL')
    await eventually('the page says so', async () => {
      await rig.send('impressions', impressionLine(`away ${Date.now()}`, Date.now()))
      return (await page.getByText('PostgreSQL is down').count()) > 0
    })
    assert.ok(Number(await tileDigits(page, 'impressions')) >= Number(before))
    await eventually('it is back', async () => (await page.getByText('PostgreSQL is down').count()) === 0, 60_000)
    const { outages } = (await rig.status()).database
    assert.equal(outages.length, 1)
    assert.notEqual(outages[0]?.toMs, null)
    const [[count]] = (await runSql(databaseUrl, 'select sum(impressions) from performance')) as [[string]]
    await eventually('all is shown', async () => Number(await tileDigits(page, 'impressions')) >= Number(count), 60_000)
    assert.equal(await page.getByRole('alert').count(), 0)
  })
})
