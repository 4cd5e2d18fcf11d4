import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonSyntaxError, readJson } from '../../../src/cli/json-source.ts'

/** What {@link readJson} says is wrong, as `line:column message`. */
function syntaxErrorOf(text: string): string {
  try {
    readJson(text)
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError)
    return `${error.position.line}:${error.position.column} ${error.message}`
  }
  return 'none'
}

test('knows where each part stands', () => {
  const json = readJson('{\n  "tables": {\n    "ctr": { "dimensions": ["a",\n "b"] }, "x y": 1 }\n}')
  assert.deepEqual(json.positionOf('tables'), { line: 2, column: 3 })
  assert.deepEqual(json.positionOf('tables.ctr.dimensions[1]'), { line: 4, column: 2 })
  assert.deepEqual(json.positionOf('tables["x y"]'), { line: 4, column: 10 })
})

test('takes the nearest part around one that is not there', () => {
  const json = readJson('{\n "tables": { "ctr": {} } }')
  assert.deepEqual(json.positionOf('tables.ctr.measures[0]'), { line: 2, column: 14 })
  assert.deepEqual(json.positionOf('tables["a.b[0]"].measures'), { line: 2, column: 2 })
  assert.deepEqual(json.positionOf('name'), { line: 1, column: 1 })
})

test('J3: remembers keys given twice, and the last counts', () => {
  const json = readJson('{"a": {"b": 1, "b": 2, "\\u0062": 3}, "c": {"b": 4}}')
  assert.deepEqual(json.repeated, [
    ['a', 'b'],
    ['a', 'b'],
  ])
  assert.deepEqual(json.value, { a: { b: 3 }, c: { b: 4 } })
})

test('passes over a byte-order mark', () => {
  assert.deepEqual(readJson('\ufeff{"a": 1}').value, { a: 1 })
})

test('J2: says where and why a text is not JSON', () => {
  const cases = {
    '': '1:1 expected a value, but the text ends',
    '{"a": 1,}': '1:9 expected another part after the comma, or no comma, but there is "}"',
    '{"a": 1\n "b": 2}': String.raw`2:2 expected "," or "}", but there is "\"b\": 2}"`,
    '{"a" 1}': '1:6 expected ":", but there is "1}"',
    "{'a': 1}": String.raw`1:2 expected a text in double quotes, on one line, but there is "'a': 1}"`,
    '{"a": "x\ny"}': String.raw`1:7 expected a text in double quotes, on one line, but there is "\"x"`,
    '{} // done': '1:4 expected the end of the text, but there is "// done"',
    '[1, 2': '1:6 expected "," or "]", but the text ends',
    '{"a": undefined}': '1:7 expected a value, but there is "undefined}"',
    '[01]': '1:3 expected "," or "]", but there is "1]"',
  }
  for (const [text, message] of Object.entries(cases)) assert.equal(syntaxErrorOf(text), message)
})

test('refuses nesting without end instead of overflowing', () => {
  assert.match(syntaxErrorOf('['.repeat(100_000)), /expected no more than 100 levels/)
})

test('reads a text of a million characters', () => {
  const long = 'x'.repeat(1_000_000)
  assert.equal(readJson(JSON.stringify({ long })).value?.['long' as never], long)
})
