/**
 * What two plans differ in, in words: one line for each difference, from what is stored to what is asked for.
 */
import { formatDuration } from '../time/duration.ts'
import { canonicalJson } from './plan-hash.ts'
import type { Plan } from './plan.ts'

/**
 * Differences between a plan that was stored as JSON and ours; none where they are equal.
 *
 * @param stored may be of another version: what cannot be compared is named as a whole
 */
export function planChanges(stored: unknown, ours: Plan): readonly string[] {
  const before = membersOf(stored)
  const changes = [
    ...parameterChanges(membersOf(before['parameters']), ours.parameters),
    ...streamChanges(membersOf(before['streams']), ours),
    ...listChanges('dimension', before['dimensions'], ours.dimensions),
    ...listChanges('measure', before['measures'], ours.measures),
    ...listChanges('table', before['tables'], ours.tables),
    ...memberChanges('ledger', membersOf(before['ledger']), membersOf(ours.ledger)),
    ...memberChanges('plan', scalarsOf(before), scalarsOf(membersOf(ours))),
  ]
  if (changes.length > 0 || canonicalJson(stored) === canonicalJson(ours)) return changes
  return ['the plan as a whole']
}

type Members = Readonly<Record<string, unknown>>

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function scalarsOf(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => typeof value !== 'object'))
}

function parameterChanges(before: Members, after: Plan['parameters']): string[] {
  return Object.entries(after).flatMap(([name, valueMs]: [string, number]) => {
    const stored = before[name]
    if (stored === valueMs) return []
    const was = typeof stored === 'number' ? formatDuration(stored) : 'unknown'
    return [`parameter ${name.replace(/Ms$/, '')} was ${was} and is ${formatDuration(valueMs)}`]
  })
}

function streamChanges(before: Members, { streams }: Plan): string[] {
  return Object.values(streams).flatMap((stream) => {
    const { fields: storedFields, ...stored } = membersOf(before[stream.name])
    const { fields, ...rest } = stream
    return [
      ...memberChanges(`stream ${stream.name}:`, stored, rest),
      ...listChanges(`field of ${stream.name}`, storedFields, fields),
    ]
  })
}

function listChanges(kind: string, stored: unknown, ours: readonly { readonly name: string }[]): string[] {
  const before = (Array.isArray(stored) ? stored : []).map(membersOf)
  const names = before.map((entry) => String(entry['name']))
  const kept = ours.filter(({ name }) => names.includes(name)).map(({ name }) => name)
  const isMoved = canonicalJson(names.filter((name) => kept.includes(name))) !== canonicalJson(kept)
  return [
    ...names.filter((name) => !kept.includes(name)).map((name) => `${kind} ${name} is gone`),
    ...ours.filter(({ name }) => !kept.includes(name)).map(({ name }) => `${kind} ${name} is new`),
    ...ours.flatMap((entry) => {
      const was = before.find((candidate) => candidate['name'] === entry.name)
      return was === undefined ? [] : memberChanges(`${kind} ${entry.name}:`, was, membersOf(entry))
    }),
    ...(isMoved ? [`${kind}s are in another order`] : []),
  ]
}

function memberChanges(what: string, before: Members, after: Members): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => {
    const [was, is] = [wordOf(before[name]), wordOf(after[name])]
    return was === is ? [] : [`${what} ${name} was ${was} and is ${is}`]
  })
}

/** Columns are named by name and type, anything else as JSON. */
function wordOf(value: unknown): string {
  if (value === undefined) return 'absent'
  if (!Array.isArray(value)) return canonicalJson(value)
  return `(${value.map((part) => (typeof part === 'string' ? part : columnText(membersOf(part)))).join(', ')})`
}

function columnText(column: Members): string {
  return `${String(column['name'])} ${String(column['type'])}`
}
