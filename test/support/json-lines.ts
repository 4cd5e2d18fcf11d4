/**
 * Arbitrary NDJSON: sound lines as producers of several makes write them, mutations of those, and JSON of any shape.
 */
import fc from 'fast-check'

const encoder = new TextEncoder()

/** How a producer writes: the space after colons, after commas, and around the record. */
interface Spacing {
  readonly colon: string
  readonly comma: string
  readonly before: string
  readonly after: string
}

const spacing: fc.Arbitrary<Spacing> = fc.constantFrom(
  { colon: ':', comma: ',', before: '', after: '' },
  { colon: ': ', comma: ', ', before: '', after: '' },
  { colon: ':', comma: ',', before: '', after: '\r' },
  { colon: ' :\t', comma: ' , ', before: ' ', after: '  ' },
)

const digit = fc.constantFrom(...'0123456789')
const uuid = fc.uuid()
const idText = fc.oneof(
  { weight: 6, arbitrary: uuid },
  { weight: 1, arbitrary: uuid.map((text) => text.toUpperCase()) },
  { weight: 1, arbitrary: uuid.map((text) => text.replaceAll('-', '')) },
  { weight: 1, arbitrary: uuid.map((text) => `${text}0`) },
  { weight: 2, arbitrary: fc.constantFrom('A1', 'a1', '', '123', 'x'.repeat(16), 'x'.repeat(33), 'é') },
)
const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => text.map((value) => JSON.stringify(value))
const idSource = fc.oneof(
  { weight: 9, arbitrary: quoted(idText) },
  { weight: 1, arbitrary: fc.constantFrom('123', '"\\u00411"', '9007199254740993', '-0', '1e3', 'null', 'true', '[]') },
)
const textSource = fc.oneof(
  {
    weight: 8,
    arbitrary: quoted(
      fc.constantFrom(
        'mobile',
        'tv',
        'camp-1',
        'camp-12',
        'camp-123',
        'camp-1234',
        'twelve-bytes',
        'thirteen-byte',
        'unknown',
      ),
    ),
  },
  { weight: 2, arbitrary: quoted(fc.string({ maxLength: 24 })) },
  { weight: 1, arbitrary: quoted(fc.string({ unit: 'binary', maxLength: 8 })) },
  { weight: 1, arbitrary: quoted(fc.integer({ min: 509, max: 515 }).map((length) => 'x'.repeat(length))) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '""',
      'null',
      '12',
      '1.50',
      '"\\ud800"',
      '"\\u0000"',
      '"\\n"',
      '{}',
      'false',
      '"\\""',
      '"~\u007f"',
    ),
  },
)
const timeSource = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 3_600_000 }).map((ms) => String(1_767_225_600_000 + ms)) },
  {
    weight: 2,
    arbitrary: fc.tuple(digit, fc.array(digit, { minLength: 10, maxLength: 14 })).map(([a, b]) => a + b.join('')),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '1.7e12',
      '1700000000000.0',
      '1700000000000.5',
      '"1700000000000"',
      '"2026-01-01T00:00:00Z"',
      '"2026-02-29T00:00:00Z"',
      '"2026-01-01 23:59:59.999000+05:30"',
      '"2026-01-01T00:00:00.0001Z"',
      'null',
      '-1',
      '1e400',
      '946684800000',
      '946684799999',
      '4133980799999',
      '4133980800000',
      '"17000\\u003000000000"',
    ),
  },
)
const moneySource = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 50 }).map((cents) => String(cents / 100)) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 2_000_000, noNaN: true }).map(String) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '0',
      '-0',
      '1000000',
      '1000000.0000004',
      '1000000.0000005',
      '1000001',
      '-0.0000001',
      '-0.0000005',
      '0.0000005',
      '0.123456',
      '0.1234565',
      '1e-400',
      '1e400',
      '0e999999999',
      '1e999999999',
      '12345678.9',
      '1E2',
      'null',
      '"free"',
      'true',
    ),
  },
)
const otherSource = fc.oneof(
  fc.json({ maxDepth: 2 }),
  quoted(fc.string({ maxLength: 10 })),
  fc.constantFrom('1', '-1.5e3', '"\\ud800"', '"\\u0000"', 'true', '{"impression_id":1}', '[[]]'),
)

/** What a producer writes nearly always, so that most records are sound, and now and then something else. */
function mostly(usual: fc.Arbitrary<string>, odd: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ weight: 19, arbitrary: usual }, { weight: 1, arbitrary: odd })
}

