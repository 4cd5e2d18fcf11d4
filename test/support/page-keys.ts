/**
 * What every key of the page does, for a test over the very list that the page shows.
 */
import type { Page } from 'playwright-core'
import { focusedText } from './in-page.ts'

/** What each key of the help window does, by how the window writes it. */
export const KEY_CHECKS: Readonly<Record<string, (page: Page) => Promise<boolean>>> = {
  '1': async (page) => page.url().includes('range=15m'),
  '2': async (page) => !page.url().includes('range='),
  '3': async (page) => page.url().includes('range=6h'),
  '4': async (page) => page.url().includes('range=24h'),
  '5': async (page) => page.url().includes('range=7d'),
  '←': async (page) => page.url().includes('from='),
  '→': async (page) => page.url().includes('from=2026-01-01T01:00Z'),
  z: async (page) => page.url().includes('range=6h'),
  r: async (page) => (await page.locator('dialog.is-range').count()) === 1,
  h: async (page) => !page.url().includes('?'),
  c: async (page) => page.url().includes('vs=day'),
  m: async (page) => page.url().includes('measure='),
  d: async (page) => page.url().includes('split='),
  'Shift m': async (page) => page.url().includes('measure='),
  'Shift d': async (page) => page.url().includes('split='),
  s: async (page) => page.url().includes('order='),
  '/': async (page) => (await page.locator('#search:focus').count()) === 1,
  b: async (page) => (await page.locator('.member-button:focus').count()) === 1,
  e: async (page) => (await focusedText(page)) === 'counted',
  Esc: async (page) => !page.url().includes('f.'),
  Space: async (page) => (await page.getByText(/^Paused/).count()) === 1,
  f: async (page) => page.evaluate<boolean>('document.fullscreenElement !== null'),
  k: async (page) => page.url().includes('kiosk=1'),
  t: async (page) => page.evaluate<boolean>('document.documentElement.dataset.theme === "light"'),
  x: async (page) => page.evaluate<boolean>('document.documentElement.dataset.contrast === "more"'),
  w: async (page) => page.evaluate<boolean>('window.savedAs?.endsWith(".html") === true'),
  '?': async (page) => (await page.locator('dialog.is-help').count()) === 1,
}

/** Where a key needs something else to look at first. */
export const BEFORE_KEY: Readonly<Record<string, string>> = {
  '2': '?range=6h',
  '→': `?from=2026-01-01T00:00Z&to=2026-01-01T01:00Z`,
  h: '?range=6h&measure=clicks',
  Esc: '?f.device_type=mobile',
}

/** Keys that Playwright calls by another name. */
export const PRESSED: Readonly<Record<string, string>> = {
  '←': 'ArrowLeft',
  '→': 'ArrowRight',
  Esc: 'Escape',
  'Shift m': 'Shift+M',
  'Shift d': 'Shift+D',
}
