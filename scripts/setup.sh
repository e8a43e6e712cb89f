#!/usr/bin/env bash
# Installs the Debian 12 packages that nightwatt needs and that are not there yet.
# Usage: scripts/setup.sh [GROUP...]   groups of scripts/packages.txt; default: build test
# Says nothing when nothing is missing. Uses sudo when not root.
set -euo pipefail
list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"
[ $# -gt 0 ] || set -- build test

packages=()
for group in "$@"; do
  mapfile -t found < <(awk -v group="[$group]" '
    /^\[/ { on = ($1 == group) } on && /^[a-z0-9]/ { print $1 }' "$list")
  if [ ${#found[@]} -eq 0 ]; then
    echo "setup: no group '$group' in $list" >&2
    exit 2
  fi
  packages+=("${found[@]}")
done

missing=()
for package in "${packages[@]}"; do
  # node and npm often come from elsewhere, in packages that exclude Debian's.
  case $package in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
  esac
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true)
  grep -qx installed <<<"$status" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing, and there is no sudo to install them; as root run:" >&2
    echo "  apt-get update && apt-get install ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
echo "setup: installing ${missing[*]}"
run+=(env DEBIAN_FRONTEND=noninteractive)
"${run[@]}" apt-get update -qq
# dpkg's chatter is of use only when something fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "setup: apt-get could not install all of: ${missing[*]}" >&2
  exit 1
fi
