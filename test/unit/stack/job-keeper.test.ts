/**
 * When a job that its cluster lost is started again, and when it is not.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { scriptHash } from '../../../src/flink/flink-sql.ts'
import { DEFAULT_FLINK_SETTINGS } from '../../../src/flink/settings.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../../src/pipeline/validate.ts'
import { JobKeeper } from '../../../src/stack/jobs/job-keeper.ts'
import { readJobRecord, writeJobRecord, type JobRecord } from '../../../src/stack/jobs/job-records.ts'
import { stateFolders } from '../../../src/stack/jobs/retained-state.ts'
import { lockStarts } from '../../../src/stack/jobs/start-lock.ts'
import { eventually } from '../../support/eventually.ts'

const plan = planOf(adPipeline)
const SAME = scriptHash(plan, DEFAULT_FLINK_SETTINGS)

describe('a job that its cluster lost', () => {
  let home: string
  let server: Server
  let url: string
  let asked: string[] = []
  let emptied: string[] = []
  let jobs: object[] = []

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'tidemark-keeper-'))
    asked = []
    emptied = []
    jobs = []
    // A cluster without jobs, unless a test gives it some, whose gateway takes no statements.
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.statusCode = request.method === 'GET' ? 200 : 500
      response.end(JSON.stringify({ jobs, errors: ['no statements are taken'] }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.close()
    rmSync(home, { recursive: true })
  })

  /** A keeper of one job, which is noted as running. */
  function keeperOf(hash: string, change: Partial<JobRecord>): JobKeeper {
    const cluster = { gatewayUrl: url, jobManagerUrl: url }
    writeJobRecord(home, {
      name: 'tidemark-ads',
      state: 'running',
      jobId: 'lost',
      plan,
      scriptHash: hash,
      settings: DEFAULT_FLINK_SETTINGS,
      usesOwnDatabase: false,
      cluster,
      startedFrom: undefined,
      savepoint: undefined,
      revivals: 0,
      ...change,
    })
    return new JobKeeper({
      home,
      cluster,
      databaseUrl: () => undefined,
      isReady: () => true,
      onChange: () => undefined,
      emptyTables: async ({ name }, { jdbcUrl }) => void emptied.push(`${name} at ${jdbcUrl}`),
    })
  }

  /** What the keeper says of the job, once it says something. */
  async function reasonFor(hash: string, change: Partial<JobRecord> = {}): Promise<string> {
    const keeper = keeperOf(hash, change)
    const running = keeper.run()
    await eventually('the keeper has looked at it', () => keeper.jobs.length > 0)
    const [job] = keeper.jobs
    await keeper.stop()
    await running
    return job?.reason ?? ''
  }

  it('is left alone where this version writes other SQL for it, with the way out (B4)', async () => {
    assert.match(await reasonFor('of another version'), /does not understand its state: .*flink submit --replace/)
    assert.deepEqual(
      asked.filter((request) => request.startsWith('POST')),
      [],
    )
  })

  it('control: is started again where it is the same', async () => {
    assert.match(await reasonFor(scriptHash(plan, DEFAULT_FLINK_SETTINGS)), /cannot be started: .*no statements/)
    assert.ok(asked.includes('POST /v3/sessions'))
  })

  it('is left to whoever is starting a job at present (B7, W1), and started once nobody is', async () => {
    const keeper = keeperOf(SAME, {})
    const lock = lockStarts(home)
    const running = keeper.run()
    try {
      const looks = (): number => asked.filter((request) => request === 'GET /jobs/overview').length
      // Two of each look: for all jobs, and for one of its name before it would be started.
      await eventually('it would have started it', () => looks() >= 3)
      assert.ok(!asked.includes('POST /v3/sessions'))
      assert.throws(() => lockStarts(home), { code: 'FLINK_BUSY' })
      lock.release()
      await eventually('it starts it', () => asked.includes('POST /v3/sessions'))
    } finally {
      lock.release()
      await keeper.stop()
      await running
    }
  })

  it('is started again beside one whose record cannot be read, which is told (B8)', async () => {
    const keeper = keeperOf(SAME, {})
    writeFileSync(join(home, 'jobs', 'a-broken.json'), '{')
    const running = keeper.run()
    await eventually('it starts the other', () => asked.includes('POST /v3/sessions'))
    await eventually('it says of both', () => keeper.jobs.length === 2)
    const reasons = Object.fromEntries(keeper.jobs.map(({ name, reason }) => [name, reason]))
    await keeper.stop()
    await running
    assert.match(reasons['a-broken'] ?? '', /record .* cannot be read: .*Nobody starts it again: .*submit --replace/)
    assert.match(reasons['tidemark-ads'] ?? '', /its job manager lost it/)
  })

  it('begins with its topics into emptied tables where it left no state (B2)', async () => {
    await reasonFor(scriptHash(plan, DEFAULT_FLINK_SETTINGS))
    assert.deepEqual(emptied, [`ads at ${DEFAULT_FLINK_SETTINGS.jdbcUrl}`])
  })

  it('control: goes on from its checkpoint beside what is in them', async () => {
    const checkpoint = join(stateFolders(home).checkpoints, 'lost', 'chk-1')
    mkdirSync(checkpoint, { recursive: true })
    writeFileSync(join(checkpoint, '_metadata'), '')
    await reasonFor(scriptHash(plan, DEFAULT_FLINK_SETTINGS))
    assert.ok(asked.includes('POST /v3/sessions'))
    assert.deepEqual(emptied, [])
  })

  it('is left alone where a checkpoint was seen and none is there, with the way out (B6)', async () => {
    assert.match(await reasonFor(SAME, { hasLeftState: true }), /are gone: .*flink submit --replace/)
    assert.ok(!asked.includes('POST /v3/sessions'))
    assert.deepEqual(emptied, [])
  })

  it('is left alone where its checkpoints cannot be read (B6)', async () => {
    mkdirSync(stateFolders(home).checkpoints, { recursive: true })
    writeFileSync(join(stateFolders(home).checkpoints, 'lost'), 'no folder')
    assert.match(await reasonFor(SAME), /cannot be started: What Flink has kept of the job cannot be read: ENOTDIR/)
    assert.deepEqual(emptied, [])
  })

  it('is noted to have left a state while it runs (B6), and stopped where that cannot be read', async () => {
    jobs = [{ jid: 'lost', name: 'tidemark-ads', state: 'RUNNING', 'start-time': 1 }]
    const keeper = keeperOf(SAME, {})
    const running = keeper.run()
    const checkpoints = join(stateFolders(home).checkpoints, 'lost')
    try {
      await eventually('it has looked twice', () => asked.length >= 2)
      assert.equal(readJobRecord(home, 'tidemark-ads')?.hasLeftState, undefined, 'control: there is none yet')
      mkdirSync(join(checkpoints, 'chk-1'), { recursive: true })
      writeFileSync(join(checkpoints, 'chk-1', '_metadata'), '')
      await eventually('it is noted', () => readJobRecord(home, 'tidemark-ads')?.hasLeftState === true)
      rmSync(checkpoints, { recursive: true })
      writeFileSync(checkpoints, 'no folder')
    } finally {
      await keeper.stop()
      await running
    }
    assert.equal(readJobRecord(home, 'tidemark-ads')?.state, 'stopped')
    assert.equal(readJobRecord(home, 'tidemark-ads')?.hasLeftState, true)
  })
})
