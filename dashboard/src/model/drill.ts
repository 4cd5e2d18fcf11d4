/**
 * The raw events behind a cell in words: which cell it is, and what an event cost.
 */
import { inSentence, type PagePlan } from '../../../src/pipeline/page.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import type { ViewFilter } from '../../../src/query/view-query.ts'
import { visibleName } from '../format/names.ts'

/** What a dimension is called. */
export function labelOf({ boards }: Pick<PagePlan, 'boards'>, dimension: string): string {
  return boards.find((board) => board.dimension.name === dimension)?.dimension.label ?? dimension
}

/** Filters in words: `campaign c1, not device tablet or mobile`; empty without any. */
export function filtersInWords(page: Pick<PagePlan, 'boards'>, filters: readonly ViewFilter[]): string {
  return filters
    .map(({ dimension, mode, members }) => {
      const names = members.map(visibleName).join(' or ')
      return `${mode === 'exclude' ? 'not ' : ''}${inSentence(labelOf(page, dimension))} ${names}`
    })
    .join(', ')
}

/**
 * The fields that the plan sums up, each with what a record says of it; undefined where it says nothing that can be
 * read.
 */
export function sumsOf(
  { measures }: Pick<Plan, 'measures'>,
  text: string,
): readonly { readonly field: string; readonly text: string | undefined }[] {
  const fields = [...new Set(measures.flatMap((measure) => (measure.kind === 'sum' ? [measure.field] : [])))]
  const record = recordOf(text)
  return fields.map((field) => {
    const value = record[field]
    return { field, text: typeof value === 'string' || typeof value === 'number' ? String(value) : undefined }
  })
}

function recordOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
