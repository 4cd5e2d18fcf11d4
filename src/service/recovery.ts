/**
 * From what PostgreSQL and the data folder hold to a pipeline that goes on from there.
 *
 * Y1  PostgreSQL decides: the pipeline goes on from the very epoch that the tables hold, with its checkpoint, and reads
 *     the journal from that checkpoint's positions. Whatever does not fit is refused by name.
 * Y2  Tables that hold nothing are counted from the whole journal; where retention has removed a part of it, only when
 *     asked to.
 */
import { join } from 'node:path'
import type { Disk } from '../checkpoint/disk/disk.ts'
import { Journal } from '../checkpoint/journal/journal.ts'
import type { Retention } from '../checkpoint/journal/retention.ts'
import { CheckpointStore } from '../checkpoint/store/checkpoint-store.ts'
import { TidemarkError } from '../errors.ts'
import type { Plan, RollUp } from '../pipeline/plan.ts'
import type { EngineMemory } from '../engine/engine-memory.ts'
import { DeadLetterBuffer } from '../runtime/dead-letter-buffer.ts'
import type { CheckpointSink } from '../runtime/delivery.ts'
import { freeBytes } from '../runtime/free-bytes.ts'
import { JournalSource } from '../runtime/journal-source.ts'
import type { LiveSource } from '../runtime/live-run.ts'
import type { MemoryRoom } from '../runtime/memory-room.ts'
import { Pipeline } from '../runtime/pipeline.ts'
import type { EpochSink, Intake, Log, Positions } from '../runtime/ports.ts'
import { recoveryPoint, recoveryRefusal } from '../runtime/recovery-point.ts'
import { LetterFiles } from '../sinks/dead-letters/letter-files.ts'
import type { TopicIntake } from '../sinks/kafka/topic-intake.ts'
import type { KafkaFolder } from '../sources/kafka/kafka-folder.ts'
import type { KafkaSource } from '../sources/kafka/kafka-source.ts'
import type { Outage } from '../runtime/status.ts'
import { EpochStore, type ClaimedEpoch } from '../sinks/postgres/epoch-store.ts'
import { Checkpoints } from './checkpoints.ts'
import { checkpointFolder, deadLetterFolder, journalFolder, type DataFolder } from './data-folder.ts'
import { CLOCK } from './elapsed.ts'
import { journalIntake } from './journal-intake.ts'
import { livePartitions, type LivePartition } from './live-partitions.ts'
import type { OpenKafka } from './live-kafka.ts'
import { kafkaFolder, LiveSources } from './live-sources.ts'
import type { Teardown } from './teardown.ts'

export interface RecoverOptions {
  readonly plan: Plan
  readonly writer: 'demo' | 'run'
  readonly folder: DataFolder
  /** Connects to the database as the owner of the tables. */
  readonly url: string
  readonly disk: Disk
  readonly retention: Retention
  readonly pageRollUps: readonly RollUp[]
  /** Partitions of simulated traffic for each stream. */
  readonly trafficPartitions: number
  /** Whether someone builds early cells while this runs. */
  readonly earlyCells?: boolean
  /** Throws away rows of another folder or another kind of writer. */
  readonly replace: boolean
  /** Throws away the rows of this folder and counts again what its journal holds, even where that is not all. */
  readonly rebuild?: boolean
  /** Makes what bounds the memory of the run; left out, nothing does. */
  readonly memory?: (look: () => PipelineMemory) => MemoryRoom
  /** Outages of this run so far, kept with its epochs. */
  readonly outages?: () => readonly Outage[]
  readonly teardown: Teardown
  readonly log: Log
  /** Ends the waiting for brokers when it is aborted. */
  readonly signal?: AbortSignal
  /** Told once that the journal's disk failed: nothing is accepted any more, and the process has to end. */
  readonly onDiskFailure?: (error: Error) => void
}

/** What a pipeline holds in memory, and what waits to be held. Bytes. */
export interface PipelineMemory extends EngineMemory {
  /** In the journal, and not counted yet. */
  readonly uncountedBytes: number
}

