-- Pipeline by_country for Apache Flink 2.2. Made from the plan; change the definition, not this text.
-- Plan f639edb8e5c086e0bc05aafbe972a9b47a67f8e30151d79a04c1e02106b9d266
-- A = 30m (attributionWindow), e = 1m (clockSkewTolerance), L = 5s (allowedLateness), outOfOrderness = 5s

-- How the job runs.
SET 'pipeline.name' = 'tidemark-by_country';
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '2';
SET 'state.backend.type' = 'rocksdb';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'execution.checkpointing.incremental' = 'true';
SET 'table.exec.state.ttl' = '86400000 ms';
SET 'table.exec.source.idle-timeout' = '60000 ms';

-- The topic of impressions, record by record. rt is the event time, the epoch where there is none.
-- The watermark trails by outOfOrderness and allowedLateness.
CREATE TEMPORARY TABLE impressions_topic (
  body STRING,
  record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  rt AS TO_TIMESTAMP_LTZ(COALESCE(CASE WHEN CASE
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{1,18}$') THEN CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS BIGINT)
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3}0*)?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$') THEN UNIX_TIMESTAMP(CONCAT(SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 1, 10), ' ', SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 12, 5), ' ', REPLACE(REGEXP_EXTRACT(UPPER(JSON_VALUE(body, 'lax $[''event_timestamp'']')), '(Z|[+-][0-9:]+)$', 1), ':', ''), '00'), 'yyyy-MM-dd HH:mm XX') * 1000 + CAST(COALESCE(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^.{16}:([0-9.]+)', 1) AS DECIMAL(20, 3)), 0) * 1000 AS BIGINT)
    WHEN MOD(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)), 1) = 0 THEN CAST(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)) AS BIGINT)
  END < 4133980800000 THEN CASE
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{1,18}$') THEN CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS BIGINT)
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3}0*)?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$') THEN UNIX_TIMESTAMP(CONCAT(SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 1, 10), ' ', SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 12, 5), ' ', REPLACE(REGEXP_EXTRACT(UPPER(JSON_VALUE(body, 'lax $[''event_timestamp'']')), '(Z|[+-][0-9:]+)$', 1), ':', ''), '00'), 'yyyy-MM-dd HH:mm XX') * 1000 + CAST(COALESCE(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^.{16}:([0-9.]+)', 1) AS DECIMAL(20, 3)), 0) * 1000 AS BIGINT)
    WHEN MOD(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)), 1) = 0 THEN CAST(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)) AS BIGINT)
  END END, CAST(0 AS BIGINT)), 3),
  WATERMARK FOR rt AS rt - INTERVAL '0 00:01:10.000' DAY(3) TO SECOND(3)
) WITH (
  'connector' = 'kafka',
  'topic' = 'ad-impressions',
  'properties.bootstrap.servers' = '127.0.0.1:9092',
  'properties.group.id' = 'tidemark-by_country',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'format' = 'raw'
);

-- The known fields of each record as one object, and the text of those that are needed, each taken once.
CREATE TEMPORARY VIEW impressions_records AS
SELECT rt, record_time,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_QUERY(body, 'lax $[''impression_id'',''user_id'',''campaign_id'',''ad_id'',''device_type'',''browser'',''event_timestamp'',''cost'',''pays d\''origine'']') END AS known_fields,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''impression_id'']') END AS `text_impression_id`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''campaign_id'']') END AS `text_campaign_id`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''device_type'']') END AS `text_device_type`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''browser'']') END AS `text_browser`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''pays d\''origine'']') END AS `text_4`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''cost'']') END AS `text_cost`
FROM impressions_topic;

