import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainArray, textArray } from '../../../src/sinks/postgres/array-literal.ts'

const textsOf = (...texts: string[]): string => textArray(texts.length, (i) => texts[i] ?? '')

describe('array literals', () => {
  it('Y1: quote every text and escape what would end it', () => {
    assert.equal(textsOf(), '{}')
    assert.equal(textsOf('a', 'b'), '{"a","b"}')
    assert.equal(textsOf('', 'NULL', ' a ', 'a,b', '{}'), '{"","NULL"," a ","a,b","{}"}')
    assert.equal(textsOf('"', '\\', '\\"'), String.raw`{"\"","\\","\\\""}`)
  })

  it('write plain values as they are, and null as NULL', () => {
    const values = [1, -0.5, null, true, '1.500000', 5e-324]
    assert.equal(
      plainArray(0, () => 1),
      '{}',
    )
    assert.equal(
      plainArray(values.length, (i) => values[i] ?? null),
      '{1,-0.5,NULL,true,1.500000,5e-324}',
    )
  })
})