const id = mostly(quoted(uuid), idSource)
const text = mostly(
  quoted(fc.constantFrom('mobile', 'tv', 'camp-12', 'campaign-1', 'campaign-2', 'a longer text', '')),
  textSource,
)
const time = mostly(
  fc.integer({ min: 0, max: 3_600_000 }).map((ms) => String(1_767_225_600_000 + ms)),
  timeSource,
)
const money = mostly(
  fc.integer({ min: 1, max: 500 }).map((cents) => String(cents / 100)),
  moneySource,
)

const member = {
  impression_id: id,
  click_id: id,
  user_id: text,
  campaign_id: text,
  ad_id: text,
  device_type: text,
  browser: text,
  country: text,
  event_timestamp: time,
  cost: money,
  value: money,
  extra: otherSource,
  '': otherSource,
} as const

const KEYS = Object.keys(member)
const COMMON = ['impression_id', 'click_id', 'user_id', 'campaign_id', 'device_type', 'event_timestamp', 'cost']

/** Key texts in order. Some producers leave keys out, write one twice, or escape one. */
const keyOrder: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(COMMON) },
  {
    weight: 4,
    arbitrary: fc
      .shuffledSubarray(KEYS, { minLength: 5 })
      .map((keys) => [...new Set([...keys, 'impression_id', 'click_id', 'event_timestamp'])]),
  },
  { weight: 1, arbitrary: fc.shuffledSubarray([...KEYS, 'cost'], { minLength: 8 }) },
)

function keySource(key: string): fc.Arbitrary<string> {
  const plain = JSON.stringify(key)
  const escaped = plain.replace('c', '\\u0063')
  return fc.oneof({ weight: 30, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constant(escaped) })
}

/** Records of one producer: one order of keys, one spacing. */
const producer: fc.Arbitrary<fc.Arbitrary<string>> = fc
  .tuple(keyOrder, spacing)
  .chain(([keys, space]) => fc.tuple(...keys.map(keySource)).map((names) => ({ keys, names, space })))
  .map(({ keys, names, space }) =>
    fc.tuple(...keys.map((key) => member[key as keyof typeof member])).map((values) => {
      const members = names.map((name, i) => `${name}${space.colon}${values[i]}`)
      return `${space.before}{${members.join(space.comma)}}${space.after}`
    }),
  )

const lineTexts: fc.Arbitrary<string[]> = fc
  .array(producer, { minLength: 1, maxLength: 3 })
  .chain((producers) => fc.array(fc.oneof(...producers, ...producers.slice(0, 1)), { minLength: 1, maxLength: 16 }))

/** Blocks of lines as producers write them; some of their values are malformed. */
export function soundLines(): fc.Arbitrary<Uint8Array> {
  return lineTexts.map((lines) => encoder.encode(lines.map((line) => `${line}\n`).join('')))
}

const bytesThatMatter = fc.oneof(
  fc.constantFrom(...encoder.encode('{}[]":,\\ \n\r\t0159-+.eEu_aAfFx')),
  fc.integer({ min: 0, max: 255 }),
)
const edit = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'remove', 'repeat', 'splice'),
  at: fc.nat(),
  byte: bytesThatMatter,
  length: fc.integer({ min: 1, max: 40 }),
  from: fc.nat(),
})

/** The same, with a few bytes changed, put in, left out, written twice or brought from elsewhere. */
export function mutatedLines(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(soundLines(), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([block, edits]) => {
    const bytes = [...block]
    for (const { kind, at, byte, length, from } of edits) {
      const pos = at % (bytes.length + 1)
      const source = bytes.slice(from % (bytes.length + 1)).slice(0, length)
      if (kind === 'replace') bytes.splice(pos, 1, byte)
      else if (kind === 'insert') bytes.splice(pos, 0, byte)
      else if (kind === 'remove') bytes.splice(pos, length)
      else if (kind === 'repeat') bytes.splice(pos, 0, ...bytes.slice(pos, pos + length))
      else bytes.splice(pos, length, ...source)
    }
    return Uint8Array.from(bytes)
  })
}

/** JSON values of any shape, one a line, among objects that hold known keys. */
export function arbitraryLines(): fc.Arbitrary<Uint8Array> {
  const known = fc.dictionary(fc.constantFrom(...KEYS), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 13 })
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), known)
  return fc
    .array(
      value.map((json) => JSON.stringify(json)),
      { maxLength: 8 },
    )
    .map((lines) => encoder.encode(lines.map((line) => `${line}\n`).join('')))
}
