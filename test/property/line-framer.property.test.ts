/**
 * However a stream is cut into chunks, the framer and the decoder give the same rows, line numbers included.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineFramer } from '../../src/engine/decode/line-framer.ts'
import { checkProperty } from '../support/check-property.ts'
import { latin1 } from '../support/decoding.ts'

const FILE = 'test/property/line-framer.property.test.ts'
const LIMIT = 12

/** Trimmed lines that hold something, with their numbers; those over the limit by their first bytes alone. */
function linesOf(stream: Uint8Array): string[] {
  const text = latin1(stream).replace(/^\xef\xbb\xbf/, '')
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.replaceAll(/^[ \t\r]+|[ \t\r]+$/g, '')
    if (trimmed === '') return []
    return [trimmed.length > LIMIT ? `${index + 1} too long ${trimmed.slice(0, LIMIT)}` : `${index + 1} ${trimmed}`]
  })
}

/** The same by the framer, fed chunks of the given sizes in turn. */
function framedLines(stream: Uint8Array, sizes: readonly number[], readBytes: number): string[] {
  const framer = new LineFramer(LIMIT, readBytes)
  const lines: string[] = []
  let at = 0
  for (let turn = 0; !framer.isDone; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    if (at < stream.length) at = framer.write(stream.subarray(0, Math.min(stream.length, at + size)), at)
    else framer.end()
    while (framer.hasLines) {
      const lf = framer.block.indexOf(0x0a, framer.linesStart)
      const line = latin1(framer.block.subarray(framer.linesStart, lf)).replaceAll(/^[ \t\r]+|[ \t\r]+$/g, '')
      const said = line.length > LIMIT ? `too long ${line.slice(0, LIMIT)}` : line
      if (line !== '') lines.push(`${framer.position} ${said}`)
      framer.consume(lf + 1, framer.position + 1)
    }
  }
  return lines
}

const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('\n', '\r\n', 'a', 'bc', 'twelve-bytes') },
  { weight: 2, arbitrary: fc.constantFrom(' ', '\t', '            ', ' '.repeat(40)) },
  { weight: 1, arbitrary: fc.constantFrom('\xef', '\xef\xbb', '\xef\xbb\xbf', 'x'.repeat(30)) },
)
const streams = fc
  .array(pieces, { maxLength: 30 })
  .map((parts) => Uint8Array.from(parts.join(''), (character) => character.charCodeAt(0)))
const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })

test('F1: any chunks give the lines of the whole', () => {
  const property = fc.property(streams, sizes, fc.integer({ min: 1, max: 30 }), (stream, chunks, readBytes) => {
    assert.deepEqual(framedLines(stream, chunks, readBytes), linesOf(stream))
  })
  checkProperty(property, 10_000, FILE)
})

test('control: lines differ when the stream does', () => {
  const stream = new TextEncoder().encode('a\n\nb')
  assert.deepEqual(framedLines(stream, [1], 1), ['1 a', '3 b'])
  assert.notDeepEqual(framedLines(stream, [1], 1), linesOf(new TextEncoder().encode('a\nb')))
})
