#!/usr/bin/env bash
# Makes the pictures of README.md, docs/report.md, docs/study.md, docs/tutorial.md and the scenarios' READMEs: runs scenarios, draws
# reports, takes pictures of them in Chromium. Those of docs/python.md are drawn by its examples:
# NIGHTWATT_RENEW_DOCS=1 ctest -R documented_commands.
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
page() { "$build/bin/nightwatt" --quiet report "${@:2}" -o "$work/$1.html"; }
for timing in immediate night-window season lowest-carbon lowest-carbon-interruptible; do
  run night-winter "$timing" --set "policies.timing=$timing"
done
page night-winter "$work"/{immediate,night-window,season,lowest-carbon,lowest-carbon-interruptible}.h5
run power-budget under-budget
run power-budget without --set sites[0].budget.power='1 MW' --set sites[0].budget.hours=[] --set sites[0].budget.spans=[]
page power-budget "$work"/{under-budget,without}.h5
run carbon-placement placed
run carbon-placement at-home --set policies.site=home
page carbon-placement "$work"/{placed,at-home}.h5
new=(--set sites[0].partitions[0].device=h100-sxm5-80gb)
run four-m base
run four-m machine "${new[@]}"
run four-m mechanisation "${new[@]}" --set sites[0].facility.pue=1.1
page four-m "$work"/{base,machine,mechanisation}.h5
run three-policies at-once
run three-policies cleaner-hours --set policies.timing=lowest-carbon
run three-policies at-150-w --set 'policies.cap={fixed: {limit: 150 W}}'
page three-policies "$work"/{at-once,cleaner-hours,at-150-w}.h5

"$build/bin/nightwatt" --quiet study scenarios/studies/caps-and-grids.yaml -o "$work/grid"
page grid "$work/grid/study.h5"

# The cluster of the tutorial is its last YAML block.
awk '/^```yaml$/ { text = ""; on = 1; next } /^```$/ { on = 0 } on { text = text $0 "\n" } END { printf "%s", text }' \
  docs/tutorial.md >"$work/cluster.yaml"
ln -s "$PWD/scenarios" "$work/scenarios"
python3 scripts/sacct_sample.py >"$work/jobs.txt"
limit=(--set 'policies.cap={least-energy-delay: {delay_exponent: 0, slowdown: 10 %}}')
tutorial() { "$build/bin/nightwatt" --quiet run "$work/cluster.yaml" -o "$work/$1.h5" "${@:2}"; }
tutorial now
tutorial later --set policies.timing=lowest-carbon
tutorial capped "${limit[@]}"
page tutorial "$work"/{now,later,capped}.h5
run accelerators a100
run accelerators trainium --set sites[0].partitions[0].node=trn1.32xlarge
page accelerators "$work"/{a100,trainium}.h5
node scripts/screenshots.mjs "$build/report/node_modules" "$(command -v chromium)" "$work" docs/images
