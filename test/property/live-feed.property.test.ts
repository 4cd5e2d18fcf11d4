/**
 * Whoever follows the patches sees what a newcomer sees, whatever happens in between.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { LiveFeed } from '../../src/server/live-feed.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { applyPatch } from '../../src/server/merge-patch.ts'
import type { PageData, PatchMessage, SnapshotMessage } from '../../src/server/page-data.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { checkProperty } from '../support/check-property.ts'
import { adPlan, NOON_MS, pageChanges, type Traffic } from '../support/page-changes.ts'
import { healthyStatus } from '../support/pipeline-status.ts'

const FILE = 'test/property/live-feed.property.test.ts'

const traffic: fc.Arbitrary<Traffic> = fc.record({
  minute: fc.integer({ min: -200, max: 20 }),
  campaign: fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string({ maxLength: 3 })),
  device: fc.constantFrom('mobile', 'desktop', 'tablet'),
  impressions: fc.nat(1_000),
  clicks: fc.nat(20),
  micros: fc.bigInt(0n, 10n ** 16n),
  clickDelay: fc.integer({ min: -1, max: 30 }),
})

const second = fc.record({
  changes: fc.array(traffic, { maxLength: 8 }),
  waitMs: fc.integer({ min: 0, max: 5 * MINUTE_MS }),
})

/** Plays the seconds and gives what a follower has at the end, made of patches by `apply`, and a fresh snapshot. */
function follow(
  seconds: readonly { changes: readonly Traffic[]; waitMs: number }[],
  apply: (data: PageData, patch: object) => PageData,
): readonly [followed: PageData, fresh: PageData] {
  let nowMs = NOON_MS
  const view = new LiveView(adPlan, { maxMembers: 6 })
  const status = (): ReturnType<typeof healthyStatus> => healthyStatus({ nowMs, watermarkMs: nowMs - 6_000 })
  const feed = new LiveFeed({ view, status, nowMs: () => nowMs, instance: 'test' })
  let data = (JSON.parse(feed.snapshot().text) as SnapshotMessage).data
  for (const { changes, waitMs } of seconds) {
    view.apply(pageChanges(changes))
    nowMs += waitMs
    const message = JSON.parse(feed.tick().text) as PatchMessage
    if (message.data !== undefined) data = apply(data, message.data)
  }
  return [data, (JSON.parse(feed.snapshot().text) as SnapshotMessage).data]
}

it('F1, and M1 of merge-patch: patches applied to a snapshot are a fresh snapshot', () => {
  const property = fc.property(fc.array(second, { maxLength: 12 }), (seconds) => {
    const [followed, fresh] = follow(seconds, applyPatch)
    assert.deepEqual(followed, fresh)
  })
  checkProperty(property, 150, FILE)
})

it('control: a follower that drops removals is caught', () => {
  const keepRemoved = (data: PageData, patch: object): PageData =>
    applyPatch(data, JSON.parse(JSON.stringify(patch, (_, value: unknown) => value ?? undefined)) as object)
  const seconds = [
    { changes: [{ minute: -50, campaign: 'a', impressions: 1 }], waitMs: 0 },
    { changes: [], waitMs: 30 * MINUTE_MS },
  ]
  const [followed, fresh] = follow(seconds, keepRemoved)
  assert.notDeepEqual(followed, fresh)
})
