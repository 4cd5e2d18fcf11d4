/**
 * Text of SQL statements is made in one place for everyone: `src/query/sql-text.ts`.
 */
export { columnList, qualifiedTable, quoteIdentifier, quoteLiteral, SCHEMA } from '../query/sql-text.ts'
