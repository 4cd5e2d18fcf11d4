/**
 * A process that opens a database and holds it until it is killed. Prints one line of JSON when ready.
 *
 * Usage: node test/support/hold-database.ts DATA_DIR
 */
import { openDatabase } from '../../src/database/open-database.ts'

const database = await openDatabase({ dataDir: process.argv[2] ?? '', settings: { fsync: 'off' } })
console.log(JSON.stringify({ url: database.url, serverPid: database.serverPid }))
setInterval(() => undefined, 60_000)
