import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TidemarkError } from '../../../src/errors.ts'
import {
  DEFAULT_TRAFFIC,
  standardRate,
  TRAFFIC_PRESETS,
  trafficSettings,
  type TrafficSettings,
} from '../../../src/traffic/settings.ts'

function problemsOf(changes: Partial<TrafficSettings>): string {
  try {
    trafficSettings(changes)
  } catch (error) {
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'USAGE')
    return error.message
  }
  assert.fail('the settings were accepted')
}

test('the defaults and all presets are sound', () => {
  assert.deepEqual(trafficSettings(), DEFAULT_TRAFFIC)
  for (const preset of Object.values(TRAFFIC_PRESETS)) trafficSettings(preset)
})

test('S1: one error names every problem with the value given and the values allowed', () => {
  const message = problemsOf({ campaigns: 0, rate: NaN, partitions: 1.5, clickBoostMin: 2, seed: -1 })
  for (const part of [
    'campaigns is 0 (allowed: a whole number from 1 to 100000)',
    'rate is NaN (allowed: a number from 0.01 to 1000000)',
    'partitions is 1.5',
    'seed is -1',
    'clickBoostMin 2 is above clickBoostMax 1.5',
  ])
    assert.ok(message.includes(part), `${part}\nis not in\n${message}`)
})

test('shares must leave room for ordinary traffic', () => {
  assert.match(problemsOf({ duplicates: 0.5, orphans: 0.4 }), /together are 0\.9 \(allowed: up to 0\.8\)/)
  assert.match(problemsOf({ repeats: 0.1, clickRatio: 0 }), /no click to repeat/)
  assert.match(problemsOf({ late: 0.6 }), /late is 0\.6/)
})

test('a standard log spans an hour', () => {
  assert.equal(Math.round((standardRate(10_000_000) * 3_600) / 0.95), 10_000_000)
})
