/**
 * Raw events and lists of members, in words and as CSV.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { filtersInWords, sumsOf } from '../../../dashboard/src/model/drill.ts'
import { membersExport, toCsv } from '../../../dashboard/src/model/export.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import { adPlan } from '../../support/page-changes.ts'

const page = planPage(adPlan)

it('the events behind a cell are named by labels, with all filters', () => {
  assert.equal(filtersInWords(page, []), '')
  assert.equal(
    filtersInWords(page, [
      { dimension: 'campaign_id', mode: 'include', members: ['c1'] },
      { dimension: 'device_type', mode: 'exclude', members: ['tablet', 'mobile'] },
    ]),
    'campaign c1, not device tablet or mobile',
  )
})

it('what an event cost is read from its record, whatever that holds', () => {
  const measure = adPlan.measures.find(({ kind }) => kind === 'sum')
  assert.ok(measure?.kind === 'sum')
  const { field } = measure
  assert.deepEqual(sumsOf(adPlan, JSON.stringify({ [field]: 0.25 })), [{ field, text: '0.25' }])
  assert.deepEqual(sumsOf(adPlan, JSON.stringify({ [field]: '1.50' })), [{ field, text: '1.50' }])
  for (const text of ['', 'null', '[]', '{}', '{"broken', JSON.stringify({ [field]: {} })])
    assert.deepEqual(sumsOf(adPlan, text), [{ field, text: undefined }], text)
})

it('E2 of export: members are exported with every measure, guarded and exact', () => {
  const value = { impressions: 40, clicks: 10, sums: { spend: '12.500000' } }
  const table = membersExport(page, 'browser', [{ name: '=1+1', value, compared: null, isFinal: false }])
  const row = Object.fromEntries(table.columns.map((column, index) => [column, table.rows[0]?.[index]]))
  assert.deepEqual(
    ['browser', 'impressions', 'clicks', 'ctr', 'spend', 'is_final'].map((name) => row[name]),
    ['=1+1', 40, 10, 0.25, '12.500000', false],
  )
  assert.match(toCsv(table), /\r\n'=1\+1,40,10,/)
})
