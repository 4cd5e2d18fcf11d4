# The browser of the page's tests: a system Chromium. Sourced by scripts/test. As root on Debian a missing one is
# installed; where that cannot be, it says so, and the tests that need it skip aloud (under CI=true they fail).

chromium_limit_seconds=300

find_or_install_chromium() {
  chromium_is_here && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    printf 'tests: no Chromium here, so the tests of the page are skipped. To have it: sudo apt-get install chromium\n' >&2
    return 0
  fi
  printf 'tests: installing Chromium with apt-get (once; up to %s s) ...\n' "$chromium_limit_seconds" >&2
  started=$(date +%s)
  if ! output=$(install_chromium 2>&1); then
    printf '%s\n' "$output" | tail -n 5 >&2
    printf 'tests: Chromium could not be installed, so the tests of the page are skipped. Try: apt-get install chromium\n' >&2
    return 0
  fi
  printf 'tests: Chromium installed in %s s\n' "$(($(date +%s) - started))" >&2
}

chromium_is_here() {
  [ -z "${CHROMIUM:-}" ] || return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

install_chromium() {
  DEBIAN_FRONTEND=noninteractive timeout "$chromium_limit_seconds" sh -c \
    'apt-get update -q && apt-get install -q -y --no-install-recommends chromium'
}