/** A pipeline that knows where it stands. */
export interface Recovered {
  /** One line for people. */
  readonly describe: string
  /** The last epoch that the tables hold; 0 before the first. */
  readonly epoch: number
  readonly pipeline: Pipeline
  readonly partitions: readonly LivePartition[]
  readonly journal: Journal
  /** The journal, as a source and as the way in. */
  readonly source: JournalSource
  readonly kafka: readonly KafkaSource[]
  /** Everything that is read, the journal among it. */
  readonly sources: LiveSource
  readonly deadLetters: DeadLetterBuffer
  readonly memory: MemoryRoom | undefined
  readonly sink: EpochSink
  readonly checkpoints: CheckpointSink
  /** Where HTTP hands events over; undefined where no source takes them. */
  readonly intake: Intake | undefined
}

/** Tables that are ours to write, and where the state is that fits them. */
interface ClaimedTables extends ClaimedEpoch {
  readonly store: CheckpointStore
  readonly sink: EpochStore
}

/** Where events come from and go to beside the tables, open. */
interface OpenInputs {
  readonly topics: KafkaFolder
  readonly journal: Journal
  readonly deadLetters: DeadLetterBuffer
  readonly ofJournal: readonly LivePartition[]
  readonly kafka: readonly OpenKafka[]
  readonly topicIntake: TopicIntake | undefined
}

/**
 * Claims the tables and restores what they were written from.
 *
 * @throws TidemarkError what `EpochStore.claim`, `Journal.open` and the codecs of checkpoints throw; EPOCH_MISMATCH
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const claimed = await claimTables(options)
  const inputs = await openInputs(options, claimed)
  // Checkpoints after it were written and never committed: the engine's next one takes their place.
  await claimed.store.dropAfter(claimed.epoch)
  return restored(options, claimed, inputs)
}

async function claimTables(options: RecoverOptions): Promise<ClaimedTables> {
  const { folder, disk, teardown } = options
  const store = await CheckpointStore.open(disk, checkpointFolder(folder.path))
  const sink = createSink(options)
  teardown.add(() => sink.close())
  const claimed = await sink.claim(({ epoch }) => {
    const refusal = recoveryRefusal(recoveryPoint(epoch, store.list()), folder.path)
    if (refusal !== undefined) throw refusal
  })
  return { ...claimed, store, sink }
}

async function openInputs(options: RecoverOptions, { epoch, positions }: ClaimedEpoch): Promise<OpenInputs> {
  const { plan, folder, teardown } = options
  const topics = kafkaFolder(folder.path)
  topics.dropAfter(positions)
  const journal = await openJournal(options, topics.withoutTopics(positions))
  teardown.add(() => journal.close())
  if (epoch === 0) refusePartial(journal, options)
  const letterFiles = openLetterFiles(options)
  teardown.add(() => letterFiles.close())
  const deadLetters = new DeadLetterBuffer(letterFiles)
  const ofJournal = livePartitions(plan, options.trafficPartitions, journal.partitions)
  const { found: kafka, topicIntake } = await openKafka(options, topics, positions)
  return { topics, journal, deadLetters, ofJournal, kafka, topicIntake }
}

/** The pipeline of the epoch, and its sources behind its positions. */
function restored(options: RecoverOptions, claimed: ClaimedTables, inputs: OpenInputs): Recovered {
  const { plan, teardown, log } = options
  const { epoch, positions, store, sink } = claimed
  const { topics, journal, deadLetters, ofJournal, topicIntake } = inputs
  const partitions = [...ofJournal, ...inputs.kafka.flatMap((source) => source.partitions)]
  const pipeline = restorePipeline({ options, store, epoch, partitions, deadLetters })
  const { source, memory } = openSource(options, { journal, ofJournal, pipeline, positions })
  const kafka = inputs.kafka.map((found) => found.sourceOf(pipeline))
  for (const one of kafka) teardown.add(() => one.stop())
  const { watermarks } = pipeline.engine
  return {
    describe: describe(epoch, pipeline),
    epoch,
    pipeline,
    partitions,
    journal,
    source,
    kafka,
    sources: new LiveSources({ journal: source, kafka, away: positions, topicIntake, watermarks, memory }),
    deadLetters,
    memory,
    sink,
    checkpoints: new Checkpoints({ store, journal, kafka: topics, kafkaSources: kafka, log }),
    intake: topicIntake ?? journalIntake(plan, partitions, source),
  }
}

