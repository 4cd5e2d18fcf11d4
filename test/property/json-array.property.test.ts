/**
 * A JSON array cut to lines says what the array says, and each line is judged as its element would be.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ArrayCutter } from '../../src/server/ingest/json-array.ts'
import { toLines } from '../../src/server/ingest/to-lines.ts'
import { Judge } from '../../src/server/ingest/judge.ts'
import { checkAsyncProperty, checkProperty } from '../support/check-property.ts'
import { parseLines } from '../support/decoding.ts'
import { impressionLine } from '../support/event-lines.ts'
import { adPlan } from '../support/page-changes.ts'

const FILE = 'test/property/json-array.property.test.ts'
const encoder = new TextEncoder()

interface Cut {
  readonly lines: readonly string[]
  readonly problem: string | undefined
}

function cut(text: string, pieceEnds: readonly number[] = []): Cut {
  const bytes = encoder.encode(text)
  const cutter = new ArrayCutter(bytes, 0)
  for (const end of [...pieceEnds.filter((end) => end < bytes.length).toSorted((a, b) => a - b), bytes.length])
    cutter.run(end)
  if (cutter.problem !== undefined) return { lines: [], problem: cutter.problem }
  const lines = Buffer.from(bytes.subarray(1, cutter.linesEnd)).toString('utf8').split('\n').slice(0, -1)
  assert.ok(cutter.elements === 0 || lines.length === cutter.elements)
  return { lines: cutter.elements === 0 ? [] : lines, problem: undefined }
}

const space = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '\n\n  ')

/** The text of a value with white space wherever JSON allows it. */
function spaced(value: unknown, gap: string): string {
  if (Array.isArray(value)) return `[${gap}${value.map((item) => spaced(item, gap)).join(`${gap},${gap}`)}${gap}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}${gap}:${gap}${spaced(item, gap)}`)
  return `{${gap}${members.join(`${gap},${gap}`)}${gap}}`
}

const arrayText = fc
  .tuple(fc.array(fc.jsonValue(), { maxLength: 8 }), space)
  .map(([values, gap]) => spaced(values, gap))

describe('cutting a JSON array (A1, A2, A4)', () => {
  it('gives lines that parse to its elements', () => {
    const property = fc.property(arrayText, (text) => {
      const { lines, problem } = cut(text)
      assert.equal(problem, undefined)
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as unknown),
        JSON.parse(text),
      )
    })
    checkProperty(property, 2_000, FILE)
  })

  it('does not depend on where the pieces end', () => {
    const broken = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', '\n', 'a', '1', ' ') })
    const text = fc.oneof(
      arrayText,
      broken.map((rest) => `[${rest}`),
    )
    const property = fc.property(text, fc.array(fc.nat(200), { maxLength: 6 }), (text, ends) => {
      assert.deepEqual(cut(text, ends), cut(text))
    })
    checkProperty(property, 3_000, FILE)
  })

  it('A3: never takes for whole what JSON calls broken, unless an element is to blame', () => {
    for (const text of [
      '[',
      '[1',
      '[1,',
      '[1,]',
      '[,1]',
      '[,]',
      '[1,,2]',
      '["a',
      '["a\\"]',
      '[1]]',
      '[1] 2',
      '[}',
      '[{"a":[}]',
    ])
      assert.notEqual(cut(text).problem, undefined, text)
    assert.deepEqual(cut('[{bad},tru,{"a":1}]').lines, ['{bad}', 'tru', '{"a":1}'])
  })
})

