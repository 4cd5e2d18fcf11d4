/**
 * The streams and what the dimensions read from them: each role is played by a field that exists and has its type.
 */
import { type FieldType, STREAM_NAMES, type StreamName } from '../plan.ts'
import { brokenReference, fieldsOf, hasFields, streamOf, type Draft } from './draft.ts'
import { checkLabels, isStorableText } from './names.ts'
import { asObject, asText, isPlainObject, member, membersAt } from './plain-data.ts'
import { problemAt, type Path, type Problem } from './problem.ts'

const MAX_FIELDS = 100
const MAX_DIMENSIONS = 16
const TOPIC_FORM = 'letters, digits, dots, underscores and hyphens, 249 at most'
const TEXT_FORM = '1 to 512 bytes of UTF-8 without U+0000'

/** Checks both streams: topics, fields and the roles fields play. */
export function checkStreams(draft: Draft): Problem[] {
  return [
    ...checkTopics(draft),
    ...checkFieldNames(draft, 'impressions'),
    ...checkFieldNames(draft, 'clicks'),
    ...checkRole(draft, ['streams', 'impressions', 'idField'], 'id'),
    ...checkRole(draft, ['streams', 'impressions', 'eventTimeField'], 'time'),
    ...checkRole(draft, ['streams', 'clicks', 'idField'], 'id'),
    ...checkRole(draft, ['streams', 'clicks', 'eventTimeField'], 'time'),
    ...checkRole(draft, ['streams', 'clicks', 'impressionIdField'], 'id'),
    ...checkClickIds(draft),
  ]
}

function checkTopics(draft: Draft): Problem[] {
  const problems: Problem[] = []
  for (const stream of STREAM_NAMES) {
    const topic = asText(member(streamOf(draft, stream), 'topic'))
    if (topic === undefined || (/^[\w.-]{1,249}$/.test(topic) && !/^\.\.?$/.test(topic))) continue
    const details = { given: topic, allowed: [TOPIC_FORM] }
    problems.push(problemAt(['streams', stream, 'topic'], 'BAD_TEXT', `A topic's name is ${TOPIC_FORM}.`, details))
  }
  const topic = asText(member(streamOf(draft, 'clicks'), 'topic'))
  if (topic !== undefined && topic === member(streamOf(draft, 'impressions'), 'topic')) {
    const message = 'Both streams have this topic: each must have its own.'
    problems.push(problemAt(['streams', 'clicks', 'topic'], 'REPEATED', message, { given: topic }))
  }
  return problems
}

function checkFieldNames(draft: Draft, stream: StreamName): Problem[] {
  const path: Path = ['streams', stream, 'fields']
  const names = Object.keys(fieldsOf(draft, stream))
  const problems = names
    .filter((name) => !isStorableText(name))
    .map((given) => {
      const message = `The name of a field is ${TEXT_FORM}.`
      return problemAt([...path, given], 'BAD_TEXT', message, { given, allowed: [TEXT_FORM] })
    })
  if (names.length > MAX_FIELDS) {
    const message = `A stream has ${MAX_FIELDS} known fields at most: list those that play a part.`
    problems.push(problemAt(path, 'TOO_MANY', message, { given: names.length, allowed: [`up to ${MAX_FIELDS}`] }))
  }
  return problems
}

/** Checks that the field named at `path` is one of its stream, of the type that its role asks for. */
function checkRole(draft: Draft, path: readonly ['streams', StreamName, string], type: FieldType): Problem[] {
  const [, stream, role] = path
  const name = asText(member(streamOf(draft, stream), role))
  return name === undefined ? [] : checkFieldType(draft, { path, name, stream, type })
}

interface FieldUse {
  readonly path: Path
  readonly name: string
  readonly stream: StreamName
  readonly type: FieldType
}

/** Checks that a stream has the field that is named at `path`, with the type that is asked for. */
export function checkFieldType(draft: Draft, { path, name, stream, type }: FieldUse): Problem[] {
  if (!hasFields(draft, stream)) return []
  const fields = fieldsOf(draft, stream)
  const allowed = Object.keys(fields).filter((field) => fields[field] === type)
  if (!Object.hasOwn(fields, name)) {
    const declaredAt = ['streams', stream, 'fields', name]
    const kind = `${stream} field`
    return [brokenReference(draft, { path, name, declaredAt, code: 'UNKNOWN_FIELD', kind, allowed })]
  }
  if (fields[name] === type || !isFieldType(fields[name])) return []
  const message = `This takes a field of the ${stream} of type ${type}, but "${name}" is of type ${fields[name]}.`
  return [problemAt(path, 'WRONG_FIELD_TYPE', message, { given: name, allowed })]
}

function isFieldType(value: unknown): value is FieldType {
  return value === 'id' || value === 'text' || value === 'time' || value === 'money'
}

function checkClickIds(draft: Draft): Problem[] {
  const clicks = streamOf(draft, 'clicks')
  const given = asText(member(clicks, 'impressionIdField'))
  if (given === undefined || given !== member(clicks, 'idField')) return []
  const message = 'This is the field of the click itself: the impression clicked on must be named by another.'
  return [problemAt(['streams', 'clicks', 'impressionIdField'], 'REPEATED', message, { given })]
}

/** Checks the dimensions: what each reads, its label, and the row for events that lack it. */
export function checkDimensions(draft: Draft): Problem[] {
  const dimensions = membersAt(draft.definition, 'dimensions')
  const problems = [...checkLabels(draft, 'dimensions'), ...checkDimensionFields(draft)]
  for (const [name, value] of dimensions) {
    const given = asText(member(asObject(value), 'missing'))
    if (given === undefined || isStorableText(given)) continue
    const details = { given, allowed: [TEXT_FORM] }
    problems.push(problemAt(['dimensions', name, 'missing'], 'BAD_TEXT', `This text is ${TEXT_FORM}.`, details))
  }
  if (dimensions.length > MAX_DIMENSIONS) {
    const details = { given: dimensions.length, allowed: [`up to ${MAX_DIMENSIONS}`] }
    const message = `A pipeline has ${MAX_DIMENSIONS} dimensions at most.`
    problems.push(problemAt(['dimensions'], 'TOO_MANY', message, details))
  }
  return problems
}

function checkDimensionFields(draft: Draft): Problem[] {
  const readers = new Map<string, string>()
  const fields = fieldsOf(draft, 'impressions')
  return membersAt(draft.definition, 'dimensions').flatMap(([name, value]) => {
    if (!isPlainObject(value)) return []
    const given = member(value, 'field')
    const field = asText(given) ?? name
    const path = given === undefined ? ['dimensions', name] : ['dimensions', name, 'field']
    const other = readers.get(field)
    readers.set(field, name)
    if (other !== undefined) {
      const message = `The dimension "${other}" reads the field "${field}" already.`
      return [problemAt(path, 'REPEATED', message, { given: field })]
    }
    if (Object.hasOwn(fields, field))
      return checkFieldType(draft, { path, name: field, stream: 'impressions', type: 'text' })
    return isStorableText(field)
      ? []
      : [problemAt(path, 'BAD_TEXT', `The name of a field is ${TEXT_FORM}.`, { given: field })]
  })
}
