#!/usr/bin/env bash
# Installs what the end-to-end tests run: players, the library that other
# players are made of, and the tools that make a slow network. As root on a
# Debian system it installs what is missing; elsewhere it says what is missing,
# and the tests that need it are skipped. With CI=true a missing one is an error.
set -euo pipefail

# package, and a command or file that shows it is there
needs=(
  "ffmpeg          ffmpeg"
  "vlc-bin         cvlc"
  "vlc-plugin-base /usr/lib/*/vlc/plugins/access/libaccess_mms_plugin.so"
  "mplayer         mplayer"
  "libmms-dev      /usr/include/libmms/mmsh.h"
  "gcc             gcc"
  "libc6-dev       /usr/include/stdio.h"
  "iproute2        tc"
  "util-linux      setpriv"
  "curl            curl"
)

# have COMMAND-OR-PATTERN
have() {
  case $1 in
    /*) compgen -G "$1" > /dev/null ;;
    *)  command -v "$1" > /dev/null ;;
  esac
}

missing() {
  local package sign
  for need in "${needs[@]}"; do
    read -r package sign <<< "$need"
    have "$sign" || echo "$package"
  done
}

# tc lives where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin"

mapfile -t absent < <(missing)
if [ ${#absent[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "e2e: installing ${absent[*]}"
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get update -qq -o Acquire::Retries=3 &&
      apt-get install -y -qq -o Acquire::Retries=3 --no-install-recommends "${absent[@]}"
  } < /dev/null > /dev/null || echo "e2e: apt-get failed" >&2
  mapfile -t absent < <(missing)
fi

if [ ${#absent[@]} -eq 0 ]; then
  echo "e2e: players and tools are all here"
  exit 0
fi
echo "e2e: missing: ${absent[*]}"
if [ "${CI:-}" = true ]; then
  echo "e2e: with CI=true nothing may be missing" >&2
  exit 1
fi
echo "e2e: the tests that need them are skipped; to install them: apt-get install --no-install-recommends ${absent[*]}"
