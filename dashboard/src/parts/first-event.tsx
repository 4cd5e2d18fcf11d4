import type { VNode } from 'preact'
import { copyText } from '../live/take-away.ts'

/** What to do while nothing has come: the line that sends a first event. */
export function FirstEvent(): VNode {
  const event = JSON.stringify({
    impression_id: 'i-1',
    campaign_id: 'spring',
    device_type: 'mobile',
    browser: 'chrome',
    event_timestamp: Date.now(),
    cost: 0.25,
  })
  const line = `curl -H 'content-type: application/json' -d '${event}' ${location.origin}/v1/impressions`
  return (
    <section class="first-event" aria-labelledby="title-first">
      <h2 id="title-first">Nothing has come yet</h2>
      <p>This line sends a first impression; it shows here within a second or two.</p>
      <pre class="code" tabIndex={0} aria-label="Command">
        {line}
      </pre>
      <button type="button" class="quiet" onClick={() => copyText(line, 'Command')}>
        copy
      </button>
    </section>
  )
}
