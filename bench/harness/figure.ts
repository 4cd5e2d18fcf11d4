/**
 * What a benchmark finds out: figures, each with every run's value, its target and the command it came from.
 */

/** What a figure has to reach. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

export interface Figure {
  readonly name: string
  /** One value for each run. */
  readonly values: readonly number[]
  /** Such as `events/s`, after the number. */
  readonly unit: string
  readonly target?: Target
  /** What has to be said beside it. */
  readonly note?: string
  /** The command that gives it, from the project's folder. */
  readonly command: string
}

/** The value in the middle; of two in the middle their mean. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper
}

/** Whether the median reaches the target; undefined without one. */
export function isMet({ values, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined
  return 'atLeast' in target ? median(values) >= target.atLeast : median(values) <= target.atMost
}

/** Three significant digits, whole from 100 on, thousands grouped: `2,134,567`, `48.2`, `1.93`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 1e5) return (Math.round(value / 1e3) * 1e3).toLocaleString('en-US')
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(3)
}

const HEADER = ['figure', 'median', 'least to most', 'target', '']

/** Figures as a table in Markdown that reads well as it is. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = [HEADER, ...figures.map(figureRow)]
  const widths = HEADER.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [header = [], ...body] = rows
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n')
}

function figureRow(figure: Figure): readonly string[] {
  const { name, values, unit, target, note } = figure
  const range = values.length < 2 ? '' : `${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))}`
  const met = isMet(figure)
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED'
  return [
    name,
    `${formatNumber(median(values))} ${unit}`.trim(),
    range === '' ? '' : `${range} in ${values.length}`,
    target === undefined ? '' : targetText(target),
    [verdict, note].filter((text) => text !== undefined && text !== '').join('; '),
  ]
}

function targetText(target: Target): string {
  return 'atLeast' in target ? `≥ ${formatNumber(target.atLeast)}` : `≤ ${formatNumber(target.atMost)}`
}
