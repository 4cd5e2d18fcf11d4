/**
 * The order of rows: by numbers, then by the UTF-8 bytes of texts, whichever way they are sorted.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { orderRows } from '../../src/pipeline/row-order.ts'
import { sortUtf8 } from '../../src/pipeline/table-text.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/row-order.property.test.ts'

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

// Around the units where UTF-16 and UTF-8 disagree, which random texts seldom meet together.
const text = fc.string({
  unit: fc.oneof(fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '🙂', '\u{10ffff}'), fc.constant('z')),
  maxLength: 4,
})

describe('the order of rows', () => {
  it('T3 of table-text: of texts is that of their UTF-8 bytes', () => {
    checkProperty(
      fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
        assert.deepEqual(sortUtf8([...texts]), texts.toSorted(byBytes))
      }),
      500,
      FILE,
    )
  })

  it('the control: that of UTF-16 units is another', () => {
    const texts = ['🙂', '\ue000']
    assert.deepEqual(sortUtf8([...texts]), ['\ue000', '🙂'])
    assert.deepEqual(texts.toSorted(), ['🙂', '\ue000'])
  })

  it('is by the first column first, and as given where all are equal', () => {
    checkProperty(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -2, max: 2 }), text), { maxLength: 30 }), (rows) => {
        const order = orderRows(rows.length, [
          { numberOf: (row) => rows[row]?.[0] ?? 0 },
          { textOf: (row) => rows[row]?.[1] ?? '' },
        ])
        const expected = rows
          .map((_, row) => row)
          .toSorted((a, b) => {
            const [x, y] = [rows[a], rows[b]] as [[number, string], [number, string]]
            return x[0] - y[0] || byBytes(x[1], y[1]) || a - b
          })
        assert.deepEqual([...order], expected)
      }),
      500,
      FILE,
    )
  })
})
