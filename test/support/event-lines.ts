/**
 * Records of the ad pipeline as lines of JSON, and lines as the bytes that sources hand over.
 */
const encoder = new TextEncoder()

/** An impression of one campaign, device and browser, but for what is given. */
export function impressionLine(id: string, timeMs: number, given: Readonly<Record<string, unknown>> = {}): string {
  const record = { impression_id: id, campaign_id: 'c1', device_type: 'mobile', browser: 'chrome', cost: 0.25 }
  return JSON.stringify({ ...record, event_timestamp: timeMs, ...given })
}

/** A click on an impression. */
export function clickLine(id: string, impressionId: string, timeMs: number): string {
  return JSON.stringify({ click_id: id, impression_id: impressionId, event_timestamp: timeMs })
}

/** Lines with their line feeds. */
export function lineBytes(...lines: readonly string[]): Uint8Array {
  return encoder.encode(lines.map((line) => `${line}\n`).join(''))
}
