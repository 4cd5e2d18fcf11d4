# What a checkout needs before anything runs: packages by the lock file, a Node that fits, the built page. Sourced by the
# launcher and by the scripts beside it, with $root set to the checkout; they call `set_up` and then use "$node".
#
# S1  Nothing to do costs no call of npm or Node: a stamp in node_modules holds the lock file's checksum and the machine's
#     kind, a stamp in dist/ is as old as the page's newest source.
# S2  Two at once never work on the same files: one holds .tidemark-setup.lock, the other waits and then looks again.
#     A lock is taken over when its holder and the npm it started are dead, or when it is older than 15 minutes.
# S3  A stamp is written after the work it stands for; whatever stops half-way is done again.
# S4  Talk goes to stderr, none of it when $quiet is set. A failure says what failed and how to mend it.

packages_stamp=$root/node_modules/.tidemark-setup
page_stamp=$root/dist/dashboard/.built
setup_lock=$root/.tidemark-setup.lock
lock_limit_minutes=15
least_node=22.18

setup_say() {
  [ -n "${quiet:-}" ] || printf 'tidemark: %s\n' "$*" >&2
}

# setup_fail WHAT FIX
setup_fail() {
  printf 'error [SETUP] %s\n  fix    %s\n' "$1" "$2" >&2
  exit 1
}

# set_up PART...: parts are `packages` (with Node) and `page`. Sets $node.
set_up() {
  setup_is_done "$@" && return 0
  take_setup_lock
  trap 'release_setup_lock' EXIT
  trap 'exit 130' INT TERM HUP
  packages_are_ready || install_packages
  case " $* " in *' page '*) page_is_ready || build_page ;; esac
  trap - EXIT INT TERM HUP
  release_setup_lock
}

setup_is_done() {
  packages_are_ready || return 1
  case " $* " in *' page '*) page_is_ready ;; esac
}

# --- packages and Node -----------------------------------------------------------------------------------------------

# Sets $node when the stamp is that of this lock file on this kind of machine.
packages_are_ready() {
  [ -r "$packages_stamp" ] || return 1
  { IFS= read -r stamped_lock && IFS= read -r stamped_node; } <"$packages_stamp" || return 1
  [ "$stamped_lock" = "$(lock_identity)" ] || return 1
  if [ "$stamped_node" = packaged ]; then
    node=$root/node_modules/.bin/node
    [ -x "$node" ]
  else
    node=$stamped_node
    node_fits "$node"
  fi
}

lock_identity() {
  printf '%s %s' "$(cksum <"$root/package-lock.json")" "$(uname -sm)"
}

install_packages() {
  if installed_by_hand; then
    setup_say 'packages are installed already'
  else
    run_npm_ci
  fi
  choose_node
  printf '%s\n%s\n' "$(lock_identity)" "$chosen_node" >"$packages_stamp.new" &&
    mv -f "$packages_stamp.new" "$packages_stamp" ||
    setup_fail "Cannot write $packages_stamp." "Make $root/node_modules writable for $(id -un)."
}

# Someone ran npm since the lock file last changed, development packages included.
installed_by_hand() {
  [ ! -e "$packages_stamp" ] && [ -d "$root/node_modules/vite" ] && [ -d "$root/node_modules/typescript" ] &&
    [ -n "$(find "$root/node_modules/.package-lock.json" -newer "$root/package-lock.json" 2>/dev/null)" ]
}

run_npm_ci() {
  outer_path=$(path_without_packages)
  PATH=$outer_path command -v node >/dev/null ||
    setup_fail 'There is no Node on the PATH, and setting up needs one (20.19 or later, with npm).' \
      'Install Node 24 from https://nodejs.org or with your package manager, then run the same command again.'
  PATH=$outer_path command -v npm >/dev/null ||
    setup_fail 'There is Node but no npm on the PATH, and setting up needs it.' \
      'Install npm (it comes with Node from https://nodejs.org), then run the same command again.'
  setup_say 'installing packages by the lock file (once; about 520 MB on disk) ...'
  started=$(date +%s)
  # No package needs its install script, so none is run. Development packages are wanted whatever the environment says:
  # the page is built with them.
  # npm notes itself in the lock: it goes on when we are killed, and nobody may join it then.
  (cd "$root" && PATH=$outer_path sh -c 'echo $$ >"$0/worker" && exec npm ci --include=dev --include=optional \
    --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null' "$setup_lock") ||
    setup_fail "npm ci failed in $root; npm says why above." \
      'Check that the npm registry can be reached (npm ping) and that the disk has 1 GB free, then run it again.'
  setup_say "packages installed in $(($(date +%s) - started)) s"
}

# npm must not run on the Node that it is about to replace.
path_without_packages() {
  rest=$PATH:
  clean=
  while [ -n "$rest" ]; do
    entry=${rest%%:*}
    rest=${rest#*:}
    case $entry in */node_modules/.bin) ;; *) clean=${clean:+$clean:}$entry ;; esac
  done
  printf '%s' "$clean"
}

