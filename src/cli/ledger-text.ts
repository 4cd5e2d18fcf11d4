/**
 * The ledger of a stream as a line for people.
 */
import { EVENT_CLASSES, type EventClass, type LedgerClass, type StreamName, UNATTRIBUTED } from '../pipeline/plan.ts'
import type { TablesLedger } from '../runtime/status.ts'

type ClassCounts = Readonly<Record<EventClass, number>>

/** A whole number with commas between groups of three digits. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** `clicks  57,269 read = 45,174 counted + 507 duplicate  (difference 0)` */
export function ledgerLine(stream: StreamName, read: number, classes: ClassCounts): string {
  const difference = read - EVENT_CLASSES.reduce((sum, name) => sum + classes[name], 0)
  return `${equation(stream, read, namedCounts(classes))}  (difference ${difference})`
}

/** The same of tables that somebody else fills: who reads them alone knows no difference. */
export function tablesLedgerLine(stream: StreamName, { read, classes, unattributed = 0 }: TablesLedger): string {
  return equation(stream, read, [...namedCounts(classes), [UNATTRIBUTED, unattributed]])
}

type NamedCount = readonly [name: LedgerClass, events: number]

function namedCounts(classes: ClassCounts): readonly NamedCount[] {
  return EVENT_CLASSES.map((name) => [name, classes[name]])
}

function equation(stream: StreamName, read: number, counts: readonly NamedCount[]): string {
  const parts = counts.filter(([, events]) => events > 0).map(([name, events]) => `${grouped(events)} ${name}`)
  return `${stream.padEnd(12)} ${grouped(read)} read = ${parts.join(' + ') || '0'}`
}
