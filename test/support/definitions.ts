/**
 * Definitions that are sound whatever is drawn: every name they use is drawn from what they declare.
 */
import fc from 'fast-check'
import type {
  Definition,
  DimensionDefinition,
  MeasureDefinition,
  ParametersDefinition,
  StreamDefinition,
  TableDefinition,
} from '../../src/pipeline/definition.ts'

/** Names of fields: what producers send, which need not be fit for a column. */
const FIELDS = ['campaign_id', 'country', 'ad slot', 'Größe', '"', 'a.b[0]', '0', 'toString', 'you\u{1f642}', '\\']
const MONEY_FIELDS = ['cost', 'fee', 'Tax €']

const parameters: fc.Arbitrary<ParametersDefinition> = fc.record(
  {
    windowSize: fc.constantFrom('1s', '10s', '1m', '15m', '1d'),
    attributionWindow: fc.constantFrom('2s', '1m', '30m', '3h'),
    clockSkewTolerance: fc.constantFrom('0s', '1ms', '2s'),
    outOfOrderness: fc.constantFrom('0s', '5s', '1m'),
    allowedLateness: fc.constantFrom('0s', '500ms', '5m'),
  },
  { requiredKeys: [] },
)

function impressionsOf(idField: string, timeField: string, textFields: readonly string[]): StreamDefinition {
  const money = MONEY_FIELDS.map((field) => [field, 'money'] as const)
  const texts = textFields.map((field) => [field, 'text'] as const)
  return {
    topic: 'views',
    idField,
    eventTimeField: timeField,
    fields: { ...Object.fromEntries(texts), [idField]: 'id', ...Object.fromEntries(money), [timeField]: 'time' },
  }
}

const dimensions: fc.Arbitrary<Readonly<Record<string, DimensionDefinition>>> = fc
  .record({
    fields: fc.uniqueArray(fc.constantFrom(...FIELDS), { maxLength: FIELDS.length }),
    missing: fc.constantFrom('unknown', 'camp-1', 'none'),
  })
  .map(({ fields, missing }) =>
    Object.fromEntries(fields.map((field, index) => [`d${index}`, index % 2 === 0 ? { field } : { field, missing }])),
  )

const measures: fc.Arbitrary<Readonly<Record<string, MeasureDefinition>>> = fc
  .record({
    sums: fc.subarray(MONEY_FIELDS),
    ratios: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(undefined, 100, 1_000)), { maxLength: 4 }),
  })
  .map(({ sums, ratios }) => {
    const simple: Record<string, MeasureDefinition> = { views: { count: 'impressions' }, taps: { count: 'clicks' } }
    sums.forEach((sum, index) => (simple[`sum${index}`] = { sum }))
    const names = Object.keys(simple)
    const pick = (index: number): string => names[index % names.length] ?? 'views'
    const rates = ratios.map(([top, bottom, scale], index): [string, MeasureDefinition] => {
      const ratio = [pick(top), pick(bottom)] as const
      return [`rate${index}`, scale === undefined ? { ratio } : { ratio, scale }]
    })
    return { ...simple, ...Object.fromEntries(rates) }
  })

const table = (dimensionNames: readonly string[], measureNames: readonly string[]): fc.Arbitrary<TableDefinition> =>
  fc.oneof(
    fc.record({
      dimensions: fc.shuffledSubarray([...dimensionNames], { maxLength: Math.min(5, dimensionNames.length) }),
      measures: fc.shuffledSubarray([...measureNames], { minLength: 1 }),
    }),
    fc.record({
      dimensions: fc.shuffledSubarray([...dimensionNames], { maxLength: Math.min(5, dimensionNames.length) }),
      measures: fc.constant(['taps']),
      minuteOf: fc.constant('click' as const),
    }),
  )

const parts = fc.record({
  parameters,
  dimensions,
  measures,
  idField: fc.constantFrom('impression_id', 'id', 'Id no.'),
  timeField: fc.constantFrom('event_timestamp', 'ts'),
  listed: fc.boolean(),
  ledger: fc.constantFrom('ledger', 'accounts'),
})

/** Whole definitions of every shape: odd field names, many or no dimensions, several sums, any tables. */
export const soundDefinitions: fc.Arbitrary<Definition> = parts.chain((drawn) => {
  const fields = Object.values(drawn.dimensions).map((dimension) => dimension.field ?? '')
  const { idField, timeField } = drawn
  const clickFields = { click: 'id', [idField]: 'id', [timeField]: 'time' } as const
  const tableNames = fc.constantFrom('a', 'b', 'c', 'select', 'x'.repeat(63))
  return fc
    .dictionary(tableNames, table(Object.keys(drawn.dimensions), Object.keys(drawn.measures)), { minKeys: 1 })
    .map((tables) => ({
      name: 'any',
      streams: {
        impressions: impressionsOf(idField, timeField, drawn.listed ? fields : []),
        clicks: {
          topic: 'taps',
          idField: 'click',
          impressionIdField: idField,
          eventTimeField: timeField,
          fields: clickFields,
        },
      },
      parameters: drawn.parameters,
      dimensions: drawn.dimensions,
      measures: drawn.measures,
      tables,
      ledger: drawn.ledger,
    }))
})
