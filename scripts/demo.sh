#!/usr/bin/env bash
# From a fresh checkout to an answer: sets up, builds a release, replays four weeks of a real GPU cluster under three
# policies, compares them and draws out/report.html.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh build
cmake --preset release
cmake --build --preset release

mkdir -p out && cd out
nightwatt=../build/release/bin/nightwatt
scenario=../scenarios/three-policies.yaml
$nightwatt run $scenario -o at-once.h5
$nightwatt --quiet run $scenario -o cleaner-hours.h5 --set policies.timing=lowest-carbon
$nightwatt --quiet run $scenario -o at-150-w.h5 --set 'policies.cap={fixed: {limit: 150 W}}'
echo
$nightwatt compare at-once.h5 cleaner-hours.h5 at-150-w.h5 -o comparison.txt
awk '/against BASE/ && !/by class/, /^$/' comparison.txt
$nightwatt report at-once.h5 cleaner-hours.h5 at-150-w.h5 -o report.html
echo "Open out/report.html in a browser. out/comparison.txt has the tables by class of jobs, too."