-- Whether each record is an event, and what of it is needed from here on, in one value.
CREATE TEMPORARY VIEW impressions_checked AS
SELECT rt, CASE WHEN UNIX_TIMESTAMP() > 0 THEN CAST(ROW(`text_impression_id`, event_ms, record_time, CAST(ROW(COALESCE(NULLIF(`text_campaign_id`, ''), 'unknown'), COALESCE(NULLIF(`text_device_type`, ''), 'unknown'), COALESCE(NULLIF(`text_browser`, ''), 'unknown'), COALESCE(NULLIF(`text_4`, ''), 'it''s `gone`'), CASE WHEN `text_cost` IS NULL THEN 0 ELSE CAST(TRY_CAST(`text_cost` AS DECIMAL(20, 6)) * 1000000 AS BIGINT) END, CAST(1 AS BIGINT)) AS ROW<`d_campaign_id` STRING, `d_device_type` STRING, `d_browser` STRING, `d_country` STRING, `s_0` BIGINT, `one` BIGINT>),
  (REGEXP(known_fields, '^[{](?:"ad_id":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?(?:"browser":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?(?:"campaign_id":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?(?:"cost":(?:-?[0-9][0-9.E+-]{0,512}+|null)[,}])?(?:"device_type":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?"event_timestamp":(?:(?!"")"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+)[,}]"impression_id":(?:(?!"")"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+)[,}](?:"pays d''origine":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?(?:"user_id":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?$')
    AND event_ms BETWEEN 946684800000 AND 4133980799999
    AND COALESCE(CHAR_LENGTH(HEX(`text_impression_id`)), 0) <= 1024
    AND COALESCE(CHAR_LENGTH(HEX(`text_campaign_id`)), 0) <= 1024
    AND COALESCE(CHAR_LENGTH(HEX(`text_device_type`)), 0) <= 1024
    AND COALESCE(CHAR_LENGTH(HEX(`text_browser`)), 0) <= 1024
    AND COALESCE(CHAR_LENGTH(HEX(`text_4`)), 0) <= 1024
    AND CASE WHEN `text_cost` IS NULL THEN 0 ELSE CAST(TRY_CAST(`text_cost` AS DECIMAL(20, 6)) * 1000000 AS BIGINT) END BETWEEN 0 AND 1000000000000) IS TRUE) AS ROW<id STRING, event_ms BIGINT, record_time TIMESTAMP_LTZ(3), facts ROW<`d_campaign_id` STRING, `d_device_type` STRING, `d_browser` STRING, `d_country` STRING, `s_0` BIGINT, `one` BIGINT>, is_event BOOLEAN>) END AS checked
