/**
 * The sources of a live run: each has what its kind needs and nothing else, and no two read the same.
 */
import type { Draft } from './draft.ts'
import { asObject, asText, member, membersAt, type PlainObject } from './plain-data.ts'
import { problemAt, type Path, type Problem } from './problem.ts'

const MAX_SOURCES = 64
/** Addresses of Kafka brokers. */
export const BROKERS: RegExp = /^\s*[^\s,:]+:\d{1,5}\s*(,\s*[^\s,:]+:\d{1,5}\s*)*$|^\s*\[[0-9a-fA-F:]+\]:\d{1,5}\s*$/
export const BROKERS_FORM = 'host:port, with commas between'
const PATH_FORM = 'a path of 1 to 1,024 characters without U+0000'

/** Checks the sources, where the definition names any. */
export function checkSources(draft: Draft): Problem[] {
  if (member(draft.definition, 'sources') === undefined) return []
  const sources = membersAt(draft.definition, 'sources')
  return [
    ...sources.flatMap(([name, source]) => checkSource(['sources', name], asObject(source))),
    ...sources.flatMap(([name, source]) => checkInto(name, asObject(source), sources)),
    ...checkRepeats(sources),
    ...checkCount(sources.length),
  ]
}

/** The keys of each kind beside `kind`. */
const KEYS = {
  http: ['into'],
  files: ['stream', 'path'],
  kafka: ['brokers', 'topics', 'startFrom', 'group', 'tls', 'sasl'],
} as const

const KINDS: Readonly<Record<keyof typeof KEYS, string>> = {
  http: "A source of kind http takes both streams at the server's own address",
  files: 'A source of kind files follows files of one stream',
  kafka: 'A source of kind kafka reads both topics of a cluster',
}

function checkSource(path: Path, source: PlainObject): Problem[] {
  const kind = member(source, 'kind')
  if (kind !== 'http' && kind !== 'files' && kind !== 'kafka') return []
  const own: readonly string[] = KEYS[kind]
  const foreign = Object.values(KEYS)
    .flat()
    .filter((key) => !own.includes(key) && member(source, key) !== undefined)
  const problems = foreign.map((key) => {
    const details = { given: member(source, key), allowed: ['kind', ...own] }
    return problemAt([...path, key], 'WRONG_SOURCE', `${KINDS[kind]}: it has no "${key}".`, details)
  })
  if (kind === 'files') return [...problems, ...checkFiles(path, source)]
  return kind === 'kafka' ? [...problems, ...checkKafka(path, source)] : problems
}

/** Events over HTTP can go into topics that are read, or they would never be counted. */
function checkInto(name: string, source: PlainObject, sources: readonly [string, unknown][]): Problem[] {
  const given = member(source, 'into')
  if (given === undefined || member(source, 'kind') !== 'http') return []
  const kafka = sources.filter(([, one]) => member(asObject(one), 'kind') === 'kafka').map(([other]) => other)
  if (kafka.some((other) => other === given)) return []
  const message = 'Events over HTTP go into the topics of a source of kind kafka, by its name.'
  return [problemAt(['sources', name, 'into'], 'UNKNOWN_SOURCE', message, { given, allowed: kafka })]
}

function checkKafka(path: Path, source: PlainObject): Problem[] {
  const given = member(source, 'brokers')
  if (given === undefined)
    return [problemAt([...path, 'brokers'], 'MISSING_KEY', 'A source of kind kafka must have the key "brokers".')]
  const brokers = asText(given)
  if (brokers === undefined || BROKERS.test(brokers)) return checkTls(path, asObject(member(source, 'tls')))
  const details = { given, allowed: [BROKERS_FORM] }
  return [problemAt([...path, 'brokers'], 'BAD_TEXT', `This is ${BROKERS_FORM}.`, details)]
}

function checkTls(path: Path, tls: PlainObject): Problem[] {
  const [certificate, key] = ['certFile', 'keyFile'].map((name) => member(tls, name))
  if ((certificate === undefined) === (key === undefined)) return []
  const missing = certificate === undefined ? 'certFile' : 'keyFile'
  const message = 'A certificate and its key come together: "certFile" and "keyFile".'
  return [problemAt([...path, 'tls', missing], 'MISSING_KEY', message)]
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
    const where = asText(member(source, kind === 'kafka' ? 'brokers' : 'path')) ?? name
    const topics = JSON.stringify(member(source, 'topics') ?? {})
    const reads = kind === 'http' ? 'http' : kind === 'kafka' ? `kafka ${where} ${topics}` : `files ${where}`
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
