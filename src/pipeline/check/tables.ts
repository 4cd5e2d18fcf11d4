/**
 * Measures and tables: every name they use is declared, and every measure can be taken where it is asked for.
 */
import { brokenReference, hasSection, namesIn, type Draft } from './draft.ts'
import { checkLabels } from './names.ts'
import { asList, asObject, asText, isPlainObject, member, membersAt, type PlainObject } from './plain-data.ts'
import { problemAt, type Path, type Problem, type ProblemCode } from './problem.ts'
import { checkFieldType } from './streams.ts'

const KINDS = ['count', 'sum', 'ratio'] as const
const MAX_MEASURES = 64
const MAX_SUMS = 16
const MAX_TABLES = 64
// A primary key is a row of a PostgreSQL index, 2,704 bytes at most, and a text may take 512 of them.
const MAX_TABLE_DIMENSIONS = 5
const MAX_SCALE = 1_000_000_000

/** Checks each measure by itself and what its ratio or sum is made of. */
export function checkMeasures(draft: Draft): Problem[] {
  const measures = membersAt(draft.definition, 'measures')
  const sums = new Set(measures.flatMap(([, measure]) => asText(member(asObject(measure), 'sum')) ?? []))
  return [
    ...checkLabels(draft, 'measures'),
    ...measures.flatMap(([name, measure]) => checkMeasure(draft, name, asObject(measure))),
    ...checkCount(['measures'], measures.length, MAX_MEASURES, 'measures'),
    ...checkCount(['measures'], sums.size, MAX_SUMS, 'fields to sum'),
  ]
}

function checkMeasure(draft: Draft, name: string, measure: PlainObject): Problem[] {
  const path: Path = ['measures', name]
  const kinds = KINDS.filter((kind) => Object.hasOwn(measure, kind))
  if (kinds.length !== 1) {
    const message = `A measure has one of the keys count, sum and ratio, and "${name}" has ${kinds.join(' and ') || 'none'}.`
    return [problemAt(path, 'WRONG_MEASURE', message, { given: measure, allowed: KINDS })]
  }
  const problems = checkScale([...path, 'scale'], measure)
  if (kinds[0] === 'ratio') problems.push(...checkRatio(draft, [...path, 'ratio'], measure))
  const field = asText(member(measure, 'sum'))
  if (field === undefined) return problems
  const use = { path: [...path, 'sum'], name: field, stream: 'impressions', type: 'money' } as const
  return [...problems, ...checkFieldType(draft, use)]
}

function checkScale(path: Path, measure: PlainObject): Problem[] {
  const scale = member(measure, 'scale')
  if (typeof scale !== 'number') return []
  if (!Object.hasOwn(measure, 'ratio')) {
    return [problemAt(path, 'WRONG_MEASURE', 'Only a ratio has a scale.', { given: scale })]
  }
  if (scale > 0 && scale <= MAX_SCALE) return []
  const range = `above 0, up to ${MAX_SCALE}`
  return [problemAt(path, 'OUT_OF_RANGE', `A scale is a number ${range}.`, { given: scale, allowed: [range] })]
}

function checkRatio(draft: Draft, path: Path, measure: PlainObject): Problem[] {
  const parts = member(measure, 'ratio')
  if (!Array.isArray(parts)) return []
  const measures = asObject(member(draft.definition, 'measures'))
  const allowed = Object.keys(measures).filter((name) => !Object.hasOwn(asObject(measures[name]), 'ratio'))
  const problems = asList(parts).flatMap((part, index) => {
    const name = asText(part)
    if (name === undefined || allowed.includes(name)) return []
    const here = [...path, index]
    if (!Object.hasOwn(measures, name)) return [unknownMeasure(draft, here, name, allowed)]
    const message = `A ratio is taken of counts and sums, and "${name}" is a ratio itself.`
    return [problemAt(here, 'WRONG_MEASURE', message, { given: name, allowed })]
  })
  if (parts.length === 2) return problems
  const message = 'A ratio names two measures: the numerator, then the denominator.'
  return [problemAt(path, 'WRONG_TYPE', message, { given: parts, allowed: ['a list of two names'] }), ...problems]
}

