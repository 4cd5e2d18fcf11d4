import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LiveView } from '../../../src/server/live-view.ts'
import type { PageData, Values } from '../../../src/server/page-data.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, changeSet, NOON_MS, pageChanges, type Traffic } from '../../support/page-changes.ts'

function shown(traffic: readonly Traffic[], maxMembers?: number): PageData {
  return viewOf(traffic, maxMembers).snapshot()
}

function viewOf(traffic: readonly Traffic[], maxMembers?: number): LiveView {
  const view = new LiveView(adPlan, maxMembers === undefined ? {} : { maxMembers })
  view.apply(pageChanges(traffic))
  return view
}

const each = (from: number, to: number, impressions: number): readonly Traffic[] =>
  Array.from({ length: to - from }, (_, i) => ({ minute: from + i, campaign: 'a', impressions, clicks: 1, micros: 2n }))

describe('the live view', () => {
  it('is empty before anything happens', () => {
    const data = new LiveView(adPlan).snapshot()
    assert.deepEqual(data.range, { startMs: 0, endMs: 0, finalUpToMs: 0 })
    assert.deepEqual(data.totals, { last: [0, 0, 0], rows: {} })
    assert.deepEqual(data.boards['campaign_id'], { rows: [], memberCount: 0, isCapped: false })
  })

  it('sums the last hour, and compares complete minutes with the hour before', () => {
    const data = shown([...each(-121, -60, 10), ...each(-60, 0, 20), { minute: 0, campaign: 'a', impressions: 3 }])
    assert.deepEqual(data.totals.last, [59 * 20 + 3, 59, 118])
    assert.deepEqual(data.totals.complete, [60 * 20, 60, 120])
    assert.deepEqual(data.totals.before, [60 * 10, 60, 120])
    assert.equal(data.range.endMs, NOON_MS + MINUTE_MS)
  })

  it('compares with nothing while the view does not reach back far enough', () => {
    assert.equal(shown(each(-100, 1, 10)).totals.before, undefined)
    assert.equal(shown(each(-120, 1, 10)).totals.before, undefined)
    assert.notEqual(shown(each(-121, 1, 10)).totals.before, undefined)
  })

  it('takes values as absolute: the same cells twice change nothing, a removed cell is gone', () => {
    const traffic = [{ minute: 0, campaign: 'a', impressions: 5, clicks: 2 }]
    const view = viewOf(traffic)
    view.apply(pageChanges(traffic))
    assert.deepEqual(view.snapshot().totals.last, [5, 2, 0])
    const cells = pageChanges(traffic).cells.map((part) => ({ ...part, removed: part.removed.map(() => true) }))
    view.apply(changeSet(cells))
    assert.deepEqual(view.snapshot().totals.last, [0, 0, 0])
    assert.deepEqual(view.snapshot().charts['impressions']?.rows, {})
  })

  it('moves a click between minutes of the click axis', () => {
    const view = viewOf([{ minute: 0, campaign: 'a', impressions: 5, clicks: 1 }])
    const [total] = pageChanges([{ minute: 0, campaign: 'a', impressions: 5, clicks: 1, clickDelay: -1 }]).cells.filter(
      ({ rollUp }) => rollUp === 'page:clicks:total',
    )
    assert.ok(total !== undefined)
    const gone = { ...total, windowStartMs: [NOON_MS], removed: [true] }
    view.apply(changeSet([total, gone]))
    assert.deepEqual(Object.keys(view.snapshot().charts['clicks']?.rows ?? {}), [String(NOON_MS - MINUTE_MS)])
  })

  it('N1 of page-data: keeps sums exact past what a double holds', () => {
    const huge = 9_007_199_254_740_993n
    const data = shown([
      { minute: 0, campaign: 'a', impressions: 1, micros: huge },
      { minute: 1, campaign: 'a', impressions: 1, micros: 2n },
    ])
    assert.deepEqual(data.totals.last, [2, 0, (huge + 2n).toString()])
  })

  it('forgets what is older than the range and the one before it', () => {
    const view = viewOf([{ minute: 0, campaign: 'old', impressions: 9 }])
    view.apply(pageChanges([{ minute: 200, campaign: 'new', impressions: 1 }]))
    const { boards, totals } = view.snapshot()
    assert.deepEqual(totals.last, [1, 0, 0])
    assert.equal(boards['campaign_id']?.memberCount, 1)
    view.apply(pageChanges([{ minute: 0, campaign: 'old', impressions: 9 }]))
    assert.equal(view.snapshot().boards['campaign_id']?.memberCount, 1)
  })

  it('marks final windows from the cells, and from the watermark where nothing happens', () => {
    const view = new LiveView(adPlan)
    view.apply(pageChanges(each(-60, 1, 1), -40))
    assert.equal(view.snapshot().range.finalUpToMs, NOON_MS - 40 * MINUTE_MS)
    view.advance(NOON_MS, NOON_MS + MINUTE_MS - 1)
    assert.equal(view.snapshot().range.finalUpToMs, NOON_MS - 35 * MINUTE_MS)
  })

  it('L4: ends with the newest window, not with one event of a clock that is fast', () => {
    const view = viewOf([...each(-60, 1, 10), { minute: 4, campaign: 'a', impressions: 1 }])
    view.advance(NOON_MS + 5_000, NOON_MS)
    assert.equal(view.snapshot().range.endMs, NOON_MS + MINUTE_MS)
    view.advance(NOON_MS + 4 * MINUTE_MS, NOON_MS)
    assert.equal(view.snapshot().range.endMs, NOON_MS + 5 * MINUTE_MS)
    assert.equal(view.snapshot().totals.rows[NOON_MS + 4 * MINUTE_MS]?.[0], 1)
  })

  it('L5: keeps the last hour whatever comes from hours ahead, and shows that when its time has come', () => {
    const view = new LiveView(adPlan)
    const at = (minute: number): void => view.advance(NOON_MS + minute * MINUTE_MS, NOON_MS + (minute - 1) * MINUTE_MS)
    at(0)
    view.apply(pageChanges(each(-60, 1, 10)))
    view.apply(pageChanges([{ minute: 180, campaign: 'fast', impressions: 1 }]))
    assert.equal(view.snapshot().totals.last[0], 600)
    assert.equal(view.snapshot().range.endMs, NOON_MS + MINUTE_MS)
    view.apply(pageChanges([{ minute: 0, campaign: 'a', impressions: 15 }]))
    view.apply(pageChanges([{ minute: 180, campaign: 'fast', impressions: 2 }]))
    assert.equal(view.snapshot().totals.last[0], 605, 'what comes after it counts')
    for (let minute = 1; minute <= 180; minute++) at(minute)
    const { totals, boards } = view.snapshot()
    assert.deepEqual([totals.last[0], boards['campaign_id']?.rows[0]?.name], [2, 'fast'])
  })

  it('L4: moves on with the watermark through silence', () => {
    const view = viewOf(each(-60, 1, 10))
    view.advance(NOON_MS + 30 * MINUTE_MS, NOON_MS + 30 * MINUTE_MS - 5_000)
    assert.equal(view.snapshot().totals.last[0], 31 * 10)
  })
})

