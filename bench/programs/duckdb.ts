/**
 * The same job as one query of DuckDB over the files, on one thread.
 *
 * Usage: node duckdb.ts IMPRESSIONS CLICKS OUT
 */
import { DuckDBInstance } from '@duckdb/node-api'

const [impressions = '', clicks = '', out = ''] = process.argv.slice(2).map((path) => path.replaceAll("'", "''"))

const QUERY = `
  copy (
    with impression as materialized (
      select impression_id, any_value(campaign_id) as campaign_id, any_value(event_timestamp) as time_ms
      from read_json('${impressions}', format = 'newline_delimited',
        columns = {impression_id: 'UUID', campaign_id: 'VARCHAR', event_timestamp: 'BIGINT'})
      group by impression_id
    ),
    click as (
      select impression_id, event_timestamp as click_ms
      from read_json('${clicks}', format = 'newline_delimited',
        columns = {impression_id: 'UUID', event_timestamp: 'BIGINT'})
    ),
    clicked as (
      select distinct impression.impression_id
      from impression join click using (impression_id)
      where click_ms between time_ms - 1000 and time_ms + 1800000
    )
    select time_ms // 60000 * 60000 as minute, campaign_id,
      count(*) as impressions, count(clicked.impression_id) as clicks
    from impression left join clicked using (impression_id)
    group by all
  ) to '${out}' (format csv, header false)`

const instance = await DuckDBInstance.create(':memory:', { threads: '1', preserve_insertion_order: 'false' })
const connection = await instance.connect()
await connection.run(QUERY)
connection.closeSync()
instance.closeSync()
