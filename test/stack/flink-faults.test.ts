/**
 * What can die while Flink fills the tables: after each fault they hold exactly what the recount of the topics says.
 *
 * One job lives through all of it. Each fault is shown to have happened; a control shows that the comparison can fail.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { isRunning } from '../../src/database/process-identity.ts'
import { findJob } from '../../src/flink/job/jobs.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import { readState } from '../../src/stack/state-file.ts'
import { trafficSettings } from '../../src/traffic/settings.ts'
import { FaultRig, rowsBefore } from '../support/fault-rig.ts'
import { tablesIn } from '../support/flink-driver.ts'
import { STACK_TEST, stackMissing, startTestStack, type TestStack } from '../support/stack.ts'
import { linesOf, makeTrafficLog } from '../support/traffic-log.ts'

/** A table of either axis and the ledger: every step of the job, at half the time to plan it. */
const DEFINITION = { extends: 'ads', name: 'faults', tables: { engagement_by_device: null, performance: null } }
const plan = planOf(DEFINITION)
/** What does not run everywhere: in most of it Flink plans its job again. */
const LONG = { ...STACK_TEST, skip: stackMissing({ isForLong: true }) }
const EVENTS = 24_000
/**
 * The server is killed again and again: what the task manager saw last may be its death, its absence or its recovery.
 */
const DATABASE_IS_AWAY =
  /^it ended with code \d+: .*(?:refused|terminat|connection|I\/O|EOF|the database system is (?:starting up|in recovery))/i
const SLICES = 12

describe('faults on Flink', { ...STACK_TEST, skip: stackMissing() }, () => {
  let stack: TestStack
  let rig: FaultRig
  let endMs: number

  before(async () => {
    stack = await startTestStack(['kafka', 'flink', 'postgres'])
    const settings = trafficSettings({ seed: 11, partitions: 4, disorderMs: 5_000, duplicates: 0.05, repeats: 0.05 })
    const { partitions } = makeTrafficLog(plan, { ...settings, orphans: 0.03, rate: 10 }, EVENTS, { withTruth: false })
    rig = new FaultRig(
      stack,
      plan,
      partitions.map(({ stream, bytes }) => ({ stream, lines: linesOf(bytes) })),
      SLICES,
    )
    endMs = settings.startMs + (EVENTS / 10) * 1_000
    writeFileSync(rig.definitionFile, JSON.stringify(DEFINITION))
    await rig.command('flink', 'submit')
    await rig.send()
  }, STACK_TEST)
  after(async () => stack.stop())

  it('control: a slice less differs', STACK_TEST, async () => {
    await rig.eventuallyExact()
    const less = await tablesIn(rig.databaseUrl, plan)
    await rig.send()
    assert.notDeepEqual(less.get('ctr_by_campaign'), rig.expected().get('ctr_by_campaign'))
    await rig.eventuallyExact()
  })

  it('the task manager is killed', STACK_TEST, async () => {
    await rig.checkpointed()
    await rig.send()
    const { restored } = await rig.checkpointCounts()
    const before = rig.kill('taskmanager')
    await rig.send()
    const { reason } = await rig.restarted(before)
    assert.equal(reason, 'it was ended by SIGKILL')
    await rig.eventuallyExact()
    assert.ok((await rig.checkpointCounts()).restored > restored)
  })

  it('the job manager is killed: its job is started again from its newest checkpoint', LONG, async () => {
    await rig.checkpointed()
    const lost = rig.record()
    const [manager, tasks] = [rig.kill('jobmanager'), rig.part('taskmanager')]
    await rig.send()
    await rig.restarted(manager)
    assert.equal((await rig.restarted(tasks)).reason, 'it was ended with its job manager')
    await rig.until('the job is started again', () => rig.record().revivals === 1)
    assert.notEqual(rig.record().jobId, lost.jobId)
    assert.match(rig.record().startedFrom ?? '', new RegExp(`/checkpoints/${lost.jobId}/chk-\\d+$`))
    await rig.eventuallyExact()
    const status = await rig.command('flink', 'status')
    assert.match(status, /^revivals {5}1; last: its job manager lost it; it goes on from file:.*chk-\d+$/m)
  })

  it('PostgreSQL is away, which ends the task manager', LONG, async () => {
    const [database, tasks] = [rig.part('postgres'), rig.part('taskmanager')]
    await rig.send()
    const killAgain = async (): Promise<boolean> => {
      const { process: server } = rig.part('postgres')
      if (server !== undefined && isRunning(server)) process.kill(server.pid, 'SIGKILL')
      return rig.part('taskmanager').restarts > tasks.restarts
    }
    await rig.until('the task manager has ended', killAgain)
    await rig.send()
    assert.match((await rig.restarted(tasks)).reason ?? '', DATABASE_IS_AWAY)
    assert.equal((await rig.restarted(database)).reason, 'its server was gone')
    await rig.eventuallyExact()
  })

  it('Kafka is killed', LONG, async () => {
    await rig.send()
    const before = rig.kill('kafka')
    await rig.restarted(before)
    await rig.send()
    await rig.eventuallyExact()
  })

  it('the whole stack goes down, with a savepoint, and the job goes on from it', LONG, async () => {
    await stackDown(stack.settings.home)
    const { state, savepoint } = rig.record()
    assert.equal(state, 'stopped')
    assert.match(savepoint ?? '', /\/savepoints\/savepoint-/)
    await stackUp(stack.settings, { log: () => undefined, signal: AbortSignal.timeout(900_000) })
    await rig.send()
    assert.equal(await findJob(stack, plan), undefined, 'what was stopped stays so')
    await rig.command('flink', 'resume')
    assert.equal(rig.record().startedFrom, savepoint)
    await rig.eventuallyExact()
  })

  it('everything is killed at once, and the next start brings the job back', LONG, async () => {
    await rig.checkpointed()
    await rig.send()
    const state = readState(stack.settings.home)
    assert.ok(state !== undefined)
    const all = [state.supervisor, ...state.parts.flatMap((part) => part.process ?? [])]
    for (const { pid } of all) process.kill(pid, 'SIGKILL')
    await rig.until('nothing runs', () => !all.some(isRunning))
    const lost = rig.record()
    await stackUp(stack.settings, { log: () => undefined, signal: AbortSignal.timeout(900_000) })
    await rig.send()
    await rig.until('the job is started again', () => rig.record().jobId !== lost.jobId)
    await rig.eventuallyExact()
  })

  it('after all of it every window is final, and final windows equal the recount', LONG, async () => {
    await rig.send()
    const closeMs = endMs + 6 * 3_600_000
    await rig.sendLines(rig.closing(closeMs))
    await rig.eventuallyExact()
    const expected = rowsBefore(plan, rig.expected(), closeMs)
    const isFinal = async (): Promise<boolean> => {
      const found = rowsBefore(plan, await tablesIn(rig.databaseUrl, plan), closeMs)
      return JSON.stringify([...found]) === JSON.stringify([...expected])
    }
    await rig.until('all windows are final', isFinal)
  })

  it('another definition is refused its state, with what differs', LONG, async () => {
    await assert.rejects(
      rig.command('flink', 'resume', '--attribution-window', '31m'),
      /another definition: .*attributionWindow.*\n.*flink submit --replace --definition \S+ --attribution-window 31m/s,
    )
  })
})
