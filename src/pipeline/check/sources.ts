/**
 * The sources of a live run: each has what its kind needs and nothing else, and no two read the same.
 */
import type { Draft } from './draft.ts'
import { asObject, asText, member, membersAt, type PlainObject } from './plain-data.ts'
import { problemAt, type Path, type Problem } from './problem.ts'

const MAX_SOURCES = 64
const PATH_FORM = 'a path of 1 to 1,024 characters without U+0000'

/** Checks the sources, where the definition names any. */
export function checkSources(draft: Draft): Problem[] {
  if (member(draft.definition, 'sources') === undefined) return []
  const sources = membersAt(draft.definition, 'sources')
  return [
    ...sources.flatMap(([name, source]) => checkSource(['sources', name], asObject(source))),
    ...checkRepeats(sources),
    ...checkCount(sources.length),
  ]
}

function checkSource(path: Path, source: PlainObject): Problem[] {
  const kind = member(source, 'kind')
  if (kind === 'http') return checkHttp(path, source)
  return kind === 'files' ? checkFiles(path, source) : []
}

function checkHttp(path: Path, source: PlainObject): Problem[] {
  return ['stream', 'path'].flatMap((key) => {
    const given = member(source, key)
    if (given === undefined) return []
    const message = `A source of kind http takes both streams at the server's own address: it has no "${key}".`
    return [problemAt([...path, key], 'WRONG_SOURCE', message, { given, allowed: ['kind'] })]
  })
}

function checkFiles(path: Path, source: PlainObject): Problem[] {
  const missing = ['stream', 'path'].filter((key) => member(source, key) === undefined)
  const problems = missing.map((key) =>
    problemAt([...path, key], 'MISSING_KEY', `A source of kind files must have the key "${key}".`),
  )
  const given = asText(member(source, 'path'))
  if (given === undefined || (given !== '' && given.length <= 1_024 && !given.includes('\0'))) return problems
  return [
    ...problems,
    problemAt([...path, 'path'], 'BAD_TEXT', `This is ${PATH_FORM}.`, { given, allowed: [PATH_FORM] }),
  ]
}

// Two sources of one file would count each of its events as a duplicate of the other's.
function checkRepeats(sources: readonly [string, unknown][]): Problem[] {
  const seen = new Map<string, string>()
  return sources.flatMap(([name, value]) => {
    const source = asObject(value)
    const kind = member(source, 'kind')
    const reads = kind === 'http' ? 'http' : `files ${asText(member(source, 'path')) ?? name}`
    const other = seen.get(reads)
    seen.set(reads, other ?? name)
    if (other === undefined) return []
    const message = `The source "${other}" reads the same: each event would arrive twice.`
    return [problemAt(['sources', name], 'REPEATED', message, { given: value })]
  })
}

function checkCount(count: number): Problem[] {
  if (count === 0) {
    const message = 'Without a source a run has nothing to read: leave the key out to take events over HTTP.'
    return [problemAt(['sources'], 'EMPTY', message, { given: {}, allowed: ['{ "http": { "kind": "http" } }'] })]
  }
  if (count <= MAX_SOURCES) return []
  const details = { given: count, allowed: [`up to ${MAX_SOURCES}`] }
  return [problemAt(['sources'], 'TOO_MANY', `A pipeline has ${MAX_SOURCES} sources at most.`, details)]
}
