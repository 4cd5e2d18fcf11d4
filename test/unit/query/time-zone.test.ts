import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clockOf, dayStart, daysLater, instantOf, isZone, weekStart } from '../../../src/query/time-zone.ts'

const iso = (timeMs: number): string => new Date(timeMs).toISOString()
const at = (text: string): number => Date.parse(text)

describe('clocks', () => {
  it('knows zones by name only', () => {
    for (const name of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires']) assert.ok(isZone(name), name)
    for (const name of ['', '+02:00', 'Berlin', 'Mars/Olympus']) assert.ok(!isZone(name), name)
  })

  it('begins days by the clock, also on the days it changes', () => {
    const day = (zone: string, time: string): string => iso(dayStart(zone, at(time)))
    assert.equal(day('Europe/Berlin', '2026-03-29T10:00:00Z'), '2026-03-28T23:00:00.000Z')
    assert.equal(day('Europe/Berlin', '2026-03-29T22:00:00Z'), '2026-03-29T22:00:00.000Z')
    assert.equal(day('Europe/Berlin', '2026-10-25T22:30:00Z'), '2026-10-24T22:00:00.000Z')
    assert.equal(day('Europe/Berlin', '2026-10-25T23:00:00Z'), '2026-10-25T23:00:00.000Z')
  })

  it('T1: begins a day later where the clock skips midnight', () => {
    // Beirut: 2026-03-29 00:00 becomes 01:00.
    assert.equal(iso(dayStart('Asia/Beirut', at('2026-03-29T12:00:00Z'))), '2026-03-28T22:00:00.000Z')
    // Apia skipped 2011-12-30 whole.
    assert.equal(iso(instantOf('Pacific/Apia', at('2011-12-30T12:00:00Z'))), '2011-12-30T10:00:00.000Z')
  })

  it('T1: takes the first of two instants that a clock shows twice', () => {
    assert.equal(iso(instantOf('Europe/Berlin', at('2026-10-25T02:30:00Z'))), '2026-10-25T00:30:00.000Z')
  })

  it('begins weeks on Monday', () => {
    assert.equal(iso(weekStart('Europe/Berlin', at('2026-03-29T21:59:59Z'))), '2026-03-22T23:00:00.000Z')
    assert.equal(iso(weekStart('UTC', at('2026-03-30T00:00:00Z'))), '2026-03-30T00:00:00.000Z')
  })

  it('finds the same hour of another day', () => {
    assert.equal(iso(daysLater('Europe/Berlin', at('2026-03-29T10:00:00Z'), -1)), '2026-03-28T11:00:00.000Z')
  })

  it('shows quarters of an hour, and times before 1970', () => {
    assert.equal(iso(clockOf('Asia/Kathmandu', at('2026-01-01T00:00:00.250Z'))), '2026-01-01T05:45:00.250Z')
    assert.equal(iso(clockOf('Europe/Berlin', at('1969-12-31T23:59:59.999Z'))), '1970-01-01T00:59:59.999Z')
  })
})
