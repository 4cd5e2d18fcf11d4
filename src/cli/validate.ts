/**
 * `tidemark validate [FILE]`: checks a definition whole.
 */
import { Command } from 'commander'
import { summarisePlan } from '../pipeline/explain.ts'
import { silentTables } from '../pipeline/page.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { loadPlanFile } from './load-definition.ts'
import { shellWord } from './shell-word.ts'
import { createTalk } from './talk.ts'
import type { CommonOptions } from './common-options.ts'

/** The command, ready to be added to the program. A definition that is wrong ends it with a DefinitionError. */
export function validateCommand(): Command {
  return new Command('validate')
    .description('Checks a definition whole: every problem at once, with its place and the values allowed there.')
    .argument('[file]', 'a definition in JSON, TypeScript or JavaScript (default: the ad pipeline)')
    .action(async (file: string | undefined, options: CommonOptions) => {
      const plan = await loadPlanFile(file)
      const hash = planHash(plan)
      const talk = createTalk(options)
      if (options.json === true) process.stdout.write(`${JSON.stringify({ ok: true, name: plan.name, hash })}\n`)
      else process.stdout.write(`ok ${summarisePlan(plan)}\nplan ${hash}\n`)
      for (const { name, lacks } of silentTables(plan)) {
        const missing = lacks.join(' and ')
        talk.say(`note: ${name} is no source of the page's views: it lacks ${missing}, which other tables keep.`)
      }
      talk.next(`./tidemark plan${file === undefined ? '' : ` ${shellWord(file)}`}`)
    })
}
