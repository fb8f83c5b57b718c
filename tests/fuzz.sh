#!/usr/bin/env bash
# Fuzzes every decoder of bytes that others write, SECONDS each (5): tests/fuzz.sh [SECONDS]
#   1  stable Rust: the corpus, properties, the allocations of decoders, mutation
#   2  cargo-fuzz, guided by coverage, where a nightly Rust is; said where it isn't
# Inputs that fail are kept in target/fuzz-artifacts; docs/fuzzing.md says what to do with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
seconds=${1:-5}
artifacts=target/fuzz-artifacts corpus=target/fuzz-corpus logs=target/fuzz-logs
mkdir -p "$artifacts" "$corpus" "$logs"

profile=ci
[ "$seconds" -le 10 ] || profile=nightly # whose tests may take long
NEARHAND_FUZZ_SECONDS=$seconds cargo nextest run --locked --profile "$profile" -p nearhand-tests --test fuzz

if [[ $(rustup toolchain list 2>/dev/null) != *nightly* ]]; then
    echo "no nightly Rust here: fuzzing guided by coverage is skipped"
    exit 0
fi
command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing; run: cargo install --locked cargo-fuzz" >&2; exit 1; }

# Our crates forbid unsafe code, so no sanitizer is worth its time; the one warning is of a file that is every target's.
cargo +nightly fuzz build --fuzz-dir tests/fuzz -s none --target-dir target/fuzz 2>&1 |
    grep -vE 'present in multiple build targets|^  \* `bin` target' || [ "${PIPESTATUS[0]}" = 0 ]
host=$(rustc -vV | sed -n 's/^host: //p')

# One target to its end: its last line, or all that it said if it fails.
one() {
    local name=$1 log=$logs/$1.log
    mkdir -p "$corpus/$name"
    if "target/fuzz/$host/release/$name" "$corpus/$name" "tests/fuzz/corpus/$name" -max_total_time="$seconds" \
        -rss_limit_mb=512 -timeout=2 -artifact_prefix="$artifacts/$name-" >"$log" 2>&1; then
        printf '%-16s %s\n' "$name" "$(grep '^Done ' "$log" | tail -1)"
    else
        tail -60 "$log"
        printf '%-16s FAILED: its input is in %s\n' "$name" "$artifacts"
        return 1
    fi
}
export -f one
export logs corpus artifacts host seconds
sed -n '/^\[\[bin\]\]/{n;s/^name = "\(.*\)"/\1/p}' tests/fuzz/Cargo.toml | xargs -P "$(nproc)" -I{} bash -c 'one {}'
