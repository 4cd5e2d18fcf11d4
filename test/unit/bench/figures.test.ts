import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerOfPeer, answerOfTable, requireSameAnswer } from '../../../bench/harness/answers.ts'
import { figureTable, formatNumber, isMet, median, type Figure } from '../../../bench/harness/figure.ts'
import { sectionOf, withSection } from '../../../bench/harness/results.ts'

const rate: Figure = {
  name: 'rate',
  values: [2_400_000, 1_900_000, 2_100_000],
  unit: 'events/s',
  target: { atLeast: 2e6 },
  command: 'node a.ts',
}

describe('figures', () => {
  it('are medians', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
    assert.equal(median([7]), 7)
    assert.ok(Number.isNaN(median([])))
  })

  it('reach their target or miss it, at the border too', () => {
    assert.equal(isMet(rate), true)
    assert.equal(isMet({ ...rate, target: { atLeast: 2_100_000 } }), true)
    assert.equal(isMet({ ...rate, target: { atLeast: 2_100_001 } }), false)
    assert.equal(isMet({ ...rate, target: { atMost: 2_100_000 } }), true)
    assert.equal(isMet({ ...rate, target: { atMost: 2_000_000 } }), false)
    assert.equal(isMet({ ...rate, values: [NaN] }), false)
  })

  it('are written with the digits that mean something', () => {
    const texts = [2_134_567, 78_160.4, 123.4, 48.23, 1.934, 0.00123, 12, 0, NaN].map(formatNumber)
    assert.deepEqual(texts, ['2,135,000', '78,160', '123', '48.2', '1.93', '0.00123', '12', '0', '?'])
  })

  it('stand in a table', () => {
    assert.equal(
      figureTable([rate, { name: 'ms', values: [4], unit: 'ms', note: 'once', command: '' }]),
      [
        '| figure | median             | least to most               | target      |      |',
        '| ------ | ------------------ | --------------------------- | ----------- | ---- |',
        '| rate   | 2,100,000 events/s | 1,900,000 to 2,400,000 in 3 | ≥ 2,000,000 | met  |',
        '| ms     | 4 ms               |                             |             | once |',
      ].join('\n'),
    )
    assert.match(figureTable([{ ...rate, values: [1] }]), /MISSED/)
  })
})

describe('the results', () => {
  const section = (name: string, values: readonly number[]): string =>
    sectionOf({ name, title: `Part ${name}`, circumstances: 'today', figures: [{ ...rate, values }] })

  it('take a new section at the end and replace an old one in its place', () => {
    const both = ['a', 'b'].reduce((text, name) => withSection(text, name, section(name, [1])), '# Results\n')
    const noted = both.replace('<!-- /bench:a -->', '<!-- /bench:a -->\n\nWhat limits a.')
    const again = withSection(noted, 'a', section('a', [3_000_000]))
    assert.equal(again, noted.replace(section('a', [1]), section('a', [3_000_000])))
    assert.ok(again.indexOf('bench:a') < again.indexOf('What limits a.'))
    assert.ok(again.indexOf('What limits a.') < again.indexOf('bench:b'))
    assert.equal(withSection(again, 'a', section('a', [3_000_000])), again)
  })

  it('name the command of every figure, once', () => {
    assert.equal(section('a', [1]).match(/^node a\.ts$/gm)?.length, 1)
    assert.match(section('a', [1]), /^npm run bench -- a$/m)
  })
})

describe('answers', () => {
  const table =
    'campaign_id,window_start,window_end,impressions,clicks,ctr,is_final\n' +
    'b,1970-01-01T00:01:00.000Z,1970-01-01T00:02:00.000Z,3,0,0,true\n' +
    'a,1970-01-01T00:00:00.000Z,1970-01-01T00:01:00.000Z,7,2,0.28,true\n'
  const ours = answerOfTable(table)

  it('are the same in any order of rows', () => {
    assert.deepEqual(ours, ['0,a,7,2', '60000,b,3,0'])
    requireSameAnswer('peer', ours, answerOfPeer('60000,b,3,0\n0,a,7,2\n'))
  })

  it('control: one click, one row too few or too many is another answer', () => {
    for (const theirs of ['60000,b,3,0\n0,a,7,1\n', '0,a,7,2\n', '0,a,7,2\n60000,b,3,0\n9,c,1,0\n', ''])
      assert.throws(() => requireSameAnswer('peer', ours, answerOfPeer(theirs)), /peer has another answer/)
  })
})