FROM (SELECT *, EXTRACT(EPOCH FROM CAST(rt AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(rt AS TIMESTAMP(3))) AS event_ms FROM impressions_records);

-- The records that are events, in the order in which they arrive.
CREATE TEMPORARY VIEW impressions_events AS
SELECT rt, PROCTIME() AS arrival, checked.id AS id, checked.event_ms AS event_ms, checked.facts AS facts
FROM impressions_checked
WHERE checked.is_event;

-- Each event beside the first of its id: number 1 is accepted, and those near it are its duplicates.
CREATE TEMPORARY VIEW impressions_marked AS
SELECT rt, arrival, id, event_ms, facts,
  COUNT(*) OVER by_arrival AS number_of_id,
  ABS(event_ms - FIRST_VALUE(event_ms) OVER by_arrival) <= 1805000 AS is_near
FROM impressions_events
WINDOW by_arrival AS (PARTITION BY id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- An id used again after A + L names a new event, and so on: the same for those far from the first.
CREATE TEMPORARY VIEW impressions_far AS
SELECT rt, arrival, id, event_ms, facts,
  COUNT(*) OVER by_arrival AS number_of_id,
  ABS(event_ms - FIRST_VALUE(event_ms) OVER by_arrival) <= 1805000 AS is_near
FROM impressions_marked
WHERE NOT is_near
WINDOW by_arrival AS (PARTITION BY id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- Those far from both: new events where the one before it, if there is one, is far as well.
CREATE TEMPORARY VIEW impressions_farther AS
SELECT rt, arrival, id, event_ms, facts,
  COALESCE(ABS(event_ms - LAG(event_ms) OVER (PARTITION BY id ORDER BY arrival)) > 1805000, TRUE) AS is_new
FROM impressions_far
WHERE NOT is_near;

-- New events under an id that was used before.
CREATE TEMPORARY VIEW impressions_again AS
SELECT rt, id, event_ms, facts FROM impressions_far WHERE number_of_id = 1
UNION ALL
SELECT rt, id, event_ms, facts FROM impressions_farther WHERE is_new;

-- The impressions that are neither malformed nor duplicates.
CREATE TEMPORARY VIEW impressions_accepted AS
SELECT rt, id, event_ms, facts FROM impressions_marked WHERE number_of_id = 1
UNION ALL
SELECT rt, id, event_ms, facts FROM impressions_again;

-- The topic of clicks, record by record. rt is the event time, the epoch where there is none.
-- The watermark trails by outOfOrderness and allowedLateness.
CREATE TEMPORARY TABLE clicks_topic (
  body STRING,
  record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  rt AS TO_TIMESTAMP_LTZ(COALESCE(CASE WHEN CASE
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{1,18}$') THEN CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS BIGINT)
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3}0*)?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$') THEN UNIX_TIMESTAMP(CONCAT(SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 1, 10), ' ', SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 12, 5), ' ', REPLACE(REGEXP_EXTRACT(UPPER(JSON_VALUE(body, 'lax $[''event_timestamp'']')), '(Z|[+-][0-9:]+)$', 1), ':', ''), '00'), 'yyyy-MM-dd HH:mm XX') * 1000 + CAST(COALESCE(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^.{16}:([0-9.]+)', 1) AS DECIMAL(20, 3)), 0) * 1000 AS BIGINT)
    WHEN MOD(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)), 1) = 0 THEN CAST(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)) AS BIGINT)
  END < 4133980800000 THEN CASE
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{1,18}$') THEN CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS BIGINT)
    WHEN REGEXP(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3}0*)?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$') THEN UNIX_TIMESTAMP(CONCAT(SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 1, 10), ' ', SUBSTRING(JSON_VALUE(body, 'lax $[''event_timestamp'']'), 12, 5), ' ', REPLACE(REGEXP_EXTRACT(UPPER(JSON_VALUE(body, 'lax $[''event_timestamp'']')), '(Z|[+-][0-9:]+)$', 1), ':', ''), '00'), 'yyyy-MM-dd HH:mm XX') * 1000 + CAST(COALESCE(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(body, 'lax $[''event_timestamp'']'), '^.{16}:([0-9.]+)', 1) AS DECIMAL(20, 3)), 0) * 1000 AS BIGINT)
    WHEN MOD(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)), 1) = 0 THEN CAST(TRY_CAST(JSON_VALUE(body, 'lax $[''event_timestamp'']') AS DECIMAL(38, 18)) AS BIGINT)
  END END, CAST(0 AS BIGINT)), 3),
  WATERMARK FOR rt AS rt - INTERVAL '0 00:01:10.000' DAY(3) TO SECOND(3)
) WITH (
  'connector' = 'kafka',
  'topic' = 'ad-clicks',
  'properties.bootstrap.servers' = '127.0.0.1:9092',
  'properties.group.id' = 'tidemark-by_country',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'format' = 'raw'
);

-- The known fields of each record as one object, and the text of those that are needed, each taken once.
CREATE TEMPORARY VIEW clicks_records AS
SELECT rt, record_time,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_QUERY(body, 'lax $[''click_id'',''impression_id'',''user_id'',''event_timestamp'']') END AS known_fields,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''click_id'']') END AS `text_click_id`,
  CASE WHEN UNIX_TIMESTAMP() > 0 THEN JSON_VALUE(body, 'lax $[''impression_id'']') END AS `text_impression_id`
FROM clicks_topic;

-- Whether each record is an event, and what of it is needed from here on, in one value.
CREATE TEMPORARY VIEW clicks_checked AS
SELECT rt, CASE WHEN UNIX_TIMESTAMP() > 0 THEN CAST(ROW(`text_click_id`, event_ms, record_time, `text_impression_id`,
  (REGEXP(known_fields, '^[{]"click_id":(?:(?!"")"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+)[,}]"event_timestamp":(?:(?!"")"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+)[,}]"impression_id":(?:(?!"")"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+)[,}](?:"user_id":(?:"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"|-?[0-9][0-9.E+-]{0,512}+|null)[,}])?$')
    AND event_ms BETWEEN 946684800000 AND 4133980799999
    AND COALESCE(CHAR_LENGTH(HEX(`text_click_id`)), 0) <= 1024
    AND COALESCE(CHAR_LENGTH(HEX(`text_impression_id`)), 0) <= 1024) IS TRUE) AS ROW<id STRING, event_ms BIGINT, record_time TIMESTAMP_LTZ(3), impression_id STRING, is_event BOOLEAN>) END AS checked
