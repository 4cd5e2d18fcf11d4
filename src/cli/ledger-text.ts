/**
 * The ledger of a stream as a line for people.
 */
import { EVENT_CLASSES, type EventClass, type StreamName } from '../pipeline/plan.ts'

/** A whole number with commas between groups of three digits. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** `clicks  57,269 read = 45,174 counted + 507 duplicate  (difference 0)` */
export function ledgerLine(stream: StreamName, read: number, classes: Readonly<Record<EventClass, number>>): string {
  const parts = EVENT_CLASSES.filter((name) => classes[name] > 0).map((name) => `${grouped(classes[name])} ${name}`)
  const difference = read - EVENT_CLASSES.reduce((sum, name) => sum + classes[name], 0)
  return `${stream.padEnd(12)} ${grouped(read)} read = ${parts.join(' + ') || '0'}  (difference ${difference})`
}
