/**
 * Why a process ended, told from how it ended and from what it wrote.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { complaintIn, endReason, logSince } from '../../../src/stack/end-reason.ts'

/** As a task manager writes it when PostgreSQL is gone. */
const LOG = `2026-11-25T16:50:16.456Z ERROR JdbcOutputFormat - JDBC executeBatch error, retry times = 0
java.sql.BatchUpdateException: Batch entry 0 INSERT INTO "t"(a) VALUES (('x')) was aborted
	at org.postgresql.jdbc.BatchResultHandler.handleError(BatchResultHandler.java:165)
Caused by: org.postgresql.util.PSQLException: FATAL: terminating connection due to unexpected postmaster exit
	at org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2736)
2026-11-25T16:50:16.724Z ERROR TaskManagerRunner - Fatal error occurred while executing the TaskManager. Shutting it down...
java.lang.RuntimeException: Writing records to JDBC failed.
	at org.apache.flink.connector.jdbc.Sink.close(Sink.java:1)
Caused by: java.io.IOException: Reestablish JDBC connection failed
	... 5 more
Caused by: org.postgresql.util.PSQLException: Connection to 127.0.0.1:5432 refused.
	... 9 more
2026-11-25T16:50:17.000Z INFO TaskManagerRunner - Terminating.
`

describe('why a process ended', () => {
  it('is the innermost cause of its last error (E2)', () => {
    const reason = endReason({ exitCode: 1, signal: null }, LOG)
    assert.equal(reason, 'it ended with code 1: Connection to 127.0.0.1:5432 refused.')
  })

  it('is the error itself where it has no cause', () => {
    assert.equal(complaintIn('2026-01-01T00:00:00.000Z ERROR Kafka - Exiting Kafka\n'), 'Kafka - Exiting Kafka')
    assert.equal(complaintIn('Exception in thread "main" java.lang.IllegalStateException: no port\n'), 'no port')
    assert.equal(complaintIn('TypeError: nothing is there\n    at x.ts:1\n'), 'TypeError: nothing is there')
  })

  it('is the signal, whatever the log says, and the code where it says nothing', () => {
    assert.equal(endReason({ exitCode: null, signal: 'SIGKILL' }, LOG), 'it was ended by SIGKILL')
    assert.equal(endReason({ exitCode: 3, signal: null }, 'all is well\n'), 'it ended with code 3')
  })

  it('is not the option that ends a process without memory, which each start tells of', () => {
    assert.equal(complaintIn('2026-01-01T00:00:00.000Z INFO Gateway -     -XX:+ExitOnOutOfMemoryError\n'), undefined)
    const ended = 'Terminating due to java.lang.OutOfMemoryError: Java heap space'
    assert.equal(complaintIn(`${ended}\n`), ended)
  })

  it('counts only what the process itself wrote (E1)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-log-'))
    const file = join(folder, 'part.log')
    writeFileSync(file, LOG)
    appendFileSync(file, 'started\n')
    assert.equal(logSince(file, LOG.length), 'started\n')
    assert.equal(logSince(file, 0), `${LOG}started\n`, 'control: without an offset it has all of it')
    assert.equal(logSince(join(folder, 'none.log'), 0), '')
    rmSync(folder, { recursive: true })
  })
})