describe('the verdict on a line (A2, J1)', () => {
  const verdictsOf = (lines: Uint8Array): string[] =>
    parseLines(lines, adPlan, 'impressions').map(({ malformed, field }) => `${malformed} ${field ?? ''}`)
  const record = fc
    .record({ campaign_id: fc.string({ unit: 'grapheme' }), cost: fc.oneof(fc.double(), fc.string()) })
    .map((given) => impressionLine('i1', 1_767_225_600_000, given))

  it('is that of the element, wherever a line feed stands in it', () => {
    const seen = new Map<string, number>()
    const property = fc.property(record, fc.nat(), fc.nat(), (text, at, other) => {
      const places = [at % (text.length + 1), other % (text.length + 1)].toSorted((a, b) => a - b)
      const element = `${text.slice(0, places[0])}\n${text.slice(places[0], places[1])}\n${text.slice(places[1])}`
      const { lines, problem } = cut(`[${element}]`)
      if (problem !== undefined || lines.length !== 1) return
      const [ofLine] = verdictsOf(encoder.encode(`${lines[0]}\n`))
      const isJson = ((): boolean => {
        try {
          JSON.parse(element)
          return true
        } catch {
          return false
        }
      })()
      assert.equal(ofLine !== 'not_json ', isJson, element)
      if (isJson) assert.deepEqual([ofLine], verdictsOf(encoder.encode(`${JSON.stringify(JSON.parse(element))}\n`)))
      seen.set(String(isJson), (seen.get(String(isJson)) ?? 0) + 1)
    })
    checkProperty(property, 2_000, FILE)
    assert.ok((seen.get('true') ?? 0) > 20 && (seen.get('false') ?? 0) > 100, 'both kinds were met')
  })

  it('is the same without dimensions as with them', async () => {
    const judge = new Judge(adPlan)
    const junk = fc.oneof(
      record,
      fc.json(),
      fc.string({ unit: fc.constantFrom('{', '}', '"', ' ', '\r', 'é', '1', ':') }),
    )
    const property = fc.asyncProperty(fc.array(junk, { maxLength: 20 }), async (texts) => {
      const lines = encoder.encode(texts.map((text) => `${text.replaceAll('\n', ' ')}\n`).join(''))
      const expected = verdictsOf(lines)
      const verdict = await judge.judge('impressions', lines, Infinity)
      const found = expected.map(() => 'none ')
      for (const { index, reason, field } of verdict?.rejected ?? []) found[index] = `${reason} ${field ?? ''}`
      assert.deepEqual(found, expected)
      assert.equal(verdict?.recordCount, expected.length)
    })
    await checkAsyncProperty(property, 500, FILE)
  })

  it('stays "too long" once the record is cut (J3)', async () => {
    const long = `  {"a":"${'x'.repeat(1_100_000)}${' '.repeat(400_000)}"}  `
    const good = impressionLine('i1', 1_767_225_600_000)
    const lines = encoder.encode(`${good}\n${long}\n${good}\n${long}\n`)
    const judge = new Judge(adPlan)
    const first = await judge.judge('impressions', lines, Infinity)
    assert.deepEqual(first?.rejected, [
      { index: 1, reason: 'record_too_long' },
      { index: 3, reason: 'record_too_long' },
    ])
    assert.ok((first?.lines.length ?? 0) < 2.2e6)
    const again = await judge.judge('impressions', first?.lines ?? new Uint8Array(0), Infinity)
    assert.deepEqual([again?.recordCount, again?.rejected], [4, first?.rejected])
  })
})

describe('what a body is taken for (L1 to L3)', () => {
  const linesOf = async (text: string, isLines: boolean): Promise<string> =>
    Buffer.from((await toLines(encoder.encode(`${text}?`), isLines)) as Uint8Array).toString('utf8')

  it('an object over several lines is one event, but only where nothing follows it', async () => {
    assert.equal(await linesOf('{\n"a":\n1}\n', false), '{ "a": 1}\n')
    assert.equal(await linesOf('{"a":1}\n{"a":\n2}', false), '{"a":1}\n{"a":\n2}\n')
    assert.equal(await linesOf('{"a":\n1}\n{"a":2}', false), '{"a":\n1}\n{"a":2}\n')
  })

  it('nothing is guessed about lines', async () => {
    assert.equal(await linesOf('[1,\n2]', true), '[1,\n2]\n')
    assert.equal(await linesOf('{\n"a":1}', true), '{\n"a":1}\n')
    assert.equal(await linesOf('\ufeff{}', true), '{}\n')
  })
})
