/**
 * The shares of the failure tests: `npm run test:long` sets TIDEMARK_FAILURE_CYCLES and runs everything; otherwise each
 * test runs a share that continuous integration has time for.
 */

/** Whether everything is to run. */
export const isLong: boolean = process.env['TIDEMARK_FAILURE_CYCLES'] !== undefined
