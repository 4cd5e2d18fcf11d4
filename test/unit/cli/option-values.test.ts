/**
 * Values of options: every form accepted, every other refused with the allowed form.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  byteCount,
  byteCountFrom,
  durationBetween,
  durationMs,
  instant,
  instantOrAgo,
  pathOf,
  port,
  serverUrl,
  share,
  wholeNumber,
} from '../../../src/cli/option-values.ts'

describe('option values', () => {
  it('reads durations', () => {
    assert.deepEqual(['0s', '250ms', '5s', '30m', '96h'].map(durationMs), [0, 250, 5_000, 1_800_000, 345_600_000])
    for (const bad of ['', '5', '1.5s', '-5s', '5 s', '5sec', '9999999d'])
      assert.throws(() => durationMs(bad), /Allowed: a whole number and a unit/, bad)
  })

  it('reads shares', () => {
    assert.deepEqual(['2%', '0.02', '.5', '0', '100%', '1', '0.5%'].map(share), [0.02, 0.02, 0.5, 0, 1, 1, 0.005])
    for (const bad of ['', '%', '2', '101%', '-1%', '2%%', 'NaN', '1e-2'])
      assert.throws(() => share(bad), /Allowed: 0% to 100%/, bad)
  })

  it('reads bytes, by thousands and by powers of two', () => {
    assert.deepEqual(['1', '1kB', '1.5GB', '4GiB', '512 MiB'].map(byteCount), [1, 1e3, 1.5e9, 2 ** 32, 2 ** 29])
    for (const bad of ['', '0', '-1', '4G', '4gib', 'GB']) assert.throws(() => byteCount(bad), /Allowed: bytes as/, bad)
    assert.equal(byteCountFrom(4e8)('400MB'), 4e8)
    assert.throws(() => byteCountFrom(4e8)('399MB'), /Allowed: 400MB or more/)
  })

  it('reads whole numbers and ports', () => {
    const count = wholeNumber(1, 2_000_000)
    assert.deepEqual(['1', '1_000_000', '2000000'].map(count), [1, 1_000_000, 2_000_000])
    for (const bad of ['0', '2000001', '1.5', '1e3', '', '1_00', '0x10'])
      assert.throws(() => count(bad), /Allowed: a whole number from 1 to 2000000/, bad)
    assert.deepEqual(['0', '65535'].map(port), [0, 65_535])
    assert.throws(() => port('65536'), /0 to 65535/)
  })
})

it('a duration out of its range is refused with the range', () => {
  const parse = durationBetween(100, 60_000)
  assert.deepEqual([parse('100ms'), parse('1m')], [100, 60_000])
  for (const text of ['0s', '99ms', '61s', '366d']) assert.throws(() => parse(text), /Allowed: 100ms to 1m\./)
  assert.throws(() => parse('5'), /Allowed: 100ms to 1m\. \(Did you mean 5s\?\)/)
})

it('an empty path is refused, which would mean the folder of the command', () => {
  assert.deepEqual(['tables', '/a b', '-'].map(pathOf), ['tables', '/a b', '-'])
  for (const text of ['', 'a\0b']) assert.throws(() => pathOf(text), /Allowed: a path\./)
})

it('the address of a server is one that a path can be put after', () => {
  const good = [
    'http://localhost:4400',
    'http://localhost:4400/',
    'https://ads.example/tidemark//',
    'http://[::1]:4400',
  ]
  assert.deepEqual(good.map(serverUrl), [
    'http://localhost:4400',
    'http://localhost:4400',
    'https://ads.example/tidemark',
    'http://[::1]:4400',
  ])
  for (const text of ['', 'localhost:4400', 'ftp://h', 'http://h?x=1', 'http://h/#top'])
    assert.throws(() => serverUrl(text), /Allowed: http or https/, text)
})

it('a time has its zone, or is so long ago; a bare number is neither', () => {
  const noonMs = Date.UTC(2026, 0, 1, 12)
  const texts = ['2026-01-01T12:00:00Z', '2026-01-01T13:00:00.000+01:00']
  assert.deepEqual([...texts.map(instant), ...texts.map(instantOrAgo)], Array(4).fill(noonMs))
  const agoMs = Date.now() - instantOrAgo('30m')
  assert.ok(agoMs >= 1_800_000 && agoMs < 1_860_000, `${agoMs}`)
  for (const text of ['', '12', '2026', '2026-01-01', '2026-01-01T12:00:00', '2026-13-01T12:00:00Z', 'yesterday']) {
    assert.throws(() => instant(text), /Allowed: ISO-8601 with a zone/, text)
    assert.throws(() => instantOrAgo(text), /Allowed: a time with its zone/, text)
  }
  assert.throws(() => instant('30m'), /Allowed/)
})
