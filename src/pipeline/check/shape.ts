/**
 * The shape of a definition: which keys there are and what kind of value each takes. How the values fit together is
 * the business of the other checks, each of which reads only values of the right kind.
 */
import { z } from 'zod'
import { STREAM_NAMES } from '../plan.ts'
import { formatPath, problemAt, type Path, type Problem } from './problem.ts'

const fieldType = z.enum(['id', 'text', 'time', 'money'])

const impressions = z.strictObject({
  topic: z.string(),
  idField: z.string(),
  eventTimeField: z.string(),
  fields: z.record(z.string(), fieldType),
})

const clicks = impressions.extend({ impressionIdField: z.string() })

const parameters = z.strictObject({
  windowSize: z.string().optional(),
  attributionWindow: z.string().optional(),
  clockSkewTolerance: z.string().optional(),
  outOfOrderness: z.string().optional(),
  allowedLateness: z.string().optional(),
  idleTimeout: z.string().optional(),
  maxFutureSkew: z.string().optional(),
})

const dimension = z.strictObject({
  field: z.string().optional(),
  label: z.string().optional(),
  missing: z.string().optional(),
})

const measure = z.strictObject({
  count: z.enum(STREAM_NAMES).optional(),
  sum: z.string().optional(),
  ratio: z.array(z.string()).optional(),
  scale: z.number().optional(),
  label: z.string().optional(),
})

const table = z.strictObject({
  dimensions: z.array(z.string()),
  measures: z.array(z.string()),
  minuteOf: z.enum(['impression', 'click']).optional(),
})

const source = z.strictObject({
  kind: z.enum(['http', 'files', 'kafka']),
  into: z.string().optional(),
  stream: z.enum(STREAM_NAMES).optional(),
  path: z.string().optional(),
  brokers: z.string().optional(),
  topics: z.strictObject({ impressions: z.string().optional(), clicks: z.string().optional() }).optional(),
  startFrom: z.enum(['earliest', 'latest']).optional(),
  group: z.string().min(1).optional(),
  tls: z
    .strictObject({ caFile: z.string().optional(), certFile: z.string().optional(), keyFile: z.string().optional() })
    .optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      username: z.string(),
      passwordEnv: z.string(),
    })
    .optional(),
})

const definition = z.strictObject({
  name: z.string(),
  streams: z.strictObject({ impressions, clicks }),
  parameters: parameters.optional(),
  dimensions: z.record(z.string(), dimension),
  measures: z.record(z.string(), measure),
  tables: z.record(z.string(), table),
  sources: z.record(z.string(), source).optional(),
  ledger: z.string().optional(),
})

/** Everything whose kind is wrong: keys that are missing or unknown, values of another type or not in a list. */
export function checkShape(value: unknown): Problem[] {
  const result = definition.safeParse(value)
  return result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, value))
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  const given = valueAt(root, path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], root))
  if (given === undefined) return [missingKey(path)]
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    return [problemAt(path, 'NOT_ALLOWED', `This must be one of ${allowed.join(', ')}.`, { given, allowed })]
  }
  const expected = issue.code === 'invalid_type' ? (KIND_NAMES[issue.expected] ?? issue.expected) : issue.message
  return [problemAt(path, 'WRONG_TYPE', `This must be ${expected}.`, { given, allowed: [expected] })]
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  object: 'an object',
  record: 'an object with a key for each name',
  array: 'a list',
}

function missingKey(path: Path): Problem {
  const key = `the key "${String(path.at(-1))}"`
  const message =
    path.length === 1
      ? `A definition must have ${key}, or "extends": "ads" to start from the ad pipeline.`
      : `${formatPath(path.slice(0, -1))} must have ${key}.`
  return problemAt(path, 'MISSING_KEY', message)
}

function unknownKey(path: Path, root: unknown): Problem {
  const key = String(path.at(-1))
  const details = { given: valueAt(root, path), allowed: keysAt(path.slice(0, -1)), meant: key }
  return problemAt(path, 'UNKNOWN_KEY', `There is no key "${key}" here.`, details)
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (isIndexable(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    root,
  )
}

function isIndexable(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}

/** The keys that the shape knows in the object at `path`. */
function keysAt(path: Path): readonly string[] {
  const schema = path.reduce<unknown>((outer, key) => {
    const inner = unwrap(outer)
    if (inner instanceof z.ZodObject) return inner.shape[String(key)]
    return inner instanceof z.ZodRecord ? inner.valueType : undefined
  }, definition)
  const object = unwrap(schema)
  const keys = object instanceof z.ZodObject ? Object.keys(object.shape) : []
  return path.length === 0 ? ['extends', ...keys] : keys
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema
}
