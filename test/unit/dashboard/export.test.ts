import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toCsv, toJson } from '../../../dashboard/src/model/export.ts'

describe('what is taken away', () => {
  it('E1: guards texts against spreadsheets, and leaves numbers alone', () => {
    const table = {
      columns: ['name', 'spend'],
      rows: [
        ['=1+1', '-0.500000'],
        ['@x', 2],
        ['a,"b"\n', null],
        ['  +x', true],
      ],
    }
    assert.equal(toCsv(table), '\uFEFFname,spend\r\n\'=1+1,-0.500000\r\n\'@x,2\r\n"a,""b""\n",\r\n\'  +x,true\r\n')
    assert.deepEqual((JSON.parse(toJson(table)) as unknown[])[0], { name: '=1+1', spend: '-0.500000' })
  })
})
