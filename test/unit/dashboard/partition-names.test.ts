import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { partitionName, partitionNames } from '../../../dashboard/src/model/partition-names.ts'
import { partition } from '../../support/pipeline-status.ts'

describe('names of partitions', () => {
  const named = (...names: readonly string[]): readonly string[] =>
    partitionNames(
      names.map((name) => ({ stream: name.includes('impressions') ? ('impressions' as const) : 'clicks', name })),
    )

  it('leave the source out where there is only one', () => {
    assert.deepEqual(named('ads/impressions-0', 'ads/clicks-0', 'ads/clicks-12'), [
      'partition 0 of impressions',
      'partition 0 of clicks',
      'partition 12 of clicks',
    ])
    assert.deepEqual(named('http/impressions', 'http/clicks'), ['impressions', 'clicks'])
  })

  it('say it where it tells two apart, and all there is where that is not enough', () => {
    assert.deepEqual(named('http/clicks', 'simulated-traffic/clicks-1'), ['clicks from http', 'partition 1 of clicks'])
    assert.deepEqual(named('a/clicks-1', 'b/clicks-1'), [
      'partition 1 of clicks from a',
      'partition 1 of clicks from b',
    ])
    assert.deepEqual(named('logs/a.ndjson', 'logs/b.ndjson'), ['clicks from a.ndjson', 'clicks from b.ndjson'])
    assert.deepEqual(named('x/a.ndjson', 'y/a.ndjson'), ['clicks: x/a.ndjson', 'clicks: y/a.ndjson'])
  })

  it('are never the same for two, whichever there are', () => {
    const all = ['a/clicks', 'a/clicks-1', 'b/clicks-1', 'b/clicks', 'x/c', 'y/c', 'c', 'clicks-1']
    for (let chosen = 0; chosen < 2 ** all.length; chosen++) {
      const names = all.filter((_, index) => (chosen >> index) % 2 === 1)
      assert.equal(new Set(named(...names)).size, names.length, names.join(' '))
    }
  })

  it('give a name by its full one, and that itself where it is of none', () => {
    const partitions = [partition({ name: 'ads/impressions-3' })]
    assert.equal(partitionName(partitions, 'ads/impressions-3'), 'partition 3 of impressions')
    assert.equal(partitionName(partitions, 'gone/impressions-3'), 'gone/impressions-3')
  })
})
