/**
 * Where the time goes: a processor profile of the standard replay, by function. What a missed target is explained with.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandText, measureNode } from '../harness/child.ts'
import { CLI, standardLog, warm } from '../harness/logs.ts'
import { ROOT } from '../harness/machine.ts'
import type { BenchPart } from '../harness/part.ts'
import { SAME_JOB } from './replay-runs.ts'

const SHOWN = 20

/** The parts of a V8 profile that are read here. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export const profilePart: BenchPart = {
  name: 'profile',
  title: 'Where the time of a replay goes',
  async measure(context) {
    const log = await standardLog(context)
    await warm(log)
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-profile-'))
    const args = [CLI, 'replay', ...log.inputs, '--definition', SAME_JOB, '--out', join(folder, 'tables')]
    const options = { onOneCore: true, nodeOptions: ['--cpu-prof', '--cpu-prof-dir', folder] }
    context.say('a replay with the profiler on')
    await measureNode(args, options)
    const file = (await readdir(folder)).find((name) => name.endsWith('.cpuprofile')) ?? ''
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile
    await rm(folder, { recursive: true })
    const shares = sharesOf(profile)
    const command = commandText(args, options).replaceAll(folder, 'profile')
    return { figures: shares.map(([name, share]) => ({ name, values: [100 * share], unit: '%', command })) }
  },
}

/** Functions by their own share of the time, the largest first. */
function sharesOf({ nodes, samples, timeDeltas }: Profile): readonly (readonly [string, number])[] {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]))
  const ownUs = new Map<string, number>()
  let totalUs = 0
  samples.forEach((id, index) => {
    const name = nameOf.get(id) ?? ''
    const us = timeDeltas[index] ?? 0
    ownUs.set(name, (ownUs.get(name) ?? 0) + us)
    totalUs += us
  })
  const largest = [...ownUs].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN)
  return largest.map(([name, us]) => [name, us / totalUs])
}

function frameName({ functionName, url }: { functionName: string; url: string }): string {
  const path = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
  return path === '' ? functionName : `${functionName || '(top level)'} in ${path}`
}
