/**
 * Names and texts: whatever becomes a table, a column, a topic or a heading must be fit to be one everywhere.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { asText, isPlainObject, membersAt } from './plain-data.ts'
import { namesIn, type Draft } from './draft.ts'
import { problemAt, type Path, type Problem } from './problem.ts'

const NAME_FORM = 'a lower-case letter, then lower-case letters, digits or underscores, 63 characters at most'

/** Columns that every table has. */
const OWN_COLUMNS = ['window_start', 'window_end', 'is_final', 'updated_at']

/** PostgreSQL has these in each table and takes no others of the name. */
const SYSTEM_COLUMNS = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']

/** `tidemark_` is kept for tables of our own; PostgreSQL looks for `pg_…` among its own tables first. */
const RESERVED_PREFIXES = ['tidemark_', 'pg_']

/** Checks every name that a definition gives, and that no two things that must differ share one. */
export function checkNames(draft: Draft): Problem[] {
  return [
    ...checkPipelineName(draft),
    ...namesIn(draft, 'dimensions').flatMap((name) => checkColumn(['dimensions', name], name)),
    ...namesIn(draft, 'measures').flatMap((name) => checkColumn(['measures', name], name)),
    ...checkMeasureNamesDiffer(draft),
    ...namesIn(draft, 'tables').flatMap((name) => checkTableName(['tables', name], name)),
    ...checkLedgerName(draft),
    ...namesIn(draft, 'sources').flatMap((name) => checkName(['sources', name], name)),
    ...checkKeyNames(draft),
  ]
}

function checkPipelineName({ definition }: Draft): Problem[] {
  const name = definition['name']
  return typeof name === 'string' ? checkName(['name'], name) : []
}

function checkName(path: Path, name: string): Problem[] {
  if (/^[a-z][a-z0-9_]{0,62}$/.test(name)) return []
  return [problemAt(path, 'BAD_NAME', `A name is ${NAME_FORM}.`, { given: name, allowed: [NAME_FORM] })]
}

function checkColumn(path: Path, name: string): Problem[] {
  const problems = checkName(path, name)
  if (OWN_COLUMNS.includes(name)) {
    problems.push(problemAt(path, 'NAME_TAKEN', `Every table has a column "${name}" of its own.`, { given: name }))
  }
  if (SYSTEM_COLUMNS.includes(name)) {
    const message = `PostgreSQL has a column "${name}" of its own in every table.`
    problems.push(problemAt(path, 'NAME_TAKEN', message, { given: name }))
  }
  return problems
}

function checkMeasureNamesDiffer(draft: Draft): Problem[] {
  const dimensions = new Set(namesIn(draft, 'dimensions'))
  return namesIn(draft, 'measures')
    .filter((name) => dimensions.has(name))
    .map((name) => {
      const message = `The name "${name}" belongs to a dimension: a table would have two columns of that name.`
      return problemAt(['measures', name], 'NAME_TAKEN', message, { given: name })
    })
}

function checkTableName(path: Path, name: string): Problem[] {
  const prefix = RESERVED_PREFIXES.find((reserved) => name.startsWith(reserved))
  if (prefix === undefined) return checkName(path, name)
  const message = `Names that begin with "${prefix}" are kept for tables that are not the pipeline's.`
  return [...checkName(path, name), problemAt(path, 'NAME_TAKEN', message, { given: name })]
}

function checkLedgerName(draft: Draft): Problem[] {
  const given = draft.definition['ledger'] ?? 'ledger'
  if (typeof given !== 'string') return []
  const problems = checkTableName(['ledger'], given)
  if (namesIn(draft, 'tables').includes(given)) {
    const message = `The table of the ledger is called "${given}" already: rename this one, or the ledger.`
    problems.push(problemAt(['tables', given], 'NAME_TAKEN', message, { given }))
  }
  return problems
}

// PostgreSQL keeps the index of a primary key among the tables, under the table's name (cut short) and `_pkey`.
function checkKeyNames(draft: Draft): Problem[] {
  const ledger = asText(draft.definition['ledger'] ?? 'ledger')
  const names = [...namesIn(draft, 'tables'), ...(ledger === undefined ? [] : [ledger])]
  const owners = new Map(names.map((name) => [`${name.slice(0, 58)}_pkey`, name]))
  return names.flatMap((name) => {
    const owner = owners.get(name)
    if (owner === undefined) return []
    const path = name === ledger ? ['ledger'] : ['tables', name]
    const message = `PostgreSQL gives the name "${name}" to the primary key of the table "${owner}".`
    return [problemAt(path, 'NAME_TAKEN', message, { given: name })]
  })
}

const LABEL_FORM = '1 to 100 characters without control characters'

/** Checks the label of each member of a section. */
export function checkLabels(draft: Draft, section: 'dimensions' | 'measures'): Problem[] {
  return membersAt(draft.definition, section).flatMap(([name, value]) => {
    const label = isPlainObject(value) ? value['label'] : undefined
    if (typeof label !== 'string' || isLabel(label)) return []
    const message = `A label is ${LABEL_FORM}.`
    return [problemAt([section, name, 'label'], 'BAD_TEXT', message, { given: label, allowed: [LABEL_FORM] })]
  })
}

function isLabel(text: string): boolean {
  return text.trim() !== '' && [...text].length <= 100 && !/[\p{Cc}\p{Cs}]/u.test(text)
}

/** Whether a text can stand in an event's place: 1 to 512 bytes that a database can hold. */
export function isStorableText(text: string): boolean {
  return text !== '' && utf8ToBytes(text).length <= 512 && !/[\0\p{Cs}]/u.test(text)
}