function unknownMeasure(draft: Draft, path: Path, name: string, allowed: readonly string[]): Problem {
  const declaredAt = ['measures', name]
  return brokenReference(draft, { path, name, declaredAt, code: 'UNKNOWN_MEASURE', kind: 'measure', allowed })
}

/** Checks each table: the dimensions and measures it names, and its time axis. */
export function checkTables(draft: Draft): Problem[] {
  const tables = membersAt(draft.definition, 'tables')
  const problems = tables.flatMap(([name, table]) => checkTable(draft, ['tables', name], asObject(table)))
  const isEmpty = tables.length === 0 && isPlainObject(member(draft.definition, 'tables'))
  const empty = isEmpty ? [problemAt(['tables'], 'EMPTY', 'A pipeline keeps at least one table.', { given: {} })] : []
  return [...empty, ...problems, ...checkCount(['tables'], tables.length, MAX_TABLES, 'tables')]
}

function checkTable(draft: Draft, path: Path, table: PlainObject): Problem[] {
  const dimensions = member(table, 'dimensions')
  const measures = member(table, 'measures')
  const problems = [
    ...checkReferences(draft, [...path, 'dimensions'], asList(dimensions), 'dimension'),
    ...checkReferences(draft, [...path, 'measures'], asList(measures), 'measure'),
  ]
  if (asList(dimensions).length > MAX_TABLE_DIMENSIONS) {
    const message = `A table is split by ${MAX_TABLE_DIMENSIONS} dimensions at most: more would not always fit its primary key.`
    const details = { given: asList(dimensions).length, allowed: [`up to ${MAX_TABLE_DIMENSIONS}`] }
    problems.push(problemAt([...path, 'dimensions'], 'TOO_MANY', message, details))
  }
  if (Array.isArray(measures) && measures.length === 0) {
    const details = { given: measures, allowed: namesIn(draft, 'measures') }
    problems.push(problemAt([...path, 'measures'], 'EMPTY', 'A table has at least one measure.', details))
  }
  if (member(table, 'minuteOf') === 'click')
    problems.push(...checkClickAxis(draft, [...path, 'measures'], asList(measures)))
  return problems
}

const REFERENCES = {
  dimension: { section: 'dimensions', code: 'UNKNOWN_DIMENSION' },
  measure: { section: 'measures', code: 'UNKNOWN_MEASURE' },
} as const satisfies Record<string, { section: 'dimensions' | 'measures'; code: ProblemCode }>

function checkReferences(
  draft: Draft,
  path: Path,
  names: readonly unknown[],
  kind: 'dimension' | 'measure',
): Problem[] {
  const { section, code } = REFERENCES[kind]
  const allowed = namesIn(draft, section)
  return names.flatMap((value, index) => {
    const name = asText(value)
    if (name === undefined) return []
    const here = [...path, index]
    if (names.indexOf(name) !== index) {
      return [problemAt(here, 'REPEATED', `The ${kind} "${name}" is in this table already.`, { given: name })]
    }
    if (allowed.includes(name) || !hasSection(draft, section)) return []
    return [brokenReference(draft, { path: here, name, declaredAt: [section, name], code, kind, allowed })]
  })
}

// At the minute of the click there is nothing but the click: no impression, no cost.
function checkClickAxis(draft: Draft, path: Path, names: readonly unknown[]): Problem[] {
  const measures = asObject(member(draft.definition, 'measures'))
  const allowed = Object.keys(measures).filter((name) => member(asObject(measures[name]), 'count') === 'clicks')
  return names.flatMap((value, index) => {
    const name = asText(value)
    if (name === undefined || !Object.hasOwn(measures, name) || allowed.includes(name)) return []
    const message = `A table by the minute of the click holds counts of clicks only, and "${name}" is none.`
    return [problemAt([...path, index], 'WRONG_MEASURE', message, { given: name, allowed })]
  })
}

function checkCount(path: Path, count: number, highest: number, what: string): Problem[] {
  if (count <= highest) return []
  const details = { given: count, allowed: [`up to ${highest}`] }
  return [problemAt(path, 'TOO_MANY', `A pipeline has ${highest} ${what} at most.`, details)]
}
