#!/usr/bin/env bash
# Makes sure that the machine has a Chromium for the journeys, and Pango for the PDFs; installs them with the system's
# package manager.
set -euo pipefail

find_browser() {
  local name
  for name in "${PORTAL_BROWSER:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    # Ubuntu's package can be a stub that only says what to install instead: it must answer.
    if [ -n "$name" ] && command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

find_pango() {
  local list
  list=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 0  # no such command: importing will tell
  [[ $list == *libpango-1.0.so* && $list == *libpangoft2-1.0.so* ]]
}

explain() {
  cat >&2 <<MESSAGE
The tests need Chromium for the browser journeys and Pango for the PDFs. One is not on this machine, and $1.
Install them and run this again:
  Debian            sudo apt-get install chromium libpango-1.0-0 libpangoft2-1.0-0
  Ubuntu            sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0
                    sudo snap install chromium     (or Google Chrome's own package)
  elsewhere         set PORTAL_BROWSER to the path of a Chromium or Chrome
MESSAGE
  exit 1
}

find_browser && find_pango && exit 0
command -v apt-get >/dev/null || explain "there is no apt-get to install it with"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || explain "you are not root and there is no sudo"
  as_root=(sudo)
  # Without a terminal nobody could type a password.
  [ -t 0 ] || as_root=(sudo -n)
  "${as_root[@]}" true || explain "you may not install packages here"
fi

"${as_root[@]}" apt-get update -qq || echo "The package lists could not be refreshed; trying with those at hand." >&2

# Whether all of the named packages could be installed; what apt-get said is shown only when they could not.
install() {
  local said
  echo "Installing $* with apt-get…"
  said=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" 2>&1) \
    || { echo "$said" >&2; return 1; }
}

find_pango || install libpango-1.0-0 libpangoft2-1.0-0 || explain "apt-get could not install Pango"
for package in chromium chromium-browser; do
  find_browser || install "$package" || continue
done
find_browser || explain "apt-get could not install Chromium"
