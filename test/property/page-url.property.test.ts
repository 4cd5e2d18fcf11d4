/**
 * The address of the page: what is written is read back (U1), and nothing breaks it (U2).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  COMPARISONS,
  defaultState,
  toggleMember,
  withMeasure,
  type PageState,
} from '../../dashboard/src/model/page-state.ts'
import {
  formatPageUrl,
  lengthText,
  parseLength,
  parsePageUrl,
  parseSearch,
  straysOf,
} from '../../dashboard/src/model/page-url.ts'
import { planPage } from '../../src/pipeline/page.ts'
import { GRAINS } from '../../src/query/view-query.ts'
import { checkProperty } from '../support/check-property.ts'
import { adPlan } from '../support/page-changes.ts'

const FILE = 'test/property/page-url.property.test.ts'
const page = planPage(adPlan)
const dimensions = page.boards.map(({ dimension }) => dimension.name)
const measures = page.measures.map(({ name }) => name)

const member = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.constantFrom(
    ',',
    '\\',
    '\\,',
    'a,b',
    '&f.browser=x',
    '%2C',
    '+',
    ' ',
    '你好',
    '=1+1',
    '#',
    '<img onerror=alert(1)>',
  ),
)
const filterSteps = fc.array(
  fc.record({ dimension: fc.constantFrom(...dimensions), member, mode: fc.constantFrom('include', 'exclude') }),
  { maxLength: 6 },
)
const range = fc.oneof(
  fc.integer({ min: 1, max: 10_000 }).map((minutes) => ({ kind: 'last' as const, lengthMs: minutes * 60_000 })),
  fc
    .tuple(fc.integer({ min: 0, max: 2e9 }), fc.integer({ min: 1, max: 1e6 }))
    .map(([start, length]) => ({ kind: 'fixed' as const, startMs: start * 1_000, endMs: (start + length) * 1_000 })),
)

const states: fc.Arbitrary<PageState> = fc
  .record({
    range,
    filterSteps,
    grain: fc.constantFrom('auto' as const, ...GRAINS),
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham'),
    comparison: fc.constantFrom(...COMPARISONS).map((kind) => ({ kind })),
    measure: fc.constantFrom(...measures),
    split: fc.constantFrom(null, ...dimensions),
    isKiosk: fc.boolean(),
  })
  .map(({ filterSteps: steps, measure, ...rest }) => {
    const start = withMeasure(page, { ...defaultState(page, 'UTC'), ...rest }, measure)
    return steps.reduce(
      (state, step) => toggleMember(state, step.dimension, step.member, step.mode as 'include'),
      start,
    )
  })

describe('the address of the page', () => {
  it('U1: is read back as it was written, whatever the members are called', () => {
    checkProperty(
      fc.property(states, (state) => {
        assert.deepEqual(parsePageUrl(page, formatPageUrl(page, state), 'Asia/Tokyo'), {
          ...state,
          // Without anything the address says nothing of the zone: the remembered one holds.
          ...(formatPageUrl(page, state) === '' ? { zone: 'Asia/Tokyo' } : {}),
        })
      }),
      500,
      FILE,
    )
  })

  it('U2: never breaks the page, whatever it says', () => {
    const keys = [
      'range',
      'from',
      'to',
      'vs',
      'axis',
      'grain',
      'tz',
      'measure',
      'split',
      'order',
      'f.browser',
      'f.x!',
      'z',
    ]
    const value = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...',\\a1:.-m') }))
    checkProperty(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), value)), (entries) => {
        const state = parsePageUrl(page, `?${new URLSearchParams(entries).toString()}`, 'UTC')
        assert.ok(measures.includes(state.measure))
        assert.deepEqual(parsePageUrl(page, `?tz=UTC&${formatPageUrl(page, state).slice(1)}`, 'UTC'), state)
      }),
      500,
      FILE,
    )
  })

  it('U2: tells what it cannot read, and nothing of what it wrote itself', () => {
    checkProperty(
      fc.property(states, member, (state, text) => {
        const address = formatPageUrl(page, state, text)
        assert.deepEqual(straysOf(page, address), [])
        assert.equal(parseSearch(address), text)
      }),
      300,
      FILE,
    )
    const told = (address: string): readonly string[] => straysOf(page, address).map(({ key }) => key)
    assert.deepEqual(told('?measure=wat&range=zz&f.nope=1'), ['measure', 'range', 'f.nope'])
    assert.deepEqual(straysOf(page, '?grain=2m'), [
      { key: 'grain', value: '2m', allowed: '1m, 5m, 15m, 1h, 1d, 1w, auto' },
    ])
    assert.deepEqual(told('?f.browser=,&f.device_type=,a,'), ['f.browser'])
    assert.match(straysOf(page, '?f.nope=1')[0]?.allowed ?? '', /f\.browser/)
    assert.deepEqual(told('?from=2026-11-25T14:30Z'), ['from'])
    assert.deepEqual(told('?from=2026-11-25T14:30Z&to=2026-11-25T14:00Z&range=1h'), ['from', 'to'])
    assert.deepEqual(told('?measure=ctr&axis=click&mesure=ctr'), ['axis', 'mesure'])
    assert.deepEqual(told('?from=2026-11-25T14:30Z&to=2026-11-25T15:00Z&measure=clicks&axis=click'), [], 'control')
  })

  it('is short, and fit to be written by hand', () => {
    const state = defaultState(page, 'UTC')
    assert.equal(formatPageUrl(page, state), '')
    const filtered = toggleMember(
      toggleMember(state, 'device_type', 'mobile', 'include'),
      'campaign_id',
      'c,3',
      'exclude',
    )
    const text = formatPageUrl(page, {
      ...withMeasure(page, filtered, 'spend'),
      range: { kind: 'last', lengthMs: 9e5 },
    })
    assert.equal(
      text,
      '?range=15m&measure=spend&order=spend.value.desc&f.campaign_id!=c%5C,3&f.device_type=mobile'.replace('!', '%21'),
    )
    assert.deepEqual([900_000, 3_600_000, 86_400_000, 604_800_000, 5_400_000].map(lengthText), [
      '15m',
      '1h',
      '24h',
      '7d',
      '90m',
    ])
    assert.deepEqual(['15m', ' 6h ', '0m', '', 'x', '90 min'].map(parseLength), [
      900_000,
      21_600_000,
      undefined,
      undefined,
      undefined,
      5_400_000,
    ])
  })
})
