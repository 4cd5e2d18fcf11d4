/**
 * The recount against itself and against its parts:
 *
 * 1. with everything spilled to disk it gives what it gives in memory, however files are cut into pieces;
 * 2. it balances: events read = the sum over the classes, and both time axes hold the same clicks;
 * 3. a copy of an event right behind it changes the duplicate counter alone;
 * 4. lines come out of any pieces of a file as they went in;
 * 5. members of objects have the source text that JSON.parse reads.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EVENT_CLASSES, STREAM_NAMES } from '../../src/pipeline/plan.ts'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import type { SpillDisk } from '../../src/verify/buckets.ts'
import { memberSources } from '../../src/verify/json-members.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { fileBatches, lineBatches } from '../../src/verify/readers/lines.ts'
import { recount, type Recount } from '../../src/verify/recount.ts'
import { dropByteOrderMark, trimRecord } from '../../src/verify/record.ts'
import { recountSpilled } from '../../src/verify/spill.ts'
import { checkAsyncProperty, checkProperty } from '../support/check-property.ts'
import { randomLog, type RandomLog } from '../support/random-log.ts'

const FILE = 'test/property/recount.property.test.ts'

/** A disk in memory, which tells how much was ever written to it. */
class MemoryDisk implements SpillDisk {
  appended = 0
  readonly #texts = new Map<string, string>()

  append(name: string, text: string): void {
    this.appended += text.length
    this.#texts.set(name, (this.#texts.get(name) ?? '') + text)
  }

  *read(name: string): Generator<string> {
    const text = this.#texts.get(name) ?? ''
    for (let at = 0; at < text.length; at += 7) yield text.slice(at, at + 7)
  }

  remove(name: string): void {
    assert.ok(this.#texts.delete(name))
  }

  get isEmpty(): boolean {
    return this.#texts.size === 0
  }
}

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield bytes.slice(at, at + size)
    at += size
  }
}

function fileOf(lines: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
}

async function spilled(log: RandomLog, sizes: readonly number[], memoryBytes: number): Promise<[Recount, MemoryDisk]> {
  const disk = new MemoryDisk()
  const partitions = log.partitions.map(({ stream, name, lines }) => ({
    stream,
    name,
    batches: fileBatches(inPieces(fileOf(lines), sizes)),
  }))
  return [await recountSpilled(log.plan, partitions, { disk, decodeUtf8, memoryBytes }), disk]
}

const inMemory = ({ plan, partitions }: RandomLog): Recount => recount(plan, partitions, decodeUtf8)

const pieceSizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })

/** The sum of one column of a table. */
function total(tables: TextTables, table: string, column: number): number {
  return (tables.get(table) ?? []).reduce((sum, row) => sum + Number(row[column]), 0)
}

