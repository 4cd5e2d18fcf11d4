/**
 * `tidemark flink resume` and `submit --replace` where tables must not be emptied (F2 of `flink-job.ts`, J3 of
 * `jobs.ts`): a cluster that says which jobs run, and a real PostgreSQL.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { withConnection } from '../../src/database/connection.ts'
import { migrate, tablesWithRows } from '../../src/database/migrate.ts'
import { identify } from '../../src/database/process-identity.ts'
import { scriptHash } from '../../src/flink/flink-sql.ts'
import { jdbcAddress } from '../../src/flink/job/jdbc-address.ts'
import { startJob } from '../../src/flink/job/jobs.ts'
import { DEFAULT_FLINK_SETTINGS } from '../../src/flink/settings.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { writeJobRecord, type JobRecord } from '../../src/stack/jobs/job-records.ts'
import { portsFrom, stackHome } from '../../src/stack/settings.ts'
import { writeState } from '../../src/stack/state-file.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const BUSY = 69
const MISSING = 66
const plan = planOf(adPipeline)

describe('tables of a job on Flink', () => {
  let postgres: TestPostgres
  before(async () => (postgres = await startTestPostgres()))
  after(async () => postgres.stop())

  let dataDir: string
  let server: Server
  let clusterUrl: string
  let databaseUrl: string
  let jobs: readonly object[]
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tidemark-busy-'))
    jobs = [{ jid: 'j1', name: 'tidemark-ads', state: 'RUNNING', 'start-time': 1 }]
    server = createServer((request, response) => {
      response.statusCode = request.method === 'GET' ? 200 : 500
      response.end(JSON.stringify({ jobs, errors: ['no statements are taken'] }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    clusterUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    databaseUrl = await postgres.createDatabase()
    await withConnection({ url: databaseUrl, applicationName: 'test' }, async (client) => migrate(client, plan))
    const values = `('impressions', '2026-01-01T00:00:00Z', 'counted', 3, now())`
    await runSql(databaseUrl, `insert into ledger (stream, window_start, class, events, updated_at) values ${values}`)
  })
  afterEach(() => {
    server.close()
    rmSync(dataDir, { recursive: true })
  })

  const filled = async (): Promise<readonly string[]> =>
    withConnection({ url: databaseUrl, applicationName: 'test' }, async (client) => tablesWithRows(client, plan))

  /** A job that was submitted from this folder, and of which nothing was seen since. */
  function submitted(change: Partial<JobRecord> = {}): void {
    const settings = { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(databaseUrl), brokers: '127.0.0.1:1' }
    writeJobRecord(stackHome(dataDir), {
      name: 'tidemark-ads',
      state: 'running',
      jobId: 'j1',
      plan,
      scriptHash: scriptHash(plan, settings),
      settings,
      usesOwnDatabase: false,
      cluster: { gatewayUrl: clusterUrl, jobManagerUrl: clusterUrl },
      startedFrom: undefined,
      savepoint: undefined,
      revivals: 0,
      ...change,
    })
  }

  /** Says that a stack runs whose job manager is the one of these tests. */
  function stackRuns(): void {
    const home = stackHome(dataDir)
    const supervisor = identify(process.pid)
    assert.ok(supervisor !== undefined)
    mkdirSync(home, { recursive: true })
    const ports = portsFrom(1, Number(new URL(clusterUrl).port))
    const settings = { home, cacheDir: home, groups: ['flink' as const], ports, taskManagerHeapMb: 1, dataDir }
    writeState(home, { supervisor, settings, parts: [], jobs: [], databaseUrl: undefined, failure: undefined })
  }

  async function flink(...args: readonly string[]): Promise<Ended> {
    const all = ['flink', ...args, '--data-dir', dataDir]
    return runProgram(process.execPath, [join(ROOT, 'src', 'cli', 'main.ts'), ...all], { cwd: ROOT })
  }

  it('keep their rows where resume finds the job running before its first checkpoint', async () => {
    stackRuns()
    submitted()
    const { code, stderr } = await flink('resume')
    assert.equal(code, BUSY, stderr)
    assert.match(stderr, /"tidemark-ads" runs already/)
    assert.doesNotMatch(stderr, /left no checkpoint/)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('keep their rows where it runs on a cluster whose checkpoints are elsewhere', async () => {
    submitted()
    const { code, stderr } = await flink('resume', '--job-manager-url', clusterUrl)
    assert.equal(code, BUSY, stderr)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('keep their rows where a job on such a cluster was stopped without a savepoint, with the way out', async () => {
    submitted({ state: 'stopped' })
    jobs = []
    const { code, stderr } = await flink('resume', '--job-manager-url', clusterUrl)
    assert.equal(code, MISSING, stderr)
    assert.match(stderr, /No savepoint .* is recorded, and what Flink at http.* keeps of it is not known here/)
    assert.match(stderr, /flink submit --replace --data-dir/)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('keep their rows where resume is told of another cluster than the one that the job ran on', async () => {
    stackRuns()
    submitted({ cluster: { gatewayUrl: 'http://127.0.0.1:2', jobManagerUrl: 'http://127.0.0.1:2' } })
    jobs = []
    const { code, stderr } = await flink('resume')
    assert.equal(code, MISSING, stderr)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('keep their rows where checkpoints were seen and are gone', async () => {
    stackRuns()
    submitted({ state: 'stopped', hasLeftState: true })
    jobs = []
    const { code, stderr } = await flink('resume')
    assert.equal(code, MISSING, stderr)
    assert.match(stderr, /which were there, are gone/)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('keep their rows where submit --replace finds the job running', async () => {
    const to = ['--job-manager-url', clusterUrl, '--database-url', databaseUrl, '--brokers', '127.0.0.1:1']
    const { code, stderr } = await flink('submit', '--replace', ...to)
    assert.equal(code, BUSY, stderr)
    assert.deepEqual(await filled(), ['ledger'])
  })

  it('are prepared once no job runs, and before Flink is asked for one (J3)', async () => {
    let prepared = 0
    const cluster = { gatewayUrl: clusterUrl, jobManagerUrl: clusterUrl }
    const start = async (): Promise<string> =>
      startJob(cluster, plan, DEFAULT_FLINK_SETTINGS, {
        signal: AbortSignal.timeout(10_000),
        prepare: async () => void prepared++,
      })
    await assert.rejects(start(), /runs already/)
    assert.equal(prepared, 0)
    jobs = []
    await assert.rejects(start(), /no statements are taken/)
    assert.equal(prepared, 1, 'control')
  })
})
