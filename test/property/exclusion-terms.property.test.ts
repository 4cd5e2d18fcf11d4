/**
 * Exclusions taken apart count what the filters let through (X1 of `exclusion-terms.ts`), on any rows; control: not
 * without one of the terms.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { exclusionTerms } from '../../src/query/exclusion-terms.ts'
import type { ViewFilter } from '../../src/query/view-query.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/exclusion-terms.property.test.ts'
const DIMENSIONS = ['campaign', 'device', 'browser', 'country'] as const
const member = fc.constantFrom('a', 'b', 'c')

type Row = Readonly<Record<string, string>>

const rows = fc.array(fc.record(Object.fromEntries(DIMENSIONS.map((name) => [name, member]))), { maxLength: 40 })
const filters: fc.Arbitrary<ViewFilter[]> = fc.array(
  fc.record({
    dimension: fc.constantFrom(...DIMENSIONS),
    mode: fc.constantFrom('include' as const, 'exclude' as const),
    members: fc.uniqueArray(member, { minLength: 1 }),
  }),
  { maxLength: 6 },
)
const shown = fc.subarray([...DIMENSIONS])

const count = (all: readonly Row[], given: readonly ViewFilter[]): number =>
  all.filter((row) =>
    given.every(({ dimension, mode, members }) => members.includes(row[dimension] ?? '') === (mode === 'include')),
  ).length

describe('exclusions taken apart', () => {
  it('X1, X2: add up to what the filters let through, and exclude nothing that they need not', () => {
    checkProperty(
      fc.property(rows, filters, shown, (all, given, dimensions) => {
        const terms = exclusionTerms(given, dimensions)
        const sum = terms.reduce((total, term) => total + (term.isSubtracted ? -1 : 1) * count(all, term.filters), 0)
        assert.equal(sum, count(all, given))
        for (const { dimension, mode } of terms.flatMap((term) => term.filters))
          assert.ok(
            mode === 'include' ||
              dimensions.some((name) => name === dimension) ||
              given.some((filter) => filter.dimension === dimension && filter.mode === 'include'),
          )
      }),
      500,
      FILE,
    )
  })

  it('control: not without the last term', () => {
    const given: ViewFilter[] = ['device', 'browser'].map((dimension) => ({
      dimension,
      mode: 'exclude',
      members: ['a'],
    }))
    const all = [{ device: 'a', browser: 'a' }]
    const terms = exclusionTerms(given, ['campaign'])
    assert.equal(terms.length, 4)
    const sum = (some: typeof terms): number =>
      some.reduce((total, term) => total + (term.isSubtracted ? -1 : 1) * count(all, term.filters), 0)
    assert.equal(sum(terms), 0)
    assert.equal(sum(terms.slice(0, -1)), -1)
  })
})
