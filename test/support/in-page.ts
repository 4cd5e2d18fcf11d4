/**
 * Questions to the page, asked as text: the tests' own types know no DOM.
 */
import type { CDPSession, Page } from 'playwright-core'

/** Left, top, width and height of every element of `selector`, in whole px. */
export async function boxesOf(page: Page, selector: string): Promise<readonly (readonly number[])[]> {
  return page.evaluate<readonly (readonly number[])[]>(`
    [...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect()
      return [x, y, width, height].map(Math.round)
    })`)
}

/** Marks every element of `selector`; {@link countUnmarked} counts those that were made since. */
export async function markAll(page: Page, selector: string): Promise<void> {
  await page.evaluate(`for (const one of document.querySelectorAll(${JSON.stringify(selector)})) one.isMarked = true`)
}

export async function countUnmarked(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].filter((one) => one.isMarked !== true).length`,
  )
}

/** Px by which the page is wider than its window. */
export async function overflowPx(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

/** Tops of the labels of each chart, from the top down. */
export async function labelTops(page: Page): Promise<readonly (readonly number[])[]> {
  return page.evaluate<readonly (readonly number[])[]>(`
    [...document.querySelectorAll('.labels')].map((labels) =>
      [...labels.children].map((label) => label.getBoundingClientRect().top).sort((a, b) => a - b))`)
}

/** Texts of elements of `selector` that do not fit where they stand. */
export async function cutTexts(page: Page, selector: string): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`
    [...document.querySelectorAll(${JSON.stringify(selector)})]
      .filter((one) => one.scrollWidth > one.clientWidth + 1)
      .map((one) => one.textContent)`)
}

/** The colour behind everything. */
export async function paperColour(page: Page): Promise<string> {
  return page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
}

/** What has the focus, as it is read out: with what eyes do not see. */
export async function focusedText(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""')
}

/** Members of a leaderboard and their first number, in the order in which they are shown. */
export async function memberRows(page: Page, dimension: string): Promise<readonly (readonly string[])[]> {
  return page.evaluate<readonly (readonly string[])[]>(`
    [...document.querySelectorAll('[data-dimension=${JSON.stringify(dimension)}] tbody tr:has(.member-button)')].map(
      (row) => [row.querySelector('.name').textContent, row.querySelector('td').textContent.trim().replaceAll(',', '')])`)
}

/** Whether a global of this name exists in the page. */
export async function hasGlobal(page: Page, name: string): Promise<boolean> {
  return page.evaluate<boolean>(`${JSON.stringify(name)} in window`)
}

/** Notes from now on how long each frame takes, and every task over 50 ms. */
export async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(`
    window.frameTimes = new Float32Array(150000)
    window.frameCount = 0
    window.longTasks = []
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask' })
    let lastMs
    requestAnimationFrame(function next(nowMs) {
      if (lastMs !== undefined) window.frameTimes[window.frameCount++] = nowMs - lastMs
      lastMs = nowMs
      requestAnimationFrame(next)
    })`)
}

/** What {@link watchFrames} noted. */
export async function frameTimes(
  page: Page,
): Promise<{ readonly frames: readonly number[]; readonly tasks: number; readonly longestTaskMs: number }> {
  return page.evaluate(`({
    frames: [...window.frameTimes.subarray(0, window.frameCount)],
    tasks: window.longTasks.length,
    longestTaskMs: Math.max(0, ...window.longTasks),
  })`)
}

/** The smallest value that so large a share is not above, to a tenth. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10
}

/** What the page holds once its garbage is collected. */
export async function heapOf(
  session: CDPSession,
): Promise<{ readonly bytes: number; readonly nodes: number; readonly listeners: number }> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters')
  return { bytes: usedSize, nodes, listeners: jsEventListeners }
}

/** Sums up the layout shifts from the next page that is opened on. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(`
    window.shifts = []
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries())
        if (!hadRecentInput)
          window.shifts.push([value, ...sources.map(({ node }) => node?.className ?? node?.nodeName ?? '')])
    }).observe({ type: 'layout-shift', buffered: true })`)
}

/** Each shift so far: how large, and what moved. */
export async function shiftsOf(page: Page): Promise<readonly (readonly [number, ...string[]])[]> {
  return page.evaluate('window.shifts')
}
