#!/usr/bin/env bash
# Sets up, builds with warnings as errors, and runs the whole test suite.
# Usage: scripts/test.sh [CTEST OPTION...]   for example -L unit, -R energy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh build test
cmake --preset dev
cmake --build --preset dev
ctest --preset dev "$@"