describe('members of the live view', () => {
  const campaigns = (count: number, minute = 0): readonly Traffic[] =>
    Array.from({ length: count }, (_, i) => ({ minute, campaign: `c${i}`, impressions: 1000 - i, clicks: 10 }))

  it('ranks by impressions; what is not shown by name is "others", and the sum is the total', () => {
    const { boards, totals } = shown(campaigns(14))
    const board = boards['campaign_id']
    assert.ok(board !== undefined)
    assert.deepEqual(
      board.rows.map(({ name }) => name),
      Array.from({ length: 10 }, (_, i) => `c${i}`),
    )
    assert.equal(board.memberCount, 14)
    assert.deepEqual(sumOf([...board.rows.map(({ last }) => last), board.others ?? []]), totals.last)
  })

  it('stays bounded and exact in sum with a new member for every event', () => {
    const view = new LiveView(adPlan, { maxMembers: 40 })
    for (let second = 0; second < 50; second++) {
      view.apply(
        pageChanges([
          { minute: 0, campaign: 'big', impressions: 10 + second },
          ...Array.from({ length: 30 }, (_, i) => ({ minute: 0, campaign: `x${second}-${i}`, impressions: 1 })),
        ]),
      )
    }
    const board = view.snapshot().boards['campaign_id']
    assert.ok(board !== undefined)
    assert.ok(board.memberCount <= 40)
    assert.ok(board.isCapped)
    assert.deepEqual([board.rows[0]?.name, board.rows[0]?.last[0]], ['big', 59])
    assert.deepEqual(sumOf([...board.rows.map(({ last }) => last), board.others ?? []]), view.snapshot().totals.last)
  })

  it('says of a member that may have been given up before that its sums are lower bounds', () => {
    const view = viewOf(campaigns(8), 8)
    assert.equal(
      view.snapshot().boards['campaign_id']?.rows.some(({ isAtLeast }) => isAtLeast),
      false,
    )
    view.apply(pageChanges([{ minute: 1, campaign: 'late comer', impressions: 5000 }]))
    const rows = view.snapshot().boards['campaign_id']?.rows ?? []
    assert.deepEqual(
      rows.filter(({ isAtLeast }) => isAtLeast).map(({ name }) => name),
      ['late comer'],
    )
  })

  it('R3 of ranking: leaves members too small to matter out of charts, and out of boards after the sixth row', () => {
    const small = Array.from({ length: 8 }, (_, i) => ({ minute: 0, campaign: `s${i}`, impressions: 2 }))
    const { charts, boards } = shown([...campaigns(3), ...small])
    assert.deepEqual(
      charts['main']?.members.map(({ name }) => name),
      ['c0', 'c1', 'c2'],
    )
    assert.equal(boards['campaign_id']?.rows.length, 6)
    assert.equal(boards['campaign_id'].others?.[0], 10)
    assert.equal(shown([{ minute: 0, campaign: 'only', impressions: 1 }]).charts['main']?.members.length, 1)
  })

  it('R1 and R2 of ranking: keeps rows in place within a minute, and colours as long as a member is shown', () => {
    const view = viewOf(campaigns(6))
    const members = (): readonly (readonly [string, number])[] =>
      (view.snapshot().charts['main']?.members ?? []).map(({ name, slot }) => [name, slot] as const)
    const first = members()
    view.apply(pageChanges([{ minute: 0, campaign: 'c5', impressions: 5000 }]))
    assert.deepEqual(members(), first)
    view.apply(pageChanges([{ minute: 1, campaign: 'c5', impressions: 1 }]))
    const slots = new Map(first)
    assert.equal(members()[0]?.[0], 'c5')
    for (const [name, slot] of members().slice(1)) assert.equal(slot, slots.get(name))
  })

  it('R2 of ranking: does not swap members of a chart over less than 5 %', () => {
    const view = viewOf(campaigns(6))
    view.snapshot()
    view.apply(
      pageChanges([
        { minute: 0, campaign: 'c5', impressions: 1010 },
        { minute: 1, campaign: 'c0', impressions: 1 },
      ]),
    )
    assert.equal(
      view.snapshot().charts['main']?.members.some(({ name }) => name === 'c5'),
      false,
    )
    assert.equal(view.snapshot().boards['campaign_id']?.rows[0]?.name, 'c5')
  })

  it('stacks what is not named as one more entry', () => {
    const devices = Array.from({ length: 7 }, (_, i) => ({
      minute: 0,
      campaign: 'a',
      device: `d${i}`,
      impressions: 10,
    }))
    const chart = shown(devices).charts['impressions']
    assert.equal(chart?.hasOthers, true)
    assert.deepEqual(
      chart?.rows[NOON_MS]?.map(([impressions]) => impressions),
      [10, 10, 10, 10, 10, 20],
    )
    assert.equal(shown(devices.slice(0, 5)).charts['impressions']?.hasOthers, false)
    const ctr = shown(Array.from({ length: 7 }, (_, i) => ({ minute: 0, campaign: `c${i}`, impressions: 10 }))).charts[
      'main'
    ]
    assert.equal(ctr?.hasOthers, true, 'lines have others too')
  })

  it('N3 of page-data: keeps hostile names as values', () => {
    const names = ['__proto__', 'constructor', '<img onerror=alert(1)>', '你好', 'x'.repeat(512)]
    const data = shown(names.map((campaign, i) => ({ minute: 0, campaign, impressions: 10 - i })))
    assert.deepEqual(
      data.boards['campaign_id']?.rows.map(({ name }) => name),
      names,
    )
  })
})

function sumOf(rows: readonly Values[]): Values {
  return [0, 1, 2].map((index) => rows.reduce((sum, row) => sum + Number(row[index] ?? 0), 0))
}
