/**
 * Clicks to impressions, and the windows that no event can change any more.
 *
 * A1  A click belongs to the accepted impression of its id with t - e <= c <= t + A; of several, to the latest.
 * A2  Of the clicks of an impression the earliest by event time counts; an earlier one that arrives later takes its
 *     place.
 * A3  A window is final once the watermark behind the interval join has passed it: that join holds the watermark back
 *     by A, and the topics by outOfOrderness + L, so it passes a window exactly when W >= window_end + A + L.
 */
import type { Plan } from '../pipeline/plan.ts'
import { factsType, type FlinkStatement } from './event-views.ts'
import { interval } from './quoting.ts'

/** The statements from accepted events to attributed clicks and closed windows. */
export function attributionStatements(plan: Plan): readonly FlinkStatement[] {
  return [pairsView(plan), matchedView(plan), clickedView(), windowTimesView(), closedWindowsView(plan)]
}

// One value for all of a pair: the planner would otherwise plan the join once for each set of columns in use.
function pairsView(plan: Plan): FlinkStatement {
  const { clockSkewToleranceMs, attributionWindowMs } = plan.parameters
  return {
    about: 'Every click beside each impression it may belong to. Neither side waits longer than A.',
    sql: `CREATE TEMPORARY VIEW pairs AS
SELECT c.rt AS click_rt, CAST(ROW(i.id, i.event_ms, i.facts, c.id, c.event_ms) AS ${pairType(plan)}) AS pair
FROM impressions_accepted AS i
JOIN clicks_accepted AS c
  ON i.id = c.impression_id
  AND c.rt BETWEEN i.rt - ${interval(clockSkewToleranceMs)} AND i.rt + ${interval(attributionWindowMs)}`,
  }
}

function pairType(plan: Plan): string {
  return `ROW<impression_id STRING, impression_ms BIGINT, facts ${factsType(plan)}, click_id STRING, click_ms BIGINT>`
}

const PAIR_COLUMNS = 'pair.impression_id, pair.impression_ms, pair.facts, pair.click_id, pair.click_ms'

// Accepted impressions of one id are more than A + L apart, and a click reaches over A + e: only with e > L over two.
function matchedView({ parameters }: Plan): FlinkStatement {
  if (parameters.clockSkewToleranceMs <= parameters.allowedLatenessMs)
    return {
      about: 'Every click with the one impression it belongs to.',
      sql: `CREATE TEMPORARY VIEW matched AS
SELECT ${PAIR_COLUMNS}
FROM pairs`,
    }
  return {
    about: 'Every click with the impression it belongs to: as e > L there may be two, and the later one has it.',
    sql: `CREATE TEMPORARY VIEW matched AS
SELECT impression_id, impression_ms, facts, click_id, click_ms
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY click_id, click_ms ORDER BY impression_ms DESC) AS place
  FROM (
    SELECT ${PAIR_COLUMNS}
    FROM pairs
  )
)
WHERE place = 1`,
  }
}

function clickedView(): FlinkStatement {
  return {
    about: 'Every impression that was clicked on, with the time of the click that counts.',
    sql: `CREATE TEMPORARY VIEW clicked AS
SELECT impression_id, impression_ms, facts, MIN(click_ms) AS click_ms
FROM matched
GROUP BY impression_id, impression_ms, facts`,
  }
}

function windowTimesView(): FlinkStatement {
  return {
    about: 'What stands in which window, on either axis, behind the watermark of the join.',
    sql: `CREATE TEMPORARY VIEW window_times AS
SELECT rt, facts FROM impressions_accepted
UNION ALL
SELECT click_rt AS rt, pair.facts AS facts FROM pairs`,
  }
}

function closedWindowsView({ parameters }: Plan): FlinkStatement {
  return {
    about: 'A row for each window and combination of dimensions once nothing can change it any more.',
    sql: `CREATE TEMPORARY VIEW closed_windows AS
SELECT CAST(window_start AS TIMESTAMP(3)) AS window_start, facts
FROM TABLE(TUMBLE(TABLE window_times, DESCRIPTOR(rt), ${interval(parameters.windowSizeMs)}))
GROUP BY window_start, window_end, facts`,
  }
}
