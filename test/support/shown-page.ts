/**
 * A page in a browser, with the troubles it reports, read as a person would.
 */
import type { TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterwards } from './afterwards.ts'
import { eventually } from './eventually.ts'

export interface ShownPage {
  readonly page: Page
  /** What it threw or complained of so far. */
  readonly troubles: readonly string[]
}

/** Opens a page for the length of a test; resolves once it shows numbers. */
export async function openPage(
  context: TestContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<ShownPage> {
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

/** Resolves once the answer to what was asked last is shown. */
export async function settled(page: Page): Promise<void> {
  await eventually('the answer is there', async () => (await page.locator('.sheet.is-waiting').count()) === 0)
}

/** What the tile of a measure shows, as people read it. */
export async function tileText(page: Page, measure: string): Promise<string> {
  return page.locator(`[data-measure="${measure}"] .v`).innerText()
}
