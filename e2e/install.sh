#!/usr/bin/env bash
# Installs what the end-to-end tests run: players, the library that other
# players are made of, servers that the pump is compared with, proxies that stand
# in front of it, and the tools that make a slow network. As root on a
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
  "cubemap         /usr/bin/cubemap"
  "icecast2        /usr/bin/icecast2"
  "nodejs          node"
  "php-cli         php"
  "python3         python3"
  "mpv             mpv"
  "gstreamer1.0-tools        gst-launch-1.0"
  "gstreamer1.0-plugins-base /usr/lib/*/gstreamer-1.0/libgstplayback.so"
  "gstreamer1.0-plugins-good /usr/lib/*/gstreamer-1.0/libgstsoup.so"
  "gstreamer1.0-plugins-ugly /usr/lib/*/gstreamer-1.0/libgstasf.so"
  "gstreamer1.0-plugins-bad  /usr/lib/*/gstreamer-1.0/libgstvideoparsersbad.so"
  "gstreamer1.0-rtsp         /usr/lib/*/gstreamer-1.0/libgstrtspclientsink.so"
  "gstreamer1.0-libav        /usr/lib/*/gstreamer-1.0/libgstlibav.so"
  "nginx-light     nginx"
  "libnginx-mod-stream       /usr/lib/nginx/modules/ngx_stream_module.so"
  "libnginx-mod-rtmp         /usr/lib/nginx/modules/ngx_rtmp_module.so"
  "rtmpdump        rtmpdump"
  "haproxy         haproxy"
  "squid           squid"
  "tinyproxy       tinyproxy"
  "varnish         varnishd"
  "stunnel4        stunnel4"
  "openssl         openssl"
  "debootstrap     debootstrap"
  "lintian         lintian"
  "rpm             rpm"
  "openssl         openssl"
  "systemd         systemd-analyze"
  "systemd-container          systemd-nspawn"
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

# tc and some servers live where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin"

# The packages of servers start them when they are installed. The tests start
# their own, so nothing may run here: packages ask policy-rc.d before they start
# or stop anything (invoke-rc.d(8)), and 101 forbids it. Where there is one, it
# was put there by somebody who had a reason, and stays; ours goes again.
policy=/usr/sbin/policy-rc.d
no_services() {
  [ -e "$policy" ] && return
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
}

# What the packages set up to be started with the machine is not, either:
# update-rc.d removes the links of /etc/rc*.d, and with systemd those of the unit.
disable_service() { update-rc.d "$1" disable > /dev/null 2>&1 || true; }
disable_services() {
  local name
  for name in "$@"; do
    case $name in
      cubemap | icecast2 | haproxy | squid | stunnel4) disable_service "$name" ;;
      nginx-light) disable_service nginx ;;
      varnish) disable_service varnish && disable_service varnishncsa ;;
    esac
  done
}

mapfile -t absent < <(missing)
if [ ${#absent[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "e2e: installing ${absent[*]}"
  export DEBIAN_FRONTEND=noninteractive
  no_services
  wanted=("${absent[@]}")
  {
    apt-get update -qq -o Acquire::Retries=3 &&
      apt-get install -y -qq -o Acquire::Retries=3 --no-install-recommends "${absent[@]}"
  } < /dev/null > /dev/null || echo "e2e: apt-get failed" >&2
  disable_services "${wanted[@]}"
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
