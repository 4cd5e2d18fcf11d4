/**
 * A live run as its users meet it: how soon an event is seen, and how soon all goes on after a crash.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import { Service, serviceCommand } from '../harness/service.ts'
import type { Restart } from '../programs/restart.ts'
import type { Visibility } from '../programs/visibility.ts'

const program = (name: string): string => join(ROOT, 'bench', 'programs', name)
const BACKGROUND_PER_SECOND = 10_000

export const livePart: BenchPart = {
  name: 'live',
  title: 'Live runs: how soon it is seen, and how soon it goes on',
  async measure(context) {
    return {
      figures: [
        ...(await visibilityFigures(context, '1s', 1_300)),
        ...(await visibilityFigures(context, '100ms', 250)),
        ...(await restartFigures(context, context.events / 10, 'other', 2_000)),
        ...(await restartFigures(context, context.events, 'other', 5_000)),
        ...(await restartFigures(context, context.events / 10, 'own')),
      ],
    }
  },
}

async function inFolder<T>({ dir }: BenchContext, measure: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(`${dir}-live-`)
  try {
    return await measure(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureVisibility(dataDir: string, epoch: string, seconds: number): Promise<Visibility> {
  const service = await Service.start({ dataDir, epoch })
  try {
    const { url, databaseUrl } = service
    const kind = ['--batch', '10', '--connections', '8', '--rate', String(BACKGROUND_PER_SECOND)]
    const background = measureNode([program('http-load.ts'), '--url', url, ...kind, '--seconds', String(seconds)])
    const args = ['--url', url, '--database-url', databaseUrl, '--seconds', String(seconds)]
    const { stdout } = await measureNode([program('visibility.ts'), ...args])
    await background
    return JSON.parse(stdout) as Visibility
  } finally {
    await service.stop()
  }
}

async function visibilityFigures(context: BenchContext, epoch: string, mostMs: number): Promise<readonly Figure[]> {
  const seconds = context.events < 1_000_000 ? 8 : 30
  const runs = await repeated(context, `epochs of ${epoch}`, () =>
    inFolder(context, (folder) => measureVisibility(folder, epoch, seconds)),
  )
  const look = commandText([program('visibility.ts'), '--url', 'URL', '--database-url', 'URL'])
  const command = `${serviceCommand({ dataDir: '', epoch })}\n${look}`
  const note = `${(runs[0]?.events ?? 0).toLocaleString('en-US')} events, beside ${BACKGROUND_PER_SECOND.toLocaleString('en-US')} others a second`
  const figure = (name: string, key: keyof Visibility, more: Partial<Figure> = {}): Figure => {
    return { name: `epochs of ${epoch}: ${name}`, values: runs.map((run) => run[key]), unit: 'ms', command, ...more }
  }
  return [
    figure('sent to seen in PostgreSQL, half within', 'postgresP50Ms'),
    figure('sent to seen in PostgreSQL, 99 of 100 within', 'postgresP99Ms', { target: { atMost: mostMs }, note }),
    figure('sent to seen on the page, 99 of 100 within', 'pageP99Ms'),
    figure('on the page after PostgreSQL, 99 of 100 within', 'pageAfterPostgresP99Ms', { target: { atMost: 1_000 } }),
  ]
}

async function restartFigures(
  context: BenchContext,
  live: number,
  whose: 'own' | 'other',
  mostMs?: number,
): Promise<readonly Figure[]> {
  const what = `${live.toLocaleString('en-US')} live ids${whose === 'own' ? ', PostgreSQL of its own' : ''}`
  const args = (folder: string): readonly string[] => [program('restart.ts'), folder, String(live), whose]
  const runs = await repeated(context, `killed with ${what}`, () =>
    inFolder(context, async (folder) => JSON.parse((await measureNode(args(folder))).stdout) as Restart),
  )
  const command = commandText(args('DIR'))
  return [
    {
      name: `${what}: from SIGKILL to the first new commit`,
      values: runs.map((run) => run.firstCommitMs),
      unit: 'ms',
      ...(mostMs === undefined ? {} : { target: { atMost: mostMs } }),
      command,
    },
    { name: `${what}: to taking events again`, values: runs.map((run) => run.readyMs), unit: 'ms', command },
  ]
}
