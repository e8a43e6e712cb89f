#!/usr/bin/env bash
# Makes the pictures of docs/report.md: runs scenarios, draws reports, takes pictures of them in Chromium.
# Usage: scripts/screenshots.sh [BUILD_FOLDER]   default: build/dev, which has the browser's driver
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$(realpath "${1:-build/dev}")
scripts/setup.sh test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { "$build/bin/nightwatt" --quiet run "scenarios/$1.yaml" -o "$work/$2.h5" "${@:3}"; }
run power-cap-150w uncapped --set policies.cap=none
run power-cap-150w capped-150-w
run minimal small --set output.nodes=true
"$build/bin/nightwatt" --quiet report "$work/uncapped.h5" "$work/capped-150-w.h5" -o "$work/two.html"
"$build/bin/nightwatt" --quiet report "$work/small.h5" -o "$work/small.html"
node scripts/screenshots.mjs "$build/report/node_modules" "$(command -v chromium)" "$work" docs/images
