#!/usr/bin/env bash
# Makes sure that the machine has a Chromium for the journeys; installs one with the system's package manager.
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

explain() {
  cat >&2 <<MESSAGE
The browser journeys need Chromium, which is not on this machine, and $1.
Install it and run this again:
  Debian            sudo apt-get install chromium
  Ubuntu            sudo snap install chromium     (or Google Chrome's own package)
  elsewhere         set PORTAL_BROWSER to the path of a Chromium or Chrome
MESSAGE
  exit 1
}

find_browser && exit 0
command -v apt-get >/dev/null || explain "there is no apt-get to install it with"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || explain "you are not root and there is no sudo"
  as_root=(sudo)
  # Without a terminal nobody could type a password.
  [ -t 0 ] || as_root=(sudo -n)
  "${as_root[@]}" true || explain "you may not install packages here"
fi

echo "Installing Chromium with apt-get…"
"${as_root[@]}" apt-get update -qq || echo "The package lists could not be refreshed; trying with those at hand." >&2
for package in chromium chromium-browser; do
  said=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$package" 2>&1) || { echo "$said" >&2; continue; }
  find_browser && exit 0
done
explain "apt-get could not install it"
