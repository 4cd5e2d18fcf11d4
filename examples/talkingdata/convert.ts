/**
 * Converts the TalkingData log to NDJSON, row by row: memory does not grow with the log.
 *
 *     scripts/node examples/talkingdata/convert.ts train_sample.csv --out log
 *     unzip -p train.csv.zip | scripts/node examples/talkingdata/convert.ts - --stream impressions | zstd > i.ndjson.zst
 */
import { parseArgs } from 'node:util'
import { convertToFolder, convertToStream } from './conversion.ts'

const USAGE = `Usage: convert.ts CSV|- --out DIR
       convert.ts CSV|- --stream impressions|clicks

  --out DIR        write DIR/impressions.ndjson and DIR/clicks.ndjson
  --stream NAME    write the records of one stream to standard output`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, stream: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  if (values.help === true) {
    console.log(USAGE)
    return 0
  }
  const [csv, ...others] = positionals
  const { out, stream } = values
  if (csv === undefined || others.length > 0 || (out === undefined) === (stream === undefined)) return refuse(USAGE)
  if (out !== undefined) {
    const { impressions, clicks } = await convertToFolder(csv, out)
    console.error(
      `${impressions.toLocaleString('en-US')} impressions and ${clicks.toLocaleString('en-US')} clicks in ${out}`,
    )
    return 0
  }
  if (stream !== 'impressions' && stream !== 'clicks')
    return refuse(`--stream ${stream}: allowed are impressions and clicks.`)
  await convertToStream(csv, stream, process.stdout)
  return 0
}

function refuse(message: string): number {
  console.error(message)
  return 2
}

try {
  process.exitCode = await main()
} catch (error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // A reader that has seen enough is no failure.
  if (code !== 'EPIPE') {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = code === 'ENOENT' ? 66 : typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS') ? 2 : 1
  }
}
