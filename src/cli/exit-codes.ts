/**
 * Exit codes other programs may rely on. Every error code has exactly one; a new error code does not compile without.
 */
import { TidemarkError, type ErrorCode } from '../errors.ts'

/** What each exit code means. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** `verify` and `compare` only: at least one cell differs. */
  differs: 3,
  badData: 65,
  inputMissing: 66,
  unavailable: 69,
  /** Another instance took over the tables: start this one again only on purpose. */
  fenced: 76,
  configuration: 78,
  interrupted: 130,
} as const

const EXIT_BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  DEFINITION_INVALID: EXIT.configuration,
  DEFINITION_UNREADABLE: EXIT.configuration,
  USAGE: EXIT.usage,
  INPUT_MISSING: EXIT.inputMissing,
  INPUT_CORRUPT: EXIT.inputMissing,
  INPUT_BAD_DATA: EXIT.badData,
  OUTPUT_UNWRITABLE: EXIT.failed,
  DATABASE_UNAVAILABLE: EXIT.unavailable,
  DATABASE_FAILED: EXIT.failed,
  DATABASE_BINARIES_MISSING: EXIT.unavailable,
  DATABASE_SCHEMA_MISMATCH: EXIT.configuration,
  DATABASE_BUSY: EXIT.unavailable,
  DATABASE_OTHER_FOLDER: EXIT.configuration,
  EPOCH_MISMATCH: EXIT.configuration,
  PLAN_CHANGED: EXIT.configuration,
  FENCED: EXIT.fenced,
  DATA_DIR_BUSY: EXIT.unavailable,
  DATA_DIR_UNUSABLE: EXIT.configuration,
  PORT_UNAVAILABLE: EXIT.unavailable,
  INSTANCE_UNAVAILABLE: EXIT.unavailable,
  KEY_REQUIRED: EXIT.configuration,
  KEYS_UNREADABLE: EXIT.configuration,
  USERS_UNREADABLE: EXIT.configuration,
  INGEST_REFUSED: EXIT.unavailable,
  KAFKA_UNAVAILABLE: EXIT.unavailable,
  KAFKA_REFUSED: EXIT.configuration,
  KAFKA_CORRUPT: EXIT.inputMissing,
  KAFKA_GAP: EXIT.inputMissing,
  FLINK_UNAVAILABLE: EXIT.unavailable,
  FLINK_BUSY: EXIT.unavailable,
  FLINK_REFUSED: EXIT.failed,
  STACK_UNAVAILABLE: EXIT.unavailable,
  SUPERSET_UNAVAILABLE: EXIT.unavailable,
  SUPERSET_REFUSED: EXIT.failed,
  STATE_LIMIT: EXIT.failed,
  MEMORY_FULL: EXIT.unavailable,
  MEMORY_TOO_LITTLE: EXIT.configuration,
  DISK_FAILED: EXIT.failed,
  DISK_FULL: EXIT.unavailable,
  JOURNAL_BUSY: EXIT.unavailable,
  JOURNAL_CORRUPT: EXIT.inputMissing,
  JOURNAL_MISSING: EXIT.inputMissing,
  CHECKPOINT_CORRUPT: EXIT.inputMissing,
  CHECKPOINT_MISSING: EXIT.inputMissing,
  FORMAT_NEWER: EXIT.configuration,
  STATE_CORRUPT: EXIT.failed,
  VIEW_INVALID: EXIT.usage,
  VIEW_UNANSWERABLE: EXIT.usage,
  VIEW_TIMEOUT: EXIT.unavailable,
  VIEW_FORBIDDEN: EXIT.usage,
  INTERRUPTED: EXIT.interrupted,
  INTERNAL: EXIT.failed,
}

/** The exit code of whatever was thrown; anything but a {@link TidemarkError} is a failure while running. */
export function exitCodeOf(error: unknown): number {
  return error instanceof TidemarkError ? EXIT_BY_ERROR[error.code] : EXIT.failed
}
