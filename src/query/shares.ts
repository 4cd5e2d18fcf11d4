/**
 * What may be said of counts, and of shares of few events.
 */

/** Below this many, a ratio says more about chance than about anything else: the page writes "few". */
export const FEW_EVENTS = 30

/** The 97.5 % point of the normal distribution. */
const Z = 1.959_963_984_540_054

/**
 * Wilson's score interval at 95 % for `successes` of `trials` (E. B. Wilson, 1927): unlike the textbook interval it
 * stays within 0 and 1 and holds for small counts.
 */
export function wilsonInterval(successes: number, trials: number): readonly [low: number, high: number] {
  if (trials <= 0) return [0, 1]
  const share = successes / trials
  const z2 = (Z * Z) / trials
  const center = (share + z2 / 2) / (1 + z2)
  const half = (Z / (1 + z2)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials))
  return [Math.max(0, center - half), Math.min(1, center + half)]
}

/** Whether two shares differ by more than chance explains, at 95 % (two-proportion z-test, pooled). */
export function sharesDiffer(a: { clicks: number; of: number }, b: { clicks: number; of: number }): boolean {
  const pooled = (a.clicks + b.clicks) / (a.of + b.of)
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / a.of + 1 / b.of))
  return error > 0 && Math.abs(a.clicks / a.of - b.clicks / b.of) > Z * error
}

/** Whether two counts of equal times differ by more than chance explains, at 95 % (events that come one by one). */
export function countsDiffer(a: number, b: number): boolean {
  return Math.abs(a - b) > Z * Math.sqrt(a + b)
}
