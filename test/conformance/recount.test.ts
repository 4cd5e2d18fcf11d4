/**
 * The worked cases, driven through the recount.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount, type Recount } from '../../src/verify/recount.ts'
import type { WorkedCase } from './worked-case.ts'
import { WORKED_CASES } from './worked-cases.ts'

function run({ plan, partitions }: WorkedCase): Recount {
  const named = partitions.map(({ stream, lines }, i) => ({ stream, lines, name: `${stream}-${i}` }))
  return recount(plan, named, decodeUtf8)
}

describe('worked cases: recount', () => {
  for (const worked of WORKED_CASES) {
    it(worked.name, () => {
      const { tables, totals } = run(worked)
      for (const [table, rows] of worked.expected) assert.deepEqual(tables.get(table), rows, table)
      for (const stream of STREAM_NAMES) {
        const classes = Object.values(totals[stream].classes)
        assert.equal(
          totals[stream].read,
          classes.reduce((sum, events) => sum + events, 0),
          `conservation of ${stream}`,
        )
      }
    })
  }

  it('control: names are unique, and the cases of SEMANTICS are all there', () => {
    const names = WORKED_CASES.map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.length >= 80, `${names.length} cases`)
  })

  it('control: a case fails when its answer is changed', () => {
    for (const worked of WORKED_CASES) {
      const ledger = worked.expected.get('ledger') ?? []
      const changed = ledger.map((row, i) => (i === 0 ? [...row.slice(0, -1), '99'] : row))
      if (ledger.length > 0) assert.notDeepEqual(run(worked).tables.get('ledger'), changed, worked.name)
    }
  })
})
