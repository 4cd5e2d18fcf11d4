#!/bin/sh
# ./init.sh: the whole system with one command. Kafka, Flink, PostgreSQL and Superset on this machine, simulated traffic into
# Kafka, the plan's job on Flink, and its dashboard in Superset. Run again it goes on where things are; `./tidemark stack
# down` stops all of it. Arguments go to `stack up`: ./init.sh --superset-port 9088
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
cd "$root" || exit 1

step() { printf '\n== %s\n' "$1"; }
fail() {
  printf '\ninit.sh stopped: %s\n' "$1" >&2
  exit 1
}
job_runs() { ./tidemark flink status --json --quiet 2>/dev/null | grep -q '"job":{'; }
job_was() { ./tidemark flink status --json --quiet 2>/dev/null | sed -n 's/.*"recorded":"\([a-z]*\)".*/\1/p'; }

# A job of an earlier start comes back by itself, from its savepoint or its last checkpoint; one that was stopped is resumed. One
# that left neither, as it was stopped early, counts its topics again, into emptied tables.
job_goes_on() {
  [ "$1" = running ] || {
    ./tidemark flink resume --quiet
    return
  }
  waited=0
  until job_runs; do
    [ "$waited" -lt 300 ] || return 1
    sleep 2
    waited=$((waited + 2))
  done
  echo 'It goes on where it was.'
}

step 'Kafka, Flink, PostgreSQL, Superset and simulated traffic'
./tidemark stack up --only kafka,flink,postgres,superset,traffic --quiet "$@" ||
  fail 'the stack is not up; ./tidemark doctor says what is missing here'

step 'The job on Flink'
if job_runs; then
  echo 'It runs already.'
else
  was=$(job_was)
  case $was in
    running | stopping | stopped) job_goes_on "$was" || fail 'the job does not go on; to begin anew: ./tidemark flink submit --replace' ;;
    *) ./tidemark flink submit --quiet || fail 'the job does not start' ;;
  esac
fi

step 'The dashboard in Superset'
dashboard=$(./tidemark superset import --quiet) || fail 'the dashboard is not installed'
database=$(./tidemark stack status --json --quiet | sed -n 's/.*"databaseUrl":"\([^"]*\)".*/\1/p')

cat <<BANNER

Everything runs.

  dashboard   $dashboard
              user admin, password in .tidemark/stack/superset/admin-password; it is drawn anew every 10 seconds
  Flink       $(./tidemark flink status --quiet 2>/dev/null | head -1)

  ./tidemark page --database-url '$database'
                              our own page over the tables that Flink fills
  ./tidemark stack status     what runs, where, with how much memory
  ./tidemark flink status     checkpoints, restarts and the last failure of the job
  ./tidemark stack logs traffic -f
  ./tidemark stack down       stops everything; --purge removes topics, checkpoints and Superset's metadata too
BANNER
