/**
 * The grammar's verdict is that of `JSON.parse`, and of a strict decoder where the bytes are no UTF-8.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INVALID_UTF8, IS_OBJECT, IS_OTHER_JSON, JsonScanner, NOT_JSON } from '../../src/engine/decode/json-scan.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/json-verdict.property.test.ts'
const encoder = new TextEncoder()
const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const scanner = new JsonScanner([encoder.encode('a'), encoder.encode('')])

function verdictOfPlatform(bytes: Uint8Array): number {
  let text: string
  try {
    text = fatal.decode(bytes)
  } catch {
    return INVALID_UTF8
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? IS_OBJECT : IS_OTHER_JSON
  } catch {
    return NOT_JSON
  }
}

// Where bytes are neither JSON nor UTF-8 either name will do.
function sameVerdict(one: number, other: number): boolean {
  return one === other || (one < 0 && other < 0)
}

const source = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value, undefined, '\t')),
  fc.double().map(String),
  fc.constantFrom(
    '"\\ud83d\\ude00"',
    '"\\u00"',
    '-',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '1E+5',
    'nul',
    'NaN',
    '{,}',
    '[1,]',
    '{"a":}',
  ),
)
const edits = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('replace', 'insert', 'remove'),
    byte: fc.oneof(
      fc.constantFrom(...encoder.encode('{}[]",:\\utfn0123456789eE+-. \n\r\t/\u007f')),
      fc.integer({ min: 0, max: 255 }),
    ),
  }),
  { maxLength: 4 },
)
const texts = fc.tuple(source, edits).map(([text, changes]) => {
  const bytes = [...encoder.encode(text)]
  for (const { at, kind, byte } of changes) {
    const pos = at % (bytes.length + 1)
    if (kind === 'replace') bytes.splice(pos, 1, byte)
    else if (kind === 'insert') bytes.splice(pos, 0, byte)
    else bytes.splice(pos, 1)
  }
  return Uint8Array.from(bytes)
})

function agrees(verdictOf: (bytes: Uint8Array) => number): fc.IProperty<[Uint8Array]> {
  return fc.property(texts, (bytes) => sameVerdict(verdictOf(bytes), verdictOfPlatform(bytes)))
}

test('G1: the verdict on JSON and mutations of it', () => {
  checkProperty(
    agrees((bytes) => scanner.scan(bytes, 0, bytes.length)),
    20_000,
    FILE,
  )
})

test('sound UTF-8 is never called unsound, nor the other way round', () => {
  const strings = fc.uint8Array({ maxLength: 8 }).map((bytes) => Uint8Array.of(0x22, ...bytes, 0x22))
  const property = fc.property(strings, (bytes) => {
    const platform = verdictOfPlatform(bytes)
    const ours = scanner.scan(bytes, 0, bytes.length)
    return sameVerdict(ours, platform) && (ours !== INVALID_UTF8 || platform === INVALID_UTF8)
  })
  checkProperty(property, 20_000, FILE)
})

test('control: a grammar that takes a comma before a closing bracket is caught', () => {
  const lenient = (bytes: Uint8Array): number => {
    const text = new TextDecoder('latin1').decode(bytes).replaceAll(/,(?=[\]}])/g, '')
    const changed = Uint8Array.from(text, (character) => character.charCodeAt(0))
    return scanner.scan(changed, 0, changed.length)
  }
  assert.throws(() => checkProperty(agrees(lenient), 20_000, FILE), /Property failed/)
})
