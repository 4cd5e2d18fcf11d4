/**
 * `tidemark generate`: simulated traffic to files, Kafka or a running pipeline, with its true answer beside it.
 */
import { Command } from 'commander'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type KafkaSourcePlan, type Plan } from '../pipeline/plan.ts'
import { HttpLines } from '../sinks/http-lines.ts'
import { accessOf } from '../sources/kafka/access.ts'
import { preparePlanTopics, TopicLines } from '../sinks/kafka/topic-lines.ts'
import { formatDuration } from '../time/duration.ts'
import { MINUTE_MS, SECOND_MS } from '../time/units.ts'
import { trafficSettings, type TrafficSettings } from '../traffic/settings.ts'
import { generateLog, partitionFile, type LineTarget, type LogReport } from '../traffic/writers/generate-log.ts'
import { interruptSignal, serviceSignal } from './interrupt.ts'
import { serverUrl } from './option-values.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions } from './plan-options.ts'
import { shellWord } from './shell-word.ts'
import { createTalk, type Talk } from './talk.ts'
import { addTrafficOptions, EVENTS, settingsOf, type TrafficOptions } from './traffic-options.ts'

interface Options extends TrafficOptions, PlanOptions {
  readonly out?: string
  readonly kafka?: string
  readonly http?: string
  readonly key?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Of each topic that is made, unless told otherwise. */
const KAFKA_PARTITIONS = 4

/** The command, for {@link runProgram}. */
export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Simulated traffic, seeded and hostile, with its true answer beside it.')
    .option('--out <dir>', 'folder for the log and its truth; made if missing')
    .option('--kafka <brokers>', 'host:port, with commas between: write to the topics, made if missing')
    .option('--http <url>', 'post to the ingest of a run', serverUrl)
    .option('--key <key>', 'key of a sender, where the ingest asks for one; better in TIDEMARK_KEY')
  return addPlanOptions(addTrafficOptions(command))
    .addHelpText('after', EXAMPLE)
    .action(async (options: Options) => run(options))
}

const EXAMPLE = `
Shares are written 2% or 0.02 and are shares of all lines, unless said otherwise.

Example:
  tidemark generate --seed 7 --events 200000 --duplicates 2% --late 0.5% --partitions 4 --out log`

async function run(options: Options): Promise<void> {
  checkTargets(options)
  const settings = settingsOf(options)
  const plan = await loadPlan(options)
  const talk = createTalk(options)
  const { kafka, http, key = process.env['TIDEMARK_KEY'] } = options
  if (kafka !== undefined) return runToKafka({ options, plan, settings, talk }, kafka)
  const onWait = (reason: string, patienceMs: number): void =>
    talk.say(`${reason}. Trying again for up to ${formatDuration(patienceMs)} ...`)
  const target = http === undefined ? undefined : new HttpLines(http, key, onWait)
  if (http !== undefined) warnOfOldEvents(talk, options, settings)
  return write({ options, plan, settings, talk }, target)
}

function warnOfOldEvents(talk: Talk, { live, start }: Options, { startMs }: TrafficSettings): void {
  if (live === true || start !== undefined) return
  const day = new Date(startMs).toISOString().slice(0, 10)
  talk.say(`These events are of ${day}: a run that has counted newer ones calls them late. --live makes events of now.`)
}

interface Generating {
  readonly options: Options
  readonly plan: Plan
  readonly settings: TrafficSettings
  readonly talk: Talk
}

async function runToKafka(generating: Generating, brokers: string): Promise<void> {
  const { options, settings } = generating
  const source = kafkaSourceOf(generating.plan, brokers)
  const access = source === undefined ? { brokers } : accessOf({ ...source, brokers })
  const plan = withTopics(generating.plan, source)
  const partitions = await preparePlanTopics(plan, access, options.partitions, KAFKA_PARTITIONS)
  const topics = new TopicLines(plan, access)
  try {
    await write({ ...generating, settings: trafficSettings({ ...settings, partitions }) }, topics)
  } finally {
    await topics.close()
  }
}

/**
 * The definition's Kafka source, whose topics are written to, with its TLS and SASL: of several the one at these
 * brokers, else the first.
 */
function kafkaSourceOf({ sources }: Plan, brokers: string): KafkaSourcePlan | undefined {
  const found = sources.filter((source) => source.kind === 'kafka')
  return found.find((source) => source.brokers === brokers) ?? found[0]
}