/** The journal as a source, with what bounds the memory of what comes through it. */
function openSource(
  options: RecoverOptions,
  parts: { journal: Journal; ofJournal: readonly LivePartition[]; pipeline: Pipeline; positions: Positions },
): { readonly source: JournalSource; readonly memory: MemoryRoom | undefined } {
  const { journal, ofJournal, pipeline, positions } = parts
  const { disk, folder } = options
  const memory = options.memory?.(() => ({ ...pipeline.engine.memory(), uncountedBytes: source.uncountedBytes }))
  const source: JournalSource = new JournalSource({
    journal,
    partitions: ofJournal.map(({ name }) => name),
    watermarks: pipeline.engine.watermarks,
    clock: CLOCK,
    positions,
    freeBytes: () => disk.freeBytes(folder.path),
    memory,
  })
  return { source, memory }
}

async function openKafka(
  { plan, teardown, log, signal }: RecoverOptions,
  folder: KafkaFolder,
  positions: Positions,
): Promise<{ readonly found: readonly OpenKafka[]; readonly topicIntake: TopicIntake | undefined }> {
  if (plan.sources.every(({ kind }) => kind !== 'kafka')) return { found: [], topicIntake: undefined }
  const kafka = await import('./live-kafka.ts')
  const found = await kafka.openKafka({ plan, folder, positions, teardown, log, signal })
  return { found, topicIntake: kafka.openTopicIntake({ plan, teardown, log }) }
}

function openLetterFiles({ folder, rebuild, log }: RecoverOptions): LetterFiles {
  return new LetterFiles({
    folder: deadLetterFolder(folder.path),
    nowMs: () => CLOCK.nowMs(),
    log,
    startEmpty: rebuild === true,
  })
}

function createSink({
  plan,
  writer,
  folder,
  url,
  replace,
  rebuild,
  earlyCells,
  log,
  outages,
}: RecoverOptions): EpochStore {
  return new EpochStore({
    url,
    plan,
    writer,
    folderId: folder.id,
    replace,
    rebuild: rebuild === true,
    withNarrow: true,
    withEarly: earlyCells === true,
    log,
    ...(outages === undefined ? {} : { outages }),
  })
}

async function openJournal(options: RecoverOptions, positions: Positions): Promise<Journal> {
  const { folder, disk, retention, log, onDiskFailure = (): void => undefined } = options
  const committed = new Map(Object.entries(positions))
  const journal = await Journal.open({
    dir: journalFolder(folder.path),
    disk,
    nowMs: () => CLOCK.nowMs(),
    committed,
    retention,
    onFailure: onDiskFailure,
  })
  for (const { partition, byteLength } of journal.cuts)
    log(
      'info',
      `${byteLength} bytes of ${partition} were being written when the last run ended; nobody was told they were accepted.`,
    )
  return journal
}

function refusePartial(journal: Journal, { folder, rebuild }: RecoverOptions): void {
  const trimmed = journal.partitions.find((name) => journal.earliest(name) > 0)
  if (trimmed === undefined || rebuild === true) return
  const what = 'The tables hold no epoch, and the journal no longer holds everything that was counted'
  throw new TidemarkError('EPOCH_MISMATCH', `${what} ("${trimmed}" begins at ${journal.earliest(trimmed)}).`, {
    where: join(folder.path, 'journal'),
    fix: `./tidemark rebuild --data-dir ${folder.path} (counts what is there), or use the database that fits the folder`,
  })
}

function restorePipeline(parts: {
  options: RecoverOptions
  store: CheckpointStore
  epoch: number
  partitions: readonly LivePartition[]
  deadLetters: DeadLetterBuffer
}): Pipeline {
  const { options, store, epoch, partitions, deadLetters } = parts
  const { plan, pageRollUps } = options
  const pipelineOptions = { plan, rollUps: [...plan.tables, ...pageRollUps], partitions, deadLetters }
  if (epoch === 0) return new Pipeline({ ...pipelineOptions, random: crypto.getRandomValues(new Int32Array(16)) })
  return Pipeline.restore(
    pipelineOptions,
    store.load(epoch).map(({ payload }) => payload),
    freeBytes,
  )
}

function describe(epoch: number, pipeline: Pipeline): string {
  if (epoch === 0) return 'tables ready; nothing was counted before'
  const { liveImpressions, liveClicks } = pipeline.engine.state()
  const remembered = (liveImpressions + liveClicks).toLocaleString('en-US')
  return `epoch ${epoch} restored: ${pipeline.eventsRead.toLocaleString('en-US')} events counted, ${remembered} remembered`
}
