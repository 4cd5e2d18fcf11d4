/**
 * Pages that stay open beside an engine at work: what they take from its rate. Runs without and with them alternate, so
 * that whatever else the machine does falls on both.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import { median, type Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { OpenPages, openPagesCommand } from '../harness/open-pages.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import { Service, serviceCommand } from '../harness/service.ts'
import type { HttpLoadResult } from '../programs/http-load.ts'
import type { OpenPagesResult } from '../programs/open-pages.ts'

const LOAD = join(ROOT, 'bench', 'programs', 'http-load.ts')
const BATCHES = ['--batch', '1000', '--connections', '8'] as const
const PAGES = 500

interface Rate {
  /** Acknowledged, by the wall clock. */
  readonly perSecond: number
  /** Read by the engine, by all processor time of its process. */
  readonly perCpuSecond: number
}

interface Pair {
  readonly alone: Rate
  readonly beside: Rate
  readonly pages: OpenPagesResult
}

export const pagesPart: BenchPart = {
  name: 'pages',
  title: `${PAGES} open pages beside the engine`,
  async measure(context) {
    const folder = await mkdtemp(`${context.dir}-pages-`)
    try {
      return { figures: figures(await measure(folder, context)) }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function measure(dataDir: string, context: BenchContext): Promise<readonly Pair[]> {
  const seconds = Math.min(10, context.events / 100_000)
  const service = await Service.start({ dataDir })
  let sent = 0
  const rate = async (): Promise<Rate> => {
    const before = await service.usage()
    const load = await send(service.url, seconds)
    sent += load.acknowledgedEvents
    const after = await service.settled(sent)
    const cpuSeconds = (after.cpuMs - before.cpuMs) / 1_000
    return { perSecond: load.eventsPerSecond, perCpuSecond: (after.eventsRead - before.eventsRead) / cpuSeconds }
  }
  try {
    await rate()
    return await repeated(context, `with no page and with ${PAGES}`, async () => {
      const alone = await rate()
      const pages = await OpenPages.start(service.url, PAGES)
      const beside = await rate()
      return { alone, beside, pages: await pages.stop() }
    })
  } finally {
    await service.stop()
  }
}

async function send(url: string, seconds: number): Promise<HttpLoadResult> {
  const { stdout } = await measureNode([LOAD, '--url', url, ...BATCHES, '--seconds', String(seconds)])
  return JSON.parse(stdout) as HttpLoadResult
}

function figures(pairs: readonly Pair[]): readonly Figure[] {
  const load = commandText([LOAD, '--url', 'URL', ...BATCHES])
  const command = `${serviceCommand({ dataDir: '' })}\n${openPagesCommand(PAGES)}\n${load}`
  const figure = (name: string, unit: string, pick: (pair: Pair) => number, note?: string): Figure => {
    return { name, values: pairs.map(pick), unit, command, ...(note === undefined ? {} : { note }) }
  }
  const patches = median(pairs.map(({ pages }) => pages.patches / pages.pages))
  const kilobytes = median(pairs.map(({ pages }) => pages.bytes / pages.pages / 1_024))
  return [
    figure('no page', 'events/s', ({ alone }) => alone.perSecond),
    figure(`${PAGES} pages`, 'events/s', ({ beside }) => beside.perSecond, 'pages and load on the same two cores'),
    figure('no page, by processor time', 'events/CPU-s', ({ alone }) => alone.perCpuSecond),
    figure(`${PAGES} pages, by processor time`, 'events/CPU-s', ({ beside }) => beside.perCpuSecond),
    figure('with pages to without', 'times', ({ alone, beside }) => beside.perSecond / alone.perSecond),
    figure(
      'with pages to without, by processor time',
      'times',
      ({ alone, beside }) => beside.perCpuSecond / alone.perCpuSecond,
    ),
    figure(
      'pages open at the end',
      'pages',
      ({ pages }) => pages.openPages,
      `10 views; ${patches.toFixed(1)} patches and ${kilobytes.toFixed(0)} kB to each; ${Math.max(...pairs.map(({ pages }) => pages.failures))} errors at most`,
    ),
  ]
}
