#!/usr/bin/env bash
# From a fresh checkout to a result: sets up, builds a release, replays a real trace of a GPU cluster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh build
cmake --preset release
cmake --build --preset release
build/release/bin/nightwatt run scenarios/philly-texas.yaml -o philly-texas.h5
