#!/usr/bin/env bash
# Every benchmark of speed on this machine, one after another:  bash benchmarks/speed.sh FOLDER
# One that fails does not keep the rest from running. For a GPU set XLA_PYTHON_CLIENT_PREALLOCATE=false,
# so that PyTorch has room beside JAX.
set -u
folder=${1:?a folder for the results}
shift
chosen=${*:-throughput epoch persistent scaling memory time_to_quality sweeps compile_time}
mkdir -p "$folder"
for name in $chosen; do
    echo "== $name ($(date +%T))"
    python3 -m "benchmarks.$name" --json="$folder/$name.json" 2>&1 | tail -80
done
