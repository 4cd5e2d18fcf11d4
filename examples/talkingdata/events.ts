/**
 * One row of the TalkingData log as our events.
 *
 * A row is an ad touch: an impression. Where the touch led to an install it is a click as well, at the time of the
 * install. Both carry the number of the row, from 1, as their id. Times stay text: one that is none is not dropped here
 * but becomes a dead letter of the pipeline, with the number of its line.
 */

/** The columns that are read. The log has two more rules: no quotes, and times in UTC to the second. */
export interface TouchRow {
  readonly ip: string
  readonly app: string
  readonly device: string
  readonly os: string
  readonly channel: string
  readonly click_time: string
  /** Empty where nothing was installed. */
  readonly attributed_time: string
}

/** The names of {@link TouchRow}, all of which the header must have. */
export const TOUCH_COLUMNS: readonly (keyof TouchRow)[] = [
  'ip',
  'app',
  'device',
  'os',
  'channel',
  'click_time',
  'attributed_time',
]

/** A record of the stream `impressions`, as JSON in one line. */
export function impressionLine(row: TouchRow, rowNumber: number): string {
  return JSON.stringify({
    impression_id: String(rowNumber),
    user_id: row.ip,
    campaign_id: row.channel,
    ad_id: row.app,
    device_type: row.device,
    browser: row.os,
    event_timestamp: inUtc(row.click_time),
  })
}

/** A record of the stream `clicks`, as JSON in one line; undefined where nothing was installed. */
export function clickLine(row: TouchRow, rowNumber: number): string | undefined {
  if (row.attributed_time === '') return undefined
  return JSON.stringify({
    click_id: String(rowNumber),
    impression_id: String(rowNumber),
    user_id: row.ip,
    event_timestamp: inUtc(row.attributed_time),
  })
}

/** `2017-11-07 09:30:38` as `2017-11-07T09:30:38Z`. */
function inUtc(time: string): string {
  return `${time.replace(' ', 'T')}Z`
}