# Our own Node 24 where its package runs here, else the machine's. Sets $node and $chosen_node.
choose_node() {
  node=$root/node_modules/.bin/node
  chosen_node=packaged
  node_fits "$node" && return 0
  node=$(PATH=$(path_without_packages) command -v node || :)
  chosen_node=$node
  node_fits "$node" && return 0
  setup_fail "No Node $least_node or later: there is no package of it that runs on $(uname -sm), and the machine's own is ${node:+$("$node" --version) in }${node:-missing}." \
    'Install Node 24 from https://nodejs.org, then run the same command again.'
}

node_fits() {
  [ -n "$1" ] && [ -x "$1" ] || return 1
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -gt "${least_node%.*}" ] || { [ "$major" -eq "${least_node%.*}" ] && [ "$minor" -ge "${least_node#*.}" ]; }
}

# --- the page --------------------------------------------------------------------------------------------------------

# Folders count too: their times change when a file in them is removed or renamed.
page_is_ready() {
  [ -d "$root/dashboard" ] || return 0
  [ -f "$page_stamp" ] || return 1
  [ -z "$(find "$root/dashboard" "$root/src/pipeline" "$root/src/time" "$root/src/server/merge-patch.ts" \
    "$root/package-lock.json" -newer "$page_stamp" 2>/dev/null | head -n 1)" ]
}

# Built beside its place and moved there whole, so that a server that runs never serves half a page. The stamp is made
# before the build: what is edited meanwhile counts as newer.
build_page() {
  setup_say 'building the page ...'
  started=$(date +%s)
  fresh=$root/dist/dashboard.new
  rm -rf "$fresh" "$fresh.stamp"
  mkdir -p "$root/dist" && : >"$fresh.stamp" ||
    setup_fail "Cannot write to $root/dist." "Make it writable for $(id -un), or remove it."
  output=$(cd "$root" && PATH=$root/node_modules/.bin:$PATH "$node" node_modules/vite/bin/vite.js build dashboard \
    --outDir ../dist/dashboard.new --emptyOutDir --logLevel warn 2>&1) || {
    printf '%s\n' "$output" >&2
    setup_fail 'The page cannot be built; the reason stands above.' \
      'Undo your changes in dashboard/, or remove node_modules and run the same command again.'
  }
  mv "$fresh.stamp" "$fresh/.built" && rm -rf "$root/dist/dashboard" && mv "$fresh" "$root/dist/dashboard" ||
    setup_fail "Cannot move the built page to $root/dist/dashboard." "Make $root/dist writable for $(id -un)."
  setup_say "page built in $(($(date +%s) - started)) s"
}

# --- one at a time ---------------------------------------------------------------------------------------------------

take_setup_lock() {
  waiting=
  until mkdir "$setup_lock" 2>/dev/null; do
    [ -d "$setup_lock" ] || setup_fail "Cannot write to $root, where set-up has to put packages and the page." \
      "Make it writable for $(id -un), or run as its owner."
    holder=$(cat "$setup_lock/pid" 2>/dev/null || :)
    if setup_lock_is_stale "$holder"; then
      remove_stale_lock "$holder"
    else
      [ -n "$waiting" ] || setup_say "waiting for another set-up to end (process ${holder:-unknown}) ..."
      waiting=1
      sleep 1
    fi
  done
  printf '%s\n' "$$" >"$setup_lock/pid"
}

# A lock without a process is one that is just being made, unless it is old.
setup_lock_is_stale() {
  [ -n "$(find "$setup_lock" -prune -mmin "+$lock_limit_minutes" 2>/dev/null)" ] && return 0
  [ -n "$1" ] && ! process_lives "$1" && ! process_lives "$(cat "$setup_lock/worker" 2>/dev/null || :)"
}

# A killed process may stay in the table as a zombie for as long as nobody asks for its end.
process_lives() {
  [ -n "$1" ] || return 1
  if [ -d /proc/self ]; then
    case $(cat "/proc/$1/stat" 2>/dev/null || :) in '' | *') Z '*) return 1 ;; esac
  else
    kill -0 "$1" 2>/dev/null
  fi
}

# Of several that find the same stale lock only one can rename it; one that was renewed meanwhile is put back.
remove_stale_lock() {
  grave=$setup_lock.stale.$$
  mv "$setup_lock" "$grave" 2>/dev/null || return 0
  if [ "$(cat "$grave/pid" 2>/dev/null || :)" != "$1" ]; then
    mv "$grave" "$setup_lock" 2>/dev/null || :
  else
    setup_say 'a set-up before this one did not end; doing its work again'
  fi
  rm -rf "$grave"
}

release_setup_lock() {
  rm -rf "$setup_lock"
}
