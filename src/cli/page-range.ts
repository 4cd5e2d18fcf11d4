/**
 * How far back the page of a replay looks, as asked for on the command line.
 */
import { TidemarkError } from '../errors.ts'
import { MAX_WINDOWS } from '../pipeline/page.ts'
import type { Plan } from '../pipeline/plan.ts'
import { formatDuration } from '../time/duration.ts'

/**
 * `askedMs`, rounded up to whole windows of the plan.
 *
 * @throws TidemarkError `USAGE` where that is none, or more than a page shows
 */
export function pageRangeMs(plan: Plan, askedMs: number): number {
  const { windowSizeMs } = plan.parameters
  const windows = Math.ceil(askedMs / windowSizeMs)
  if (windows >= 1 && windows <= MAX_WINDOWS) return windows * windowSizeMs
  const [least, most] = [windowSizeMs, MAX_WINDOWS * windowSizeMs].map(formatDuration)
  throw new TidemarkError(
    'USAGE',
    `--page-range ${formatDuration(askedMs)}: allowed are ${least} to ${most} with windows of ${least}.`,
    { fix: `--page-range ${most}, or a definition with a longer windowSize.` },
  )
}
