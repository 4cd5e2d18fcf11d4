/**
 * `tidemark run`: the pipeline on the sources its definition names, until it is stopped.
 */
import { Command } from 'commander'
import { addLiveOptions, liveTalk, runLive, type LiveOptions } from './live-command.ts'
import { loadPlan, withDefinition } from './plan-options.ts'
import { verifyLine } from './verify-line.ts'

const KEEP_BYTES = 20e9

/** The command, for `main.ts`. */
export function runCommand(): Command {
  const command = new Command('run').description('The pipeline on the sources its definition names, until stopped.')
  return addLiveOptions(command).action(async (definition: string | undefined, given: LiveOptions) => {
    const options = withDefinition(definition, given)
    const talk = liveTalk(options)
    const plan = await loadPlan(options)
    const sources = plan.sources.map(({ name }) => name).join(', ')
    talk.say(`Tidemark: pipeline ${plan.name}, events from ${sources}.`)
    await runLive(plan, options, { writer: 'run', keepBytes: KEEP_BYTES }, talk)
    talk.say('Stopped. What was accepted is on disk; the next run goes on from the last epoch.')
    talk.next(verifyLine(options))
  })
}