describe('the recount', () => {
  it('S1 of spill: spilled to disk gives what it gives in memory, also of copies in several partitions', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(
        randomLog({ scatterCopies: true }),
        pieceSizes,
        fc.constantFrom(1, 400, 8_000, 1e9),
        async (log, sizes, memoryBytes) => {
          const [found, disk] = await spilled(log, sizes, memoryBytes)
          assert.deepEqual(found, inMemory(log))
          assert.ok(disk.isEmpty)
          if (memoryBytes === 1e9) assert.equal(disk.appended, 0)
        },
      ),
      60,
      FILE,
    )
  })

  it('control: random logs hold every class, and spilling does happen', async () => {
    const seen = new Set<string>()
    let appended = 0
    for (const log of fc.sample(randomLog(), { numRuns: 150, seed: 7 })) {
      const { totals } = inMemory(log)
      for (const stream of STREAM_NAMES) {
        for (const name of EVENT_CLASSES) if (totals[stream].classes[name] > 0) seen.add(`${stream} ${name}`)
      }
      appended += (await spilled(log, [1_000], 1))[1].appended
    }
    const everywhere = ['counted', 'duplicate', 'late', 'malformed']
    const expected = [...everywhere.map((name) => `impressions ${name}`), ...everywhere.map((name) => `clicks ${name}`)]
    assert.deepEqual(seen, new Set([...expected, 'clicks repeat', 'clicks out_of_window', 'clicks orphan']))
    assert.ok(appended > 0)
  })

  it('Q1 of recount, Y1 of tally: balances', () => {
    checkProperty(
      fc.property(randomLog(), (log) => {
        const { tables, totals } = inMemory(log)
        for (const stream of STREAM_NAMES) {
          const { read, classes } = totals[stream]
          assert.equal(
            EVENT_CLASSES.reduce((sum, name) => sum + classes[name], 0),
            read,
          )
        }
        assert.equal(total(tables, 'ledger', 3), totals.impressions.read + totals.clicks.read)
        assert.equal(total(tables, 'performance', 5), totals.impressions.classes.counted)
        for (const [table, column] of [
          ['ctr_by_campaign', 4],
          ['engagement_by_device', 4],
          ['performance', 6],
          ['clicks_by_minute', 4],
        ] as const)
          assert.equal(total(tables, table, column), totals.clicks.classes.counted, table)
      }),
      100,
      FILE,
    )
  })

  it('counts a copy right behind its event as a duplicate, or as late or malformed like the event', () => {
    checkProperty(
      fc.property(randomLog(), (log) => {
        const twice = log.partitions.map((partition) => ({
          ...partition,
          lines: partition.lines.flatMap((line) => [line, line]),
        }))
        const [once, doubled] = [inMemory(log), inMemory({ ...log, partitions: twice })]
        for (const table of log.plan.tables)
          assert.deepEqual(doubled.tables.get(table.name), once.tables.get(table.name))
        for (const stream of STREAM_NAMES) {
          const [a, b] = [once.totals[stream].classes, doubled.totals[stream].classes]
          assert.equal(b.malformed, 2 * a.malformed)
          assert.equal(b.late, 2 * a.late)
          assert.equal(b.duplicate, 2 * a.duplicate + (once.totals[stream].read - a.malformed - a.late - a.duplicate))
        }
      }),
      100,
      FILE,
    )
  })
})

describe('lineBatches', () => {
  it('L1: gives the records of a file however it is cut into pieces', async () => {
    const byte = fc.oneof(
      fc.constantFrom(0x0a, 0x0a, 0x20, 0x0d, 0x7b, 0xef, 0xbb, 0xbf),
      fc.integer({ min: 0, max: 255 }),
    )
    const mark = fc.constantFrom<readonly number[]>(
      [],
      [],
      [0xef, 0xbb, 0xbf],
      [0xef, 0xbb],
      [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf],
    )
    await checkAsyncProperty(
      fc.asyncProperty(mark, fc.array(byte, { maxLength: 60 }), pieceSizes, async (start, rest, sizes) => {
        const file = Uint8Array.from([...start, ...rest])
        const found: string[] = []
        for await (const batch of lineBatches(
          inPieces(
            file,
            sizes.map((size) => 1 + (size % 5)),
          ),
        ))
          found.push(...batch.map((line) => Buffer.from(trimRecord(line)).toString('hex')))
        const expected = Buffer.from(dropByteOrderMark(file)).toString('latin1').split('\n')
        const records = expected.map((line) => Buffer.from(trimRecord(Buffer.from(line, 'latin1'))).toString('hex'))
        assert.deepEqual(
          found.filter((record) => record !== ''),
          records.filter((record) => record !== ''),
        )
      }),
      200,
      FILE,
    )
  })
})

describe('memberSources', () => {
  const space = fc.constantFrom('', ' ', '\t', '\r\n ')

  it('M2, M3 of json-members: has the text that JSON.parse reads, for any members in any layout', () => {
    const key = fc.oneof(fc.constantFrom('a', 'b', '', '__proto__', 'a"b', '\\', '}'), fc.string())
    checkProperty(
      fc.property(fc.array(fc.tuple(key, fc.jsonValue(), space), { maxLength: 8 }), space, (members, before) => {
        const body = members.map(
          ([name, value, gap]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(value, null, gap)}${gap}`,
        )
        const text = `${before}{${before}${body.join(',')}}${before}`
        const parsed = new Map(Object.entries(JSON.parse(text) as Record<string, unknown>))
        const wanted = new Map([...parsed.keys(), 'never there'].map((name, i) => [name, i]))
        const sources = memberSources(text, wanted)
        for (const [name, place] of wanted) {
          const source = sources[place]
          assert.deepEqual(source === undefined ? undefined : JSON.parse(source), parsed.get(name))
        }
      }),
      300,
      FILE,
    )
  })
})
