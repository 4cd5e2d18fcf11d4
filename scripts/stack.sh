# Kafka, Flink and Superset for the tests of the stack. Sourced by scripts/test, which has set $node. Where they are asked for
# (TIDEMARK_STACK=share or 1; CI=true asks for the share) they are fetched before the first test, all within one limit of time.
# What cannot be had is said aloud, and its tests skip; whatever fails later is a failure. test/support/stack.ts reads what is
# exported here.

stack_fetch_seconds=${TIDEMARK_STACK_FETCH_SECONDS:-480}
# From the start of the run: no test of the stack begins later.
stack_minutes=${TIDEMARK_STACK_MINUTES:-24}

fetch_stack() {
  [ "${CI:-}" != true ] || : "${TIDEMARK_STACK:=share}"
  case ${TIDEMARK_STACK:-} in share | 1) ;; *) return 0 ;; esac
  export TIDEMARK_STACK
  [ "$TIDEMARK_STACK" = 1 ] || TIDEMARK_STACK_UNTIL=$(($(date +%s) + 60 * stack_minutes))
  [ -z "${TIDEMARK_STACK_UNTIL:-}" ] || export TIDEMARK_STACK_UNTIL
  TIDEMARK_STACK_MISSING=$("$node" --disable-warning=ExperimentalWarning test/support/fetch-stack.ts "$stack_fetch_seconds")
  export TIDEMARK_STACK_MISSING
  [ -z "$TIDEMARK_STACK_MISSING" ] || printf 'tests: tests of the stack are skipped. %s\n' "$TIDEMARK_STACK_MISSING" >&2
}
