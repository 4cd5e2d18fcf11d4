/**
 * The page where it asks who looks: what each viewer is shown, by docs/access.md.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { keepUser, removeUser } from '../../src/server/access/user-store.ts'
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { afterwards } from '../support/afterwards.ts'
import { allInTables } from '../support/served-tables.ts'

const PASSWORD = 'correct horse battery'
const SECRET = 'winter-secret'

describe('the page with a login', { skip: skipWithoutChromium() }, () => {
  let browser: Browser
  let postgres: TestPostgres
  before(async () => {
    browser = await launchChromium()
    postgres = await startTestPostgres()
  })
  after(async () => {
    await browser.close()
    await postgres.stop()
  })

  async function start(context: TestContext): Promise<{ url: string; dataDir: string }> {
    const dataDir = newFolder(context)
    const databaseUrl = await postgres.createDatabase()
    const [now, scope] = [Date.now(), [{ dimension: 'campaign_id', mode: 'include' as const, members: ['spring'] }]]
    await keepUser(dataDir, { name: 'ada', role: 'admin', scope: [] }, PASSWORD, now)
    await keepUser(dataDir, { name: 'victor', role: 'viewer', scope }, PASSWORD, now)
    const rig = await RunningRig.start(context, { databaseUrl, dataDir, epochMs: 200 })
    const campaigns = ['spring', SECRET]
    const impressions = campaigns.flatMap((name) =>
      Array.from({ length: 40 }, (_, i) => impressionLine(`${name} ${i}`, now - i * 1_000, { campaign_id: name })),
    )
    const clicks = campaigns.map((name) => clickLine(`k ${name}`, `${name} 5`, now - 4_000))
    await rig.send('impressions', ...impressions)
    await rig.send('clicks', ...clicks)
    await allInTables(databaseUrl, impressions.length + clicks.length)
    return { url: rig.service.server.url, dataDir }
  }

  async function logIn(context: TestContext, url: string, name: string): Promise<{ page: Page; troubles: string[] }> {
    const opened = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })
    afterwards(context, () => opened.close())
    const page = await opened.newPage()
    const troubles: string[] = []
    page.on('pageerror', (error) => troubles.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text())
    })
    await page.goto(url)
    await page.locator('input[name="name"]').fill(name)
    await page.locator('input[name="password"]').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('.member-button').first().waitFor()
    return { page, troubles }
  }

  it('comes back from the login to what was asked for, says who looks, and logs out', async (context) => {
    const { url } = await start(context)
    const { page, troubles } = await logIn(context, `${url}/?range=15m&measure=impressions`, 'ada')
    assert.match(page.url(), /\?range=15m&measure=impressions$/)
    await page.locator('.account').getByText('ada', { exact: true }).waitFor()
    assert.equal(await page.locator('[data-measure="impressions"] .v').innerText(), '80')
    assert.equal(await page.locator('.ledger').count(), 1)
    assert.deepEqual(troubles, [])
    await page.getByRole('button', { name: 'log out' }).click()
    await page.locator('input[name="password"]').waitFor()
    await page.goto(url)
    await page.locator('input[name="password"]').waitFor()
  })

  it('shows a limited viewer nothing of others, says so calmly, and goes to the login once they are out', async (context) => {
    const { url, dataDir } = await start(context)
    const { page, troubles } = await logIn(context, url, 'victor')
    await page.getByText('You see campaign spring alone.').waitFor()
    assert.equal(await page.locator('[data-measure="impressions"] .v').innerText(), '40')
    for (const hidden of ['.ledger', '.sources', '.click-lag', '.first-event', '[role="alert"]'])
      assert.equal(await page.locator(hidden).count(), 0, hidden)
    assert.doesNotMatch(await page.content(), new RegExp(SECRET))
    assert.deepEqual((await new AxeBuilder({ page }).analyze()).violations, [])
    await page.getByRole('button', { name: 'CTR per campaign as a table' }).click()
    assert.equal(await page.locator('.table-box button').count(), 0)
    await page.goto(`${url}/status`)
    await page.locator('.verdict').waitFor()
    assert.equal(await page.getByText('Not counted').count(), 0)
    await page.goto(url)
    await page.locator('.member-button').first().waitFor()
    assert.deepEqual(troubles, [])

    removeUser(dataDir, 'victor')
    await page.locator('input[name="password"]').waitFor()
    assert.match(page.url(), /\/login\?to=/)
  })
})