/** The plan with the streams' topics where its source reads them. */
function withTopics(plan: Plan, source: KafkaSourcePlan | undefined): Plan {
  if (source === undefined) return plan
  const { impressions, clicks } = plan.streams
  const { topics } = source
  const streams = {
    impressions: { ...impressions, topic: topics.impressions },
    clicks: { ...clicks, topic: topics.clicks },
  }
  return { ...plan, streams }
}

async function write({ options, plan, settings, talk }: Generating, target: LineTarget | undefined): Promise<void> {
  const { out, live = false } = options
  const events = options.events ?? (live ? Infinity : EVENTS)
  const progress = talk.progress('generate')
  const startedMs = performance.now()
  const report = await generateLog({
    plan,
    settings,
    events,
    ...(out === undefined ? {} : { out }),
    ...(target === undefined ? {} : { target }),
    ...(live ? { isLive: true, ending: serviceSignal() } : { signal: interruptSignal() }),
    onProgress: (lines) =>
      progress.update(events === Infinity ? undefined : lines / events, `${lines.toLocaleString('en-US')} events`),
  }).finally(() => progress.end())
  const elapsedMs = performance.now() - startedMs
  if (options.json === true) process.stdout.write(`${JSON.stringify(resultDocument(options, report, elapsedMs))}\n`)
  else sayResult(talk, whereOf(options), report, elapsedMs)
  talk.next(nextLine(options))
}

function checkTargets({ out, kafka, http, live, oversizedLines = 0 }: Options): void {
  const fix = './tidemark generate --out log'
  const targets = [out, kafka, http].filter((target) => target !== undefined)
  if (targets.length === 0 || targets.includes(''))
    throw new TidemarkError('USAGE', 'generate needs --out DIR, --kafka BROKERS or --http URL.', { fix })
  if (kafka !== undefined && http !== undefined)
    throw new TidemarkError('USAGE', 'Events go to one place: --kafka or --http, not both.', { fix })
  if (live === true && kafka === undefined && http === undefined)
    throw new TidemarkError('USAGE', '--live is for --kafka and --http: a log in a folder appears when it is whole.', {
      fix,
    })
  if (kafka !== undefined && oversizedLines > 0)
    throw new TidemarkError('USAGE', '--oversized-lines are 2 MB long: a Kafka broker takes records up to 1 MB.', {
      fix,
    })
}

function resultDocument(options: Options, report: LogReport, elapsedMs: number): object {
  const { read, ledger, cells, spanMs } = report
  const { out, kafka, http } = options
  const events = eventsOf(report)
  const eventsPerSecond = Math.round((events * 1_000) / elapsedMs)
  return { out, kafka, http, events, read, ledger, cells, spanMs, elapsedMs: Math.round(elapsedMs), eventsPerSecond }
}

function sayResult(talk: Talk, where: string, report: LogReport, elapsedMs: number): void {
  const number = (value: number): string => value.toLocaleString('en-US')
  const events = eventsOf(report)
  const seconds = (elapsedMs / 1_000).toFixed(1)
  talk.say(`${number(events)} events over ${formatSpan(report.spanMs)} of event time in ${where} (${seconds} s)`)
  for (const stream of STREAM_NAMES) {
    const classes = Object.entries(report.ledger[stream]).filter(([, count]) => count > 0)
    const list = classes.map(([name, count]) => `${number(count)} ${name}`).join(', ')
    talk.say(`  ${stream.padEnd(12)}${number(report.read[stream])}${list === '' ? '' : ` = ${list}`}`)
  }
}

function eventsOf({ read }: LogReport): number {
  return read.impressions + read.clicks
}

function whereOf({ out, kafka, http }: Options): string {
  return [out, kafka === undefined ? undefined : `Kafka at ${kafka}`, http].filter(Boolean).join(' and ')
}

function formatSpan(spanMs: number): string {
  const stepMs = spanMs < MINUTE_MS ? SECOND_MS : MINUTE_MS
  return formatDuration(Math.round(spanMs / stepMs) * stepMs)
}

function nextLine(options: Options): string {
  const { out, kafka, http } = options
  if (out !== undefined) return replayLine(out, options)
  if (kafka !== undefined)
    return ['./tidemark flink submit --brokers', shellWord(kafka), ...planArguments(options)].join(' ')
  return `open ${http ?? ''}`
}

/** The command that replays the log with the plan its truth was found for. */
function replayLine(out: string, options: Options): string {
  const folder = shellWord(out.replace(/(.)\/+$/, '$1'))
  const files = STREAM_NAMES.map((stream) => `--${stream} ${folder}/${partitionFile(stream, 0).replace('0', '*')}`)
  return ['./tidemark replay', ...files, ...planArguments(options), '--out', `${folder}/tables`].join(' ')
}
