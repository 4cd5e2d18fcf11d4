/**
 * What is known of Flink's jobs on this machine: their records, and the state from which each can go on.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { DEFAULT_FLINK_SETTINGS } from '../../../src/flink/settings.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../../src/pipeline/validate.ts'
import {
  readJobRecord,
  readJobRecords,
  unreadableRecords,
  writeJobRecord,
  type JobRecord,
} from '../../../src/stack/jobs/job-records.ts'
import { isCheckpoint, newestState } from '../../../src/stack/jobs/retained-state.ts'

const RECORD: JobRecord = {
  name: 'tidemark-ads',
  state: 'running',
  jobId: 'a1b2c3d4e5f6',
  plan: planOf(adPipeline),
  scriptHash: 'h',
  settings: { ...DEFAULT_FLINK_SETTINGS, password: 'secret' },
  usesOwnDatabase: true,
  cluster: { gatewayUrl: 'http://127.0.0.1:8083', jobManagerUrl: 'http://127.0.0.1:8081' },
  startedFrom: 'file:/earlier',
  savepoint: undefined,
  revivals: 0,
}

describe('records of jobs', () => {
  let home: string
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'tidemark-jobs-'))))
  afterEach(() => rmSync(home, { recursive: true }))

  it('are read as they were written, for their owner only (R2)', () => {
    assert.deepEqual(readJobRecords(home), [])
    writeJobRecord(home, RECORD)
    writeJobRecord(home, { ...RECORD, revivals: 1 })
    const plain = JSON.parse(JSON.stringify({ ...RECORD, revivals: 1 })) as JobRecord
    assert.deepEqual(readJobRecord(home, RECORD.name), plain)
    assert.equal(readJobRecord(home, 'another'), undefined)
    assert.equal(statSync(join(home, 'jobs', 'tidemark-ads.json')).mode & 0o777, 0o600)
  })

  it('are read beside one that cannot be (R4)', () => {
    writeJobRecord(home, RECORD)
    for (const [name, text] of [
      ['empty', ''],
      ['cut', '{"name":"cut","sta'],
      ['list', '[]'],
      ['other', JSON.stringify({ ...RECORD, name: 'other', state: 'lost' })],
    ] as const)
      writeFileSync(join(home, 'jobs', `${name}.json`), text)
    assert.deepEqual(
      readJobRecords(home).map(({ name }) => name),
      [RECORD.name],
    )
    assert.deepEqual(
      unreadableRecords(home)
        .map(({ name }) => name)
        .toSorted(),
      ['cut', 'empty', 'list', 'other'],
    )
    assert.equal(readJobRecord(home, RECORD.name)?.jobId, RECORD.jobId)
    assert.throws(() => readJobRecord(home, 'cut'), {
      code: 'INPUT_CORRUPT',
      message: /record of the job "cut" cannot be read: .*JSON/,
      fix: /flink submit --replace/,
    })
  })

  /** A state as Flink leaves it, written at a time; unfinished without `_metadata`. */
  function state(path: string, atS: number, isWhole = true): void {
    mkdirSync(join(home, 'flink', path), { recursive: true })
    if (!isWhole) return
    writeFileSync(join(home, 'flink', path, '_metadata'), '')
    utimesSync(join(home, 'flink', path, '_metadata'), atS, atS)
  }

  it('are not without a state where it cannot be seen (T2)', () => {
    assert.equal(newestState(home, { ...RECORD, startedFrom: undefined }), undefined, 'control: no folder, no state')
    mkdirSync(join(home, 'flink', 'checkpoints'), { recursive: true })
    writeFileSync(join(home, 'flink', 'checkpoints', RECORD.jobId), 'no folder')
    assert.throws(() => newestState(home, RECORD), /What Flink has kept of the job cannot be read: ENOTDIR/)
  })

  it('go on from the newest state that is whole (T1)', () => {
    assert.equal(newestState(home, RECORD), 'file:/earlier', 'without one, from where it began')
    state(`checkpoints/${RECORD.jobId}/chk-9`, 100)
    state(`checkpoints/${RECORD.jobId}/chk-10`, 200)
    state(`checkpoints/${RECORD.jobId}/chk-11`, 300, false)
    state('checkpoints/another/chk-12', 400)
    const newest = newestState(home, RECORD) ?? ''
    assert.match(newest, /\/chk-10$/)
    assert.ok(isCheckpoint(home, newest))
    state('savepoints/savepoint-a1b2c3-77', 250)
    state('savepoints/savepoint-ffffff-78', 500)
    const savepoint = newestState(home, RECORD) ?? ''
    assert.match(savepoint, /\/savepoint-a1b2c3-77$/)
    assert.ok(!isCheckpoint(home, savepoint), 'a savepoint is never given to Flink to remove')
    assert.equal(newestState(home, { ...RECORD, savepoint: 'file:/given' }), 'file:/given')
  })
})
