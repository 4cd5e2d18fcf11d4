/**
 * What monitoring reads: the status of the pipeline as Prometheus metrics, named `tidemark_<what>_<unit>[_total]`, and
 * those of the process under the names that every Node program has.
 *
 * M1  A metric is read off the status when it is asked for: nothing is counted a second time.
 * M2  No label holds anything that an event said: labels are streams, classes and partitions, whose number is bounded.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { EVENT_CLASSES, STREAM_NAMES } from '../pipeline/plan.ts'
import type { MemoryStatus, PartitionStatus, PipelineStatus } from '../runtime/status.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number | null]

interface MetricPlan {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Values now; one that is null is left out. */
  readonly read: (status: PipelineStatus) => readonly Sample[]
}

const COUNTERS: readonly MetricPlan[] = [
  {
    name: 'tidemark_events_read_total',
    help: 'Events read since the pipeline began, restarts included.',
    labels: ['stream'],
    read: ({ ledger }) => STREAM_NAMES.map((stream) => [{ stream }, ledger[stream].read]),
  },
  partitions('tidemark_partition_events_read_total', 'Events read from it.', (p) => p.eventsRead),
  partitions('tidemark_partition_read_bytes_total', 'Bytes of the journal read from it.', (p) => p.readBytes),
  single('tidemark_dead_letters_left_total', 'Dead letters that were only counted, for want of room.', (s) => {
    return s.deadLettersLeft
  }),
]

const GAUGES: readonly MetricPlan[] = [
  {
    name: 'tidemark_events',
    help: 'Events by class of the ledger. Pending empties with time, the others hardly ever shrink.',
    labels: ['stream', 'class'],
    read: ({ ledger }) =>
      STREAM_NAMES.flatMap((stream) =>
        EVENT_CLASSES.map((name): Sample => [{ stream, class: name }, ledger[stream].classes[name]]),
      ),
  },
  {
    name: 'tidemark_ledger_difference_events',
    help: 'Events read minus the sum of all classes. Anything but 0 is a bug: stop and report.',
    labels: ['stream'],
    read: ({ ledger }) => STREAM_NAMES.map((stream) => [{ stream }, ledger[stream].difference]),
  },
  single('tidemark_events_per_second', 'Events read per second, over the last seconds.', (s) => s.eventsPerSecond),
  single('tidemark_epoch', 'Number of the last epoch that PostgreSQL holds.', (s) => s.epoch),
  single('tidemark_epoch_duration_seconds', 'From the barrier of the last epoch to its commit.', (s) => {
    return s.epochDurationMs / 1_000
  }),
  single('tidemark_epoch_age_seconds', 'Since the last epoch was committed; none before the first.', (s) => {
    return seconds(s.committedAtMs === null ? null : s.nowMs - s.committedAtMs)
  }),
  single('tidemark_watermark_timestamp_seconds', 'Watermark of the pipeline, as a Unix time.', (s) => {
    return seconds(s.watermarkMs)
  }),
  single('tidemark_watermark_lag_seconds', 'How far the watermark lies behind the wall clock.', (s) => {
    return seconds(s.watermarkMs === null ? null : s.nowMs - s.watermarkMs)
  }),
  partitions('tidemark_partition_watermark_timestamp_seconds', 'Its watermark, as a Unix time.', (p) => {
    return seconds(p.watermarkMs)
  }),
  partitions('tidemark_partition_lag_seconds', 'How far its watermark lies behind the wall clock.', (p) => {
    return seconds(p.behindMs)
  }),
  partitions('tidemark_partition_silent_seconds', 'How long nothing has come from it.', (p) => p.silentForMs / 1_000),
  partitions('tidemark_partition_idle', '1 while it does not hold the watermark back.', (p) => {
    return Number(p.state === 'idle')
  }),
  partitions('tidemark_partition_unread_bytes', 'In the journal, not yet read by the engine.', (p) => p.unreadBytes),
  single(
    'tidemark_unread_bytes',
    'In the journal, not yet read by the engine, of all partitions.',
    (s) => s.unreadBytes,
  ),
  single('tidemark_intake_open', '1 while events are accepted.', (s) => Number(s.intake.state === 'open')),
  single('tidemark_intake_queued_bytes', 'Received and not yet on disk.', (s) => s.intake.queuedBytes),
  single('tidemark_journal_bytes', 'The journal on disk.', (s) => s.intake.journalBytes),
  single('tidemark_journal_free_bytes', 'Free on the disk of the journal.', (s) => s.intake.freeBytes),
  memory('tidemark_memory_limit_bytes', 'What the process may use (--memory).', (m) => m.limitBytes),
  memory(
    'tidemark_memory_needed_bytes',
    'Held, or to be kept free for the next steps and for what is not counted yet.',
    (m) => m.neededBytes,
  ),
  memory('tidemark_memory_state_bytes', 'What the engine remembers: ids, cells, names.', (m) => m.stateBytes),
  memory('tidemark_memory_full', '1 while intake waits for it.', (m) => Number(m.isFull)),
  single('tidemark_database_up', '1 while PostgreSQL takes epochs.', (s) => Number(s.database.state === 'up')),
  single('tidemark_database_state_seconds', 'Since when PostgreSQL takes epochs, or takes none.', (s) => {
    return (s.nowMs - s.database.sinceMs) / 1_000
  }),
  single('tidemark_database_waiting_cells', 'Changed cells that wait for PostgreSQL.', (s) => s.database.waitingCells),
  single('tidemark_engine_paused', '1 while the engine waits because too many cells do.', (s) => {
    return Number(s.database.intakePaused)
  }),
]

/**
 * The metrics of one pipeline.
 *
 * @param status null before the pipeline runs: then only the metrics of the process have values
 */
export function createMetrics(status: () => PipelineStatus | null): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const { name, help, labels = [], read } of COUNTERS) {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect: () => {
        counter.reset()
        for (const [label, value] of samples(status, read)) counter.inc(label, value)
      },
    })
  }
  for (const { name, help, labels = [], read } of GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect: () => {
        // Resetting alone would leave one without labels at 0, which is a value.
        gauge.reset()
        gauge.remove({})
        for (const [label, value] of samples(status, read)) gauge.set(label, value)
      },
    })
  }
  return registry
}

function samples(status: () => PipelineStatus | null, read: MetricPlan['read']): [Labels, number][] {
  const now = status()
  return now === null ? [] : read(now).flatMap(([labels, value]) => (value === null ? [] : [[labels, value]]))
}

function single(name: string, help: string, read: (status: PipelineStatus) => number | null): MetricPlan {
  return { name, help, read: (status) => [[{}, read(status)]] }
}

function memory(name: string, help: string, read: (memory: MemoryStatus) => number): MetricPlan {
  return single(name, help, (status) => (status.memory === null ? null : read(status.memory)))
}

function partitions(name: string, help: string, read: (partition: PartitionStatus) => number | null): MetricPlan {
  return {
    name,
    help,
    labels: ['stream', 'partition'],
    read: (status) =>
      status.partitions.map((partition) => {
        return [{ stream: partition.stream, partition: partition.name }, read(partition)]
      }),
  }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000
}
