/**
 * The journal on a disk that fails: at every call once, in every way, and with power lost at every call.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertHeld, load, PARTITIONS, SMALL, type Sent } from '../../support/journal-load.ts'
import { append, linesOf, openJournal, readAll } from '../../support/journal-rig.ts'
import { seededRandom, SimulatedDisk, type DiskCall, type DiskFault } from '../../support/simulated-disk.ts'

const WAVES = 12
const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code

async function callsOf(waves: number): Promise<readonly DiskCall[]> {
  const disk = new SimulatedDisk()
  const calls: DiskCall[] = []
  disk.fault = (call) => {
    calls.push(call)
    return undefined
  }
  await load(disk, 'x', waves)
  return calls
}

function at(number: number, fault: DiskFault): (call: DiskCall) => DiskFault | undefined {
  return (call) => (call.number === number ? fault : undefined)
}

async function eachCall(waves: number, work: (call: DiskCall) => Promise<void>): Promise<number> {
  const calls = await callsOf(waves)
  for (const call of calls) await work(call)
  return calls.length
}

const calls = await callsOf(WAVES)

describe('journal on a failing disk', () => {
  it('control: the load does everything a journal does', () => {
    const kinds = new Set(calls.map(({ kind }) => kind))
    assert.deepEqual([...kinds].sort(), ['create', 'makeFolder', 'rename', 'sync', 'syncFolder', 'write'])
    assert.ok(calls.length > 100, `${calls.length} calls`)
    const isAhead = ({ kind, path }: DiskCall, i: number): boolean =>
      kind === 'write' && calls.slice(i + 1).find((later) => later.path === path)?.kind === 'write'
    const ahead = calls.filter(isAhead)
    assert.ok(ahead.length > 5, `written ahead of a sync: ${ahead.length}`)
  })

  for (const code of ['EIO', 'ENOSPC', 'EDQUOT'] as const) {
    it(`J1, J2, J5: ${code} at every call`, async () => {
      let [dead, full] = [0, 0]
      await eachCall(WAVES, async (call) => {
        const disk = new SimulatedDisk()
        disk.fault = at(call.number, { code, takenBytes: 30 })
        const sent = await load(disk, 'x', WAVES)
        const what = `${code} at ${call.number}, ${call.kind} ${call.path}`
        const codes = new Set(sent.flatMap(({ error }) => (error === undefined ? [] : [codeOf(error)])))
        if (codes.has('DISK_FAILED')) dead++
        if (codes.has('DISK_FULL')) full++
        const isSync = call.kind === 'sync' || call.kind === 'syncFolder'
        if (code === 'EIO' || isSync) assert.ok(!codes.has('DISK_FULL'), `${what} is no full disk`)
        assertHeld(await openJournal(disk.copy(), SMALL), sent, what)
        assertHeld(
          await openJournal(disk.afterPowerLoss(seededRandom(call.number)), SMALL),
          sent,
          `${what}, then power`,
        )
      })
      assert.ok(code === 'EIO' ? dead > 80 && full === 0 : full > 40 && dead > 30, `${dead} dead, ${full} full`)
    })
  }

  it('A4 of partition-writer: nothing is written or synced after a sync that failed', async () => {
    const sync = calls.findLast(({ kind }) => kind === 'sync')
    const disk = new SimulatedDisk()
    disk.fault = at(sync?.number ?? 0, { code: 'EIO' })
    const journal = await openJournal(disk, SMALL)
    const results: PromiseSettledResult<unknown>[] = []
    for (let i = 0; i < 200 && journal.failure === undefined; i++)
      results.push(...(await Promise.allSettled(PARTITIONS.map((name) => append(journal, name, linesOf(`${i}`, 9))))))
    assert.equal(codeOf(journal.failure), 'DISK_FAILED')
    const { callCount } = disk
    await assert.rejects(append(journal, PARTITIONS[0], linesOf('later')), { code: 'DISK_FAILED' })
    await assert.rejects(append(journal, 'new', linesOf('later')), { code: 'DISK_FAILED' })
    assert.deepEqual(await journal.removeExpired(new Map()), [])
    await journal.close()
    assert.equal(disk.callCount, callCount)
  })

  it('short writes at every call are written on', async () => {
    for (const takenBytes of [1, 47, 60, 500]) {
      const disk = new SimulatedDisk()
      disk.fault = ({ kind }) => (kind === 'write' ? { takenBytes } : undefined)
      const sent = await load(disk, 'x', WAVES)
      assert.ok(sent.every(({ fate }) => fate === 'acknowledged'))
      assert.equal(assertHeld(await openJournal(disk, SMALL), sent, `${takenBytes} bytes`), sent.length)
    }
  })

  it('A3 of partition-writer: a disk that is full in mid-write refuses whole groups and takes the next, also after opening again', async () => {
    const disk = new SimulatedDisk()
    let isFull = false
    disk.fault = ({ kind }) => (isFull && kind === 'write' ? { code: 'ENOSPC', takenBytes: 70 } : undefined)
    let nowMs = 0
    const journal = await openJournal(disk, { reserveBytes: 0, nowMs: () => nowMs })
    const [name] = PARTITIONS
    await append(journal, name, linesOf('before'))
    isFull = true
    const refused = await Promise.allSettled([1, 2, 3].map((i) => append(journal, name, linesOf(`refused ${i}`))))
    for (const result of refused) {
      assert.equal(result.status, 'rejected')
      assert.equal(codeOf(result.reason), 'DISK_FULL')
      assert.equal((result.reason as { retryable?: boolean }).retryable, true)
    }
    isFull = false
    await assert.rejects(append(journal, name, linesOf('too soon')), { code: 'DISK_FULL' })
    nowMs += 100
    await append(journal, name, linesOf('after'))
    const expected = ['before', 'after'].map((text) => new TextDecoder().decode(linesOf(text)))
    assert.deepEqual(readAll(journal, name), expected)
    assert.deepEqual(readAll(await openJournal(disk.copy()), name), expected)
    assert.deepEqual(readAll(await openJournal(disk.afterPowerLoss(() => 0.5)), name), expected)
  })

  it('J1, J2: power lost at every call, in many ways, twice (A1 of partition-writer, O1 of open-partition)', async () => {
    let [torn, held] = [0, 0]
    for (const call of calls) {
      for (let seed = 0; seed < 6; seed++) {
        const random = seededRandom(call.number * 100 + seed)
        const disk = new SimulatedDisk()
        disk.fault = at(call.number, { code: 'POWER', takenBytes: Math.floor(random() * 400) })
        const sent = await load(disk, 'x', WAVES)
        const what = `power lost at ${call.number}, ${call.kind} ${call.path}, seed ${seed}`
        const after = disk.afterPowerLoss(random)
        const opened = await openJournal(after, SMALL)
        torn += opened.cuts.length
        held += assertHeld(opened, sent, what)
        await opened.close()
        const second: Sent[] = settled(sent, opened)
        after.fault = at(after.callCount + Math.floor(random() * 40), { code: 'POWER', takenBytes: 90 })
        await load(after, 'again', 4, second)
        assertHeld(await openJournal(after.afterPowerLoss(random), SMALL), second, `${what}, and again`)
      }
    }
    assert.ok(torn > 50, `control: ${torn} torn tails`)
    assert.ok(held > 5_000, `control: ${held} blocks held`)
  })

  it('control: a journal that answers before it syncs is caught', async () => {
    let lost = 0
    for (const call of calls) {
      const disk = new SimulatedDisk()
      disk.fault = at(call.number, { code: 'POWER' })
      const lying = await load(new Proxy(disk, { get: (target, key) => answerWithoutSync(target, key) }), 'x', WAVES)
      try {
        assertHeld(await openJournal(disk.afterPowerLoss(seededRandom(call.number)), SMALL), lying, 'lying')
      } catch {
        lost++
      }
    }
    assert.ok(lost > calls.length / 3, `${lost} of ${calls.length} losses seen`)
  })
})

/** What was opened is durable, acknowledged or not. */
function settled(sent: readonly Sent[], journal: Awaited<ReturnType<typeof openJournal>>): Sent[] {
  return PARTITIONS.flatMap((partition) => {
    const found = new Set(readAll(journal, partition))
    return sent
      .filter((entry) => entry.partition === partition && found.has(entry.text))
      .map((entry): Sent => ({ ...entry, fate: 'acknowledged' }))
  })
}

function answerWithoutSync(disk: SimulatedDisk, key: string | symbol): unknown {
  if (key === 'open') {
    return (...args: Parameters<SimulatedDisk['open']>) => ({ ...disk.open(...args), sync: () => Promise.resolve() })
  }
  const value: unknown = Reflect.get(disk, key, disk)
  return typeof value === 'function' ? value.bind(disk) : value
}
