/**
 * A dashboard of Superset in a real Chromium, as somebody who signed in sees it.
 */
import type { Browser, Page } from 'playwright-core'
import type { SupersetLogin } from '../../src/superset/api/session.ts'

const SLOW_MS = 120_000

/** What the page asked for a chart's data, and the answer's status. */
export interface DataAnswer {
  readonly status: number
}

export class SupersetPage {
  readonly page: Page
  readonly answers: DataAnswer[] = []
  /** Addresses beyond Superset that were asked for; the page's policy lets none of them through. */
  readonly foreign: string[] = []

  private constructor(page: Page, url: string) {
    this.page = page
    page.on('response', (response) => {
      if (response.url().includes('/api/v1/chart/data')) this.answers.push({ status: response.status() })
      if (!response.url().startsWith(url) && response.url().startsWith('http')) this.foreign.push(response.url())
    })
  }

  /** Signs in through the form and opens a dashboard. */
  static async open(browser: Browser, login: SupersetLogin, dashboardUrl: string): Promise<SupersetPage> {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1800 } })
    page.setDefaultTimeout(SLOW_MS)
    const opened = new SupersetPage(page, login.url)
    await page.goto(`${login.url}/login/`, { timeout: SLOW_MS })
    await page.fill('#username, input[name=username]', login.username)
    await page.fill('#password, input[name=password]', login.password)
    await page.keyboard.press('Enter')
    await page.waitForURL((address) => !address.pathname.startsWith('/login'), { timeout: SLOW_MS })
    await page.goto(dashboardUrl, { timeout: SLOW_MS })
    return opened
  }

  /** How many charts have drawn something: a canvas, a number or a table. */
  async drawnCharts(): Promise<number> {
    const drawn = '.dashboard-component-chart-holder:has(canvas, svg.vx-group, .header-line, table tbody tr td)'
    return this.page.locator(drawn).count()
  }

  /** What charts say instead of drawing. */
  async complaints(): Promise<readonly string[]> {
    return this.page.locator('.dashboard-component-chart-holder [role=alert]').allInnerTexts()
  }

  /** The number in a tile. */
  async tile(title: string): Promise<string> {
    const holder = this.page.locator('.dashboard-component-chart-holder').filter({ hasText: title }).first()
    const texts = await holder.locator('.header-line').allInnerTexts()
    return (texts[0] ?? '').trim()
  }

  /** The rows of the table, as they are shown. */
  async tableRows(): Promise<readonly (readonly string[])[]> {
    const rows = await this.page.locator('.dashboard-component-chart-holder table tbody tr').all()
    return Promise.all(rows.map(async (row) => (await row.locator('td').allInnerTexts()).map((text) => text.trim())))
  }
}