FROM (SELECT *, EXTRACT(EPOCH FROM CAST(rt AS TIMESTAMP(3))) * 1000 + EXTRACT(MILLISECOND FROM CAST(rt AS TIMESTAMP(3))) AS event_ms FROM clicks_records);

-- The records that are events, in the order in which they arrive.
CREATE TEMPORARY VIEW clicks_events AS
SELECT rt, PROCTIME() AS arrival, checked.id AS id, checked.event_ms AS event_ms, checked.impression_id AS impression_id
FROM clicks_checked
WHERE checked.is_event;

-- Each event beside the first of its id: number 1 is accepted, and those near it are its duplicates.
CREATE TEMPORARY VIEW clicks_marked AS
SELECT rt, arrival, id, event_ms, impression_id,
  COUNT(*) OVER by_arrival AS number_of_id,
  ABS(event_ms - FIRST_VALUE(event_ms) OVER by_arrival) <= 1805000 AS is_near
FROM clicks_events
WINDOW by_arrival AS (PARTITION BY id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- An id used again after A + L names a new event, and so on: the same for those far from the first.
CREATE TEMPORARY VIEW clicks_far AS
SELECT rt, arrival, id, event_ms, impression_id,
  COUNT(*) OVER by_arrival AS number_of_id,
  ABS(event_ms - FIRST_VALUE(event_ms) OVER by_arrival) <= 1805000 AS is_near
FROM clicks_marked
WHERE NOT is_near
WINDOW by_arrival AS (PARTITION BY id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- Those far from both: new events where the one before it, if there is one, is far as well.
CREATE TEMPORARY VIEW clicks_farther AS
SELECT rt, arrival, id, event_ms, impression_id,
  COALESCE(ABS(event_ms - LAG(event_ms) OVER (PARTITION BY id ORDER BY arrival)) > 1805000, TRUE) AS is_new
FROM clicks_far
WHERE NOT is_near;

-- New events under an id that was used before.
CREATE TEMPORARY VIEW clicks_again AS
SELECT rt, id, event_ms, impression_id FROM clicks_far WHERE number_of_id = 1
UNION ALL
SELECT rt, id, event_ms, impression_id FROM clicks_farther WHERE is_new;

-- The clicks that are neither malformed nor duplicates.
CREATE TEMPORARY VIEW clicks_accepted AS
SELECT rt, id, event_ms, impression_id FROM clicks_marked WHERE number_of_id = 1
UNION ALL
SELECT rt, id, event_ms, impression_id FROM clicks_again;

-- Every click beside each impression it may belong to. Neither side waits longer than A.
CREATE TEMPORARY VIEW pairs AS
SELECT c.rt AS click_rt, CAST(ROW(i.id, i.event_ms, i.facts, c.id, c.event_ms) AS ROW<impression_id STRING, impression_ms BIGINT, facts ROW<`d_campaign_id` STRING, `d_device_type` STRING, `d_browser` STRING, `d_country` STRING, `s_0` BIGINT, `one` BIGINT>, click_id STRING, click_ms BIGINT>) AS pair
FROM impressions_accepted AS i
JOIN clicks_accepted AS c
  ON i.id = c.impression_id
  AND c.rt BETWEEN i.rt - INTERVAL '0 00:01:00.000' DAY(3) TO SECOND(3) AND i.rt + INTERVAL '0 00:30:00.000' DAY(3) TO SECOND(3);

-- Every click with the impression it belongs to: as e > L there may be two, and the later one has it.
CREATE TEMPORARY VIEW matched AS
SELECT impression_id, impression_ms, facts, click_id, click_ms
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY click_id, click_ms ORDER BY impression_ms DESC) AS place
  FROM (
    SELECT pair.impression_id, pair.impression_ms, pair.facts, pair.click_id, pair.click_ms
    FROM pairs
  )
)
WHERE place = 1;

