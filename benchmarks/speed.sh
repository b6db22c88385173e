#!/usr/bin/env bash
# Every benchmark of speed on this machine, one after another:  bash benchmarks/speed.sh FOLDER
# One that fails does not keep the rest from running. On a GPU PyTorch needs room beside JAX; on a
# CPU arrays in huge pages, where the system leaves that to programs, spare everybody page faults.
set -u
folder=${1:?a folder for the results}
shift
export XLA_PYTHON_CLIENT_PREALLOCATE=false
export GLIBC_TUNABLES=${GLIBC_TUNABLES-glibc.malloc.hugetlb=1}
mkdir -p "$folder"
for name in ${*:-throughput epoch scaling memory time_to_quality sweeps compile_time}; do
    echo "== $name ($(date +%T))"
    profile=$([ "$name" = epoch ] && echo --profile)
    python3 -m "benchmarks.$name" $profile --json="$folder/$name.json" 2>&1
done
