/**
 * The dashboard in a real Superset and a real Chromium: everything is drawn, it moves by itself, and it shows what SQL
 * says.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { readerUrl } from '../../src/database/open-database.ts'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { connectionOf } from '../../src/cli/superset-connection.ts'
import { stackUrls } from '../../src/stack/settings.ts'
import { supersetPasswordFile } from '../../src/stack/superset-part.ts'
import { readState } from '../../src/stack/state-file.ts'
import { installBundle, type InstalledDashboard } from '../../src/superset/api/install-bundle.ts'
import type { SupersetLogin } from '../../src/superset/api/session.ts'
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { startTestStack, supersetMissing, type TestStack } from '../support/stack.ts'
import { SupersetPage } from '../support/superset-page.ts'

const CHARTS = 7
const REFRESH_MS = 120_000
const plan = planOf(adPipeline)

describe('the dashboard in Superset', { skip: supersetMissing() || skipWithoutChromium(), timeout: 1_200_000 }, () => {
  let stack: TestStack
  let browser: Browser
  let databaseUrl = ''
  let login: SupersetLogin
  let installed: InstalledDashboard
  let shown: SupersetPage

  before(async () => {
    stack = await startTestStack(['postgres', 'superset'])
    databaseUrl = readState(stack.settings.home)?.databaseUrl ?? ''
    await query('select 1')
    await withConnection({ url: databaseUrl, applicationName: 'test' }, async (client) => migrate(client, plan))
    for (let minute = 50; minute >= 10; minute--) await fill(minute)
    const password = readFileSync(supersetPasswordFile(stack.settings.home), 'utf8').trim()
    login = { url: stackUrls(stack.settings.ports).supersetUrl, username: 'admin', password }
    installed = await install()
    browser = await launchChromium()
    shown = await SupersetPage.open(browser, login, installed.url)
  })
  after(async () => {
    await browser?.close()
    await stack?.stop()
  })

  async function query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    return withConnection({ url: databaseUrl, applicationName: 'test' }, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values])
      return rows
    })
  }

  /** One minute of three campaigns on three devices, some minutes ago, with numbers that no two campaigns share. */
  async function fill(minutesAgo: number): Promise<void> {
    const at = `date_trunc('minute', now()) - make_interval(mins => ${minutesAgo})`
    const members = `(values ('camp-1', 'mobile', 700, 70), ('camp-2', 'desktop', 400, 20), ('camp-3', 'tablet', 90, 33))
      as member (campaign, device, impressions, clicks)`
    const last = `${at}, ${at} + interval '1 minute'`
    await query(`insert into ctr_by_campaign (campaign_id, window_start, window_end, impressions, clicks, ctr, spend, is_final, updated_at)
      select campaign, ${last}, impressions, clicks, clicks::float / impressions, impressions * 0.25, false, now() from ${members}`)
    await query(`insert into performance (campaign_id, device_type, browser, window_start, window_end, impressions, clicks, spend, is_final, updated_at)
      select campaign, device, 'chrome', ${last}, impressions, clicks, impressions * 0.25, false, now() from ${members}`)
    await query(`insert into clicks_by_minute (campaign_id, device_type, window_start, window_end, clicks, is_final, updated_at)
      select campaign, device, ${last}, clicks, false, now() from ${members}`)
  }

  async function install(): Promise<InstalledDashboard> {
    const url = readerUrl(databaseUrl, stack.settings.dataDir)
    assert.ok(url !== undefined)
    return installBundle(login, plan, connectionOf(url), decodeURIComponent(new URL(url).password))
  }

  async function impressionsInSql(): Promise<string> {
    const [row] = await query(`select to_char(sum(impressions), 'FM999,999,999') as text from ctr_by_campaign`)
    return String(row?.['text'])
  }

  it('is installed again without anything being added', async () => {
    const again = await install()
    assert.deepEqual(again, installed)
    assert.deepEqual(again.counts, { databases: 1, datasets: 5, charts: CHARTS, dashboards: 1 })
  })

  it('control: a wrong password is refused', async () => {
    await assert.rejects(
      installBundle({ ...login, password: 'admin' }, plan, connectionOf(undefined), ''),
      (error) => error instanceof TidemarkError && error.code === 'SUPERSET_REFUSED',
    )
  })

  it('draws every chart, and nothing from elsewhere is let in', async () => {
    await eventually('all charts are drawn', async () => (await shown.drawnCharts()) === CHARTS, REFRESH_MS)
    assert.deepEqual(await shown.complaints(), [])
    assert.deepEqual(shown.foreign, [])
  })

  it('shows what SQL says', async () => {
    const [total] = await query(
      `select to_char(100.0 * sum(clicks) / sum(impressions), 'FM990.00%') as ctr from ctr_by_campaign`,
    )
    await eventually('the total', async () => (await shown.tile('Total CTR')) === total?.['ctr'], REFRESH_MS)
    assert.equal(await shown.tile('Impressions'), await impressionsInSql())
    const rows = await query(`select campaign_id, to_char(sum(impressions), 'FM999,999,999') as impressions,
      to_char(sum(clicks), 'FM999,999,999') as clicks, to_char(100.0 * sum(clicks) / sum(impressions), 'FM990.00%') as ctr,
      to_char(sum(spend), 'FM999,999,990.00') as spend,
      to_char(1000 * sum(spend) / sum(impressions), 'FM999,990.00') as ecpm
      from ctr_by_campaign group by 1 order by sum(clicks)::float / sum(impressions) desc`)
    assert.deepEqual(
      await shown.tableRows(),
      rows.map((row) => Object.values(row).map(String)),
    )
  })

  it('shows what comes in, twice, without anybody asking', async () => {
    for (const minutesAgo of [9, 8]) {
      await fill(minutesAgo)
      const expected = await impressionsInSql()
      assert.notEqual(await shown.tile('Impressions'), expected, 'control: it is not shown yet')
      await eventually('the refresh', async () => (await shown.tile('Impressions')) === expected, REFRESH_MS)
    }
    // The tile may be drawn before the others have their answers.
    await eventually('every chart has three', () => shown.answers.length >= 3 * CHARTS, REFRESH_MS)
    assert.deepEqual(
      shown.answers.filter(({ status }) => status !== 200),
      [],
    )
  })

  it('control: a chart whose table is gone says so', async () => {
    await query('alter table clicks_by_minute rename to gone')
    await eventually('an answer that is none', () => shown.answers.some(({ status }) => status >= 400), REFRESH_MS)
  })
})
