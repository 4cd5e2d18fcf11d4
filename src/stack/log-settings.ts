/**
 * How the Java processes log: to their standard output, which is a file of the stack's.
 */
export const LOG_SETTINGS = `status=warn
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %p %c{1} - %m%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
`