-- Every impression that was clicked on, with the time of the click that counts.
CREATE TEMPORARY VIEW clicked AS
SELECT impression_id, impression_ms, facts, MIN(click_ms) AS click_ms
FROM matched
GROUP BY impression_id, impression_ms, facts;

-- What stands in which window, on either axis, behind the watermark of the join.
CREATE TEMPORARY VIEW window_times AS
SELECT rt, facts FROM impressions_accepted
UNION ALL
SELECT click_rt AS rt, pair.facts AS facts FROM pairs;

-- A row for each window and combination of dimensions once nothing can change it any more.
CREATE TEMPORARY VIEW closed_windows AS
SELECT CAST(window_start AS TIMESTAMP(3)) AS window_start, facts
FROM TABLE(TUMBLE(TABLE window_times, DESCRIPTOR(rt), INTERVAL '0 00:00:01.000' DAY(3) TO SECOND(3)))
GROUP BY window_start, window_end, facts;

-- What changes a cell on the impression axis: an impression, its click, the end of its window.
CREATE TEMPORARY VIEW impression_axis AS
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, facts, CAST(1 AS BIGINT) AS impressions, CAST(0 AS BIGINT) AS clicks, CAST(0 AS BIGINT) AS closed FROM impressions_accepted
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(impression_ms - MOD(impression_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, facts, CAST(0 AS BIGINT) AS impressions, CAST(CASE WHEN click_ms IS NULL THEN 0 ELSE 1 END AS BIGINT) AS clicks, CAST(0 AS BIGINT) AS closed FROM clicked
UNION ALL
SELECT window_start AS window_start, facts, CAST(0 AS BIGINT) AS impressions, CAST(0 AS BIGINT) AS clicks, CAST(1 AS BIGINT) AS closed FROM closed_windows;

-- The same on the click axis.
CREATE TEMPORARY VIEW click_axis AS
SELECT CAST(TO_TIMESTAMP_LTZ(click_ms - MOD(click_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, facts, CAST(0 AS BIGINT) AS impressions, CAST(CASE WHEN click_ms IS NULL THEN 0 ELSE 1 END AS BIGINT) AS clicks, CAST(0 AS BIGINT) AS closed FROM clicked
UNION ALL
SELECT window_start AS window_start, facts, CAST(0 AS BIGINT) AS impressions, CAST(0 AS BIGINT) AS clicks, CAST(1 AS BIGINT) AS closed FROM closed_windows;

-- What enters and leaves each class.
CREATE TEMPORARY VIEW ledger_entries AS
SELECT CAST(TO_TIMESTAMP_LTZ((UNIX_TIMESTAMP(DATE_FORMAT(checked.record_time, 'yyyy-MM-dd HH:mm:ss')) * 1000) - MOD((UNIX_TIMESTAMP(DATE_FORMAT(checked.record_time, 'yyyy-MM-dd HH:mm:ss')) * 1000), 1000), 3) AS TIMESTAMP(3)) AS window_start, 'impressions' AS `stream`, 'malformed' AS `class`, CAST(1 AS BIGINT) AS events FROM impressions_checked WHERE NOT checked.is_event AND CAST(rt AS STRING) <> ''
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'impressions' AS `stream`, CASE WHEN number_of_id = 1 THEN 'counted' ELSE 'duplicate' END AS `class`, CAST(1 AS BIGINT) AS events FROM impressions_marked WHERE number_of_id > 0
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'impressions' AS `stream`, 'duplicate' AS `class`, CAST(-1 AS BIGINT) AS events FROM impressions_again
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'impressions' AS `stream`, 'counted' AS `class`, CAST(1 AS BIGINT) AS events FROM impressions_again
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ((UNIX_TIMESTAMP(DATE_FORMAT(checked.record_time, 'yyyy-MM-dd HH:mm:ss')) * 1000) - MOD((UNIX_TIMESTAMP(DATE_FORMAT(checked.record_time, 'yyyy-MM-dd HH:mm:ss')) * 1000), 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'malformed' AS `class`, CAST(1 AS BIGINT) AS events FROM clicks_checked WHERE NOT checked.is_event AND CAST(rt AS STRING) <> ''
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, CASE WHEN number_of_id = 1 THEN 'unattributed' ELSE 'duplicate' END AS `class`, CAST(1 AS BIGINT) AS events FROM clicks_marked WHERE number_of_id > 0
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'duplicate' AS `class`, CAST(-1 AS BIGINT) AS events FROM clicks_again
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(event_ms - MOD(event_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'unattributed' AS `class`, CAST(1 AS BIGINT) AS events FROM clicks_again
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(click_ms - MOD(click_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'unattributed' AS `class`, CAST(-1 AS BIGINT) AS events FROM matched
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(click_ms - MOD(click_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'repeat' AS `class`, CAST(1 AS BIGINT) AS events FROM matched
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(click_ms - MOD(click_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'repeat' AS `class`, CAST(-1 AS BIGINT) AS events FROM clicked
UNION ALL
SELECT CAST(TO_TIMESTAMP_LTZ(click_ms - MOD(click_ms, 1000), 3) AS TIMESTAMP(3)) AS window_start, 'clicks' AS `stream`, 'counted' AS `class`, CAST(1 AS BIGINT) AS events FROM clicked;

-- The table engagement_by_device in PostgreSQL.
CREATE TEMPORARY TABLE `table_engagement_by_device` (
  `device_type` STRING,
  `window_start` TIMESTAMP(3),
  `window_end` TIMESTAMP(3),
  `impressions` BIGINT,
  `clicks` BIGINT,
  `ctr` DOUBLE,
  `spend` DECIMAL(20, 6),
  `is_final` BOOLEAN,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `device_type`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"engagement_by_device"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The table performance in PostgreSQL.
CREATE TEMPORARY TABLE `table_performance` (
  `campaign_id` STRING,
  `device_type` STRING,
  `browser` STRING,
  `window_start` TIMESTAMP(3),
  `window_end` TIMESTAMP(3),
  `impressions` BIGINT,
  `clicks` BIGINT,
  `spend` DECIMAL(20, 6),
  `is_final` BOOLEAN,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `campaign_id`, `device_type`, `browser`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"performance"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The table clicks_by_minute in PostgreSQL.
CREATE TEMPORARY TABLE `table_clicks_by_minute` (
  `campaign_id` STRING,
  `device_type` STRING,
  `window_start` TIMESTAMP(3),
  `window_end` TIMESTAMP(3),
  `clicks` BIGINT,
  `is_final` BOOLEAN,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `campaign_id`, `device_type`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"clicks_by_minute"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The table select in PostgreSQL.
CREATE TEMPORARY TABLE `table_select` (
  `campaign_id` STRING,
  `window_start` TIMESTAMP(3),
  `window_end` TIMESTAMP(3),
  `impressions` BIGINT,
  `clicks` BIGINT,
  `ctr` DOUBLE,
  `is_final` BOOLEAN,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `campaign_id`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"select"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The table ecpm_by_country in PostgreSQL.
CREATE TEMPORARY TABLE `table_ecpm_by_country` (
  `country` STRING,
  `window_start` TIMESTAMP(3),
  `window_end` TIMESTAMP(3),
  `impressions` BIGINT,
  `ecpm` DOUBLE,
  `is_final` BOOLEAN,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `country`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"ecpm_by_country"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The table ledger in PostgreSQL.
CREATE TEMPORARY TABLE `table_ledger` (
  `stream` STRING,
  `window_start` TIMESTAMP(3),
  `class` STRING,
  `events` BIGINT,
  `updated_at` TIMESTAMP(3),
  PRIMARY KEY (`window_start`, `stream`, `class`) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:5432/tidemark?reWriteBatchedInserts=true',
  'username' = 'tidemark',
  'password' = '',
  'table-name' = '"ledger"',
  'sink.buffer-flush.interval' = '1s',
  'sink.buffer-flush.max-rows' = '2000',
  'sink.max-retries' = '10',
  'sink.parallelism' = '1'
);

-- The job.
EXECUTE STATEMENT SET
BEGIN
INSERT INTO `table_engagement_by_device`
SELECT
  facts.`d_device_type` AS `device_type`,
  window_start AS `window_start`,
  TIMESTAMPADD(SECOND, 1, window_start) AS `window_end`,
  SUM(impressions) AS `impressions`,
  SUM(clicks) AS `clicks`,
  CASE WHEN CAST(SUM(impressions) AS DOUBLE) <> 0 THEN CAST(SUM(clicks) AS DOUBLE) / CAST(SUM(impressions) AS DOUBLE) END AS `ctr`,
  CAST(SUM(impressions * facts.`s_0`) * 0.000001 AS DECIMAL(20, 6)) AS `spend`,
  SUM(closed) > 0 AS `is_final`,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `updated_at`
FROM impression_axis
GROUP BY window_start, facts.`d_device_type`
HAVING SUM(impressions) > 0;

INSERT INTO `table_performance`
SELECT
  facts.`d_campaign_id` AS `campaign_id`,
  facts.`d_device_type` AS `device_type`,
  facts.`d_browser` AS `browser`,
  window_start AS `window_start`,
  TIMESTAMPADD(SECOND, 1, window_start) AS `window_end`,
  SUM(impressions) AS `impressions`,
  SUM(clicks) AS `clicks`,
  CAST(SUM(impressions * facts.`s_0`) * 0.000001 AS DECIMAL(20, 6)) AS `spend`,
  SUM(closed) > 0 AS `is_final`,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `updated_at`
FROM impression_axis
GROUP BY window_start, facts.`d_campaign_id`, facts.`d_device_type`, facts.`d_browser`
HAVING SUM(impressions) > 0;

INSERT INTO `table_clicks_by_minute`
SELECT
  facts.`d_campaign_id` AS `campaign_id`,
  facts.`d_device_type` AS `device_type`,
  window_start AS `window_start`,
  TIMESTAMPADD(SECOND, 1, window_start) AS `window_end`,
  SUM(clicks) AS `clicks`,
  SUM(closed) > 0 AS `is_final`,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `updated_at`
FROM click_axis
GROUP BY window_start, facts.`d_campaign_id`, facts.`d_device_type`
HAVING SUM(clicks) > 0;

INSERT INTO `table_select`
SELECT
  facts.`d_campaign_id` AS `campaign_id`,
  window_start AS `window_start`,
  TIMESTAMPADD(SECOND, 1, window_start) AS `window_end`,
  SUM(impressions) AS `impressions`,
  SUM(clicks) AS `clicks`,
  CASE WHEN CAST(SUM(impressions) AS DOUBLE) <> 0 THEN CAST(SUM(clicks) AS DOUBLE) / CAST(SUM(impressions) AS DOUBLE) END AS `ctr`,
  SUM(closed) > 0 AS `is_final`,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `updated_at`
FROM impression_axis
GROUP BY window_start, facts.`d_campaign_id`
HAVING SUM(impressions) > 0;

INSERT INTO `table_ecpm_by_country`
SELECT
  facts.`d_country` AS `country`,
  window_start AS `window_start`,
  TIMESTAMPADD(SECOND, 1, window_start) AS `window_end`,
  SUM(impressions) AS `impressions`,
  CASE WHEN CAST(SUM(impressions) AS DOUBLE) <> 0 THEN 1000.0E0 * (CAST(SUM(impressions * facts.`s_0`) AS DOUBLE) / 1000000.0E0) / CAST(SUM(impressions) AS DOUBLE) END AS `ecpm`,
  SUM(closed) > 0 AS `is_final`,
  CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)) AS `updated_at`
FROM impression_axis
GROUP BY window_start, facts.`d_country`
HAVING SUM(impressions) > 0;

INSERT INTO `table_ledger`
SELECT `stream`, window_start, `class`, SUM(events), CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))
FROM ledger_entries
GROUP BY window_start, `stream`, `class`
HAVING SUM(events) <> 0;
END;
