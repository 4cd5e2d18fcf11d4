/**
 * A second instance is started beside one that runs: on the same folder, on the same database with another folder, and
 * on a copy of the folder while the first one is stopped. Only one ever writes; whoever was overtaken ends as fenced.
 */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { assertControls, assertExact } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

const ownerOf = async (url: string): Promise<string | null | undefined> =>
  (await runSql(url, 'select owner from tidemark_meta'))[0]?.[0]

describe('a second instance', () => {
  it('on the same folder is refused, and the first one goes on', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await rig.start()
    await rig.count(10)
    const owner = await ownerOf(rig.url)
    const second = rig.spawn()
    assert.deepEqual(await second.ended, { code: EXIT.unavailable, signal: null })
    assert.match(second.stderr, /DATA_DIR_BUSY.*in use by process \d+/)
    assert.equal(await ownerOf(rig.url), owner)
    await rig.count(10)
    await rig.end()
    await assertExact(rig)
  })

  it('on the same database with another folder is refused, and the first one goes on', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await rig.start()
    await rig.count(10)
    const owner = await ownerOf(rig.url)
    const second = new ServiceProcess(newFolder(context), { databaseUrl: rig.url })
    afterwards(context, () => second.signal('SIGKILL'))
    assert.deepEqual(await second.ended, { code: EXIT.configuration, signal: null })
    assert.match(second.stderr, /DATABASE_OTHER_FOLDER/)
    assert.equal(await ownerOf(rig.url), owner)
    await rig.count(10)
    await rig.end()
    await assertExact(rig)
  })

  it('on a copy of the folder, while the first is stopped, takes over; the first, continued, is fenced', async (context) => {
    const url = await postgres.createDatabase()
    const first = new ServiceRig({ context, seed, url })
    await first.start()
    await first.count(20)
    first.service.signal('SIGSTOP')
    await eventually('it stands still', () => first.service.isStopped)
    const dataDir = join(newFolder(context), 'copy')
    cpSync(first.dataDir, dataDir, { recursive: true })
    const owner = await ownerOf(url)

    const overtaker = new ServiceRig({ context, seed: seed + 1, url, dataDir })
    await overtaker.start()
    assert.notEqual(await ownerOf(url), owner, 'control: it was overtaken')
    await eventually('the overtaker writes', async () => (await overtaker.status()).epoch > 0)
    const overtakenBy = await ownerOf(url)

    first.service.signal('SIGCONT')
    assert.deepEqual(await first.service.ended, { code: EXIT.fenced, signal: null }, first.service.stderr)
    assert.match(first.service.stderr, /FENCED.*taken over by/)
    assert.equal(await ownerOf(url), overtakenBy)
    await overtaker.end()
    // What the first one was sent is in the copy, and all of it in the tables, once.
    const judged = { truth: first.truth, dataDir, url, replay: first.replay }
    await assertExact(judged)
    await assertControls(judged)
  })

  it('control: stopped and continued without another, it goes on', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await rig.start()
    await rig.count(10)
    rig.service.signal('SIGSTOP')
    await eventually('it stands still', () => rig.service.isStopped)
    rig.service.signal('SIGCONT')
    await rig.count(10)
    await rig.end()
    await assertExact(rig)
  })
})
