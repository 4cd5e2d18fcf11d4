/**
 * What is said of a range: how much of it may still change, and why it is empty.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { provisionalText, snapshotInWords, whatIsEmpty } from '../../../dashboard/src/model/finality.ts'
import { defaultState, type PageState } from '../../../dashboard/src/model/page-state.ts'
import type { Screen } from '../../../dashboard/src/model/screen.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const screenOf = (changed: Partial<Screen>): Screen => ({
  source: 'tables',
  startMs: NOON_MS - HOUR_MS,
  endMs: NOON_MS,
  zone: 'UTC',
  compared: null,
  provisionalShare: 0,
  finalUpToMs: NOON_MS,
  totals: { last: [0, 0, 0], spark: [] },
  charts: [],
  boards: [],
  ...changed,
})

describe('what may still change', () => {
  it('is said by the time where there are no impressions to have a share of', () => {
    assert.equal(provisionalText(screenOf({ finalUpToMs: null })), 'all of this range may still change')
    assert.equal(provisionalText(screenOf({ finalUpToMs: NOON_MS - HOUR_MS })), 'all of this range may still change')
    assert.equal(provisionalText(screenOf({ finalUpToMs: NOON_MS - 60_000 })), 'from 11:59 on it may still change')
    assert.equal(provisionalText(screenOf({})), 'all of this range is final', 'control')
  })

  it('is a share of the impressions where there are some', () => {
    const text = (provisionalShare: number | null): string | undefined =>
      provisionalText(screenOf({ provisionalShare, finalUpToMs: NOON_MS - 60_000 }))?.replaceAll('\u2009', ' ')
    assert.equal(text(0.25), '25 % of this range may still change')
    assert.equal(text(1), 'all of this range may still change')
    assert.equal(text(null), undefined)
  })
})

describe('an empty range', () => {
  const live: Pick<PageState, 'range' | 'filters'> = { range: { kind: 'last', lengthMs: HOUR_MS }, filters: [] }
  const filters: PageState['filters'] = [{ dimension: 'browser', mode: 'include', members: ['nonesuch'] }]

  it('says what is empty, and when there are data', () => {
    const screen = screenOf({})
    assert.equal(
      whatIsEmpty(screen, live, NOON_MS - 60_000),
      'Nothing was counted in the last hour. The newest data are of 11:59.',
    )
    assert.equal(
      whatIsEmpty(screen, { ...live, filters }, NOON_MS - 60_000),
      'Nothing was counted in the last hour with these filters. The newest data of all are of 11:59.',
    )
    assert.equal(whatIsEmpty(screen, live, null), 'Nothing was counted in the last hour. No data have come yet.')
    assert.equal(whatIsEmpty(screen, live, undefined), 'Nothing was counted in the last hour.')
    const fixed = { kind: 'fixed', startMs: screen.startMs, endMs: screen.endMs } as const
    assert.match(
      whatIsEmpty(screen, { ...live, range: fixed }, NOON_MS + 864e5) ?? '',
      /from .*11:00 to .*12:00\..* 12:00\.$/,
    )
  })

  it('control: says nothing where something was counted, and of what comes from memory', () => {
    assert.equal(whatIsEmpty(screenOf({ totals: { last: [0, 1, 0], spark: [] } }), live, NOON_MS), undefined)
    assert.equal(whatIsEmpty(screenOf({ source: 'memory' }), live, NOON_MS), undefined)
  })
})

it('a snapshot says in one sentence what it shows and of when', () => {
  const state = defaultState(planPage(adPlan), 'UTC')
  const said = (changed: Partial<PageState>): string => snapshotInWords(screenOf({}), { ...state, ...changed }, NOON_MS)
  assert.match(said({}), /^Snapshot of .* 12:00:00 UTC: the last hour, compared with the hour before$/)
  const range = { kind: 'fixed', startMs: NOON_MS - HOUR_MS, endMs: NOON_MS } as const
  assert.match(said({ range, comparison: { kind: 'none' } }), /: from .*, 11:00 to .*, 12:00$/)
})
