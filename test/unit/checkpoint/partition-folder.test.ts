/**
 * Folders of partitions by their invariants N1 and N2.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { partitionFolder } from '../../../src/checkpoint/format/partition-folder.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/checkpoint/partition-folder.test.ts'
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }).filter((text) => text.isWellFormed())

describe('folder of a partition', () => {
  it('stays readable', () => {
    assert.equal(partitionFolder('http/impressions'), 'http%2Fimpressions')
    assert.equal(partitionFolder('traffic/clicks-0'), 'traffic%2Fclicks-0')
    assert.equal(partitionFolder('file/Größe.ndjson'), 'file%2F%47r%C3%B6%C3%9Fe.ndjson')
  })

  it('N1: differs for different names, whatever the case', () => {
    checkProperty(
      fc.property(name, name, (a, b) => {
        const same = partitionFolder(a).toLowerCase() === partitionFolder(b).toLowerCase()
        assert.equal(same, a === b)
      }),
      1_000,
      FILE,
    )
    const [upper, lower] = ['A', 'a'].map((letter) => partitionFolder(letter.repeat(300)).toLowerCase())
    assert.notEqual(upper, lower)
    assert.notEqual(partitionFolder('x'.repeat(140)), partitionFolder('x'.repeat(141)))
    assert.notEqual(partitionFolder(`${'x'.repeat(200)}1`), partitionFolder(`${'x'.repeat(200)}2`))
  })

  it('N2: is a name that any file system takes', () => {
    checkProperty(
      fc.property(name, (text) => assert.match(partitionFolder(text), /^[a-z0-9_%-][a-z0-9._%~A-F-]{0,139}$/)),
      1_000,
      FILE,
    )
    assert.equal(partitionFolder('..'), '%2E.')
  })

  it('refuses what is no name', () => {
    assert.throws(() => partitionFolder(''), RangeError)
    assert.throws(() => partitionFolder('a\ud800'), RangeError)
  })
})
