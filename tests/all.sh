#!/usr/bin/env bash
# The one definition of "checked": everything that a change must pass, fast first. Installs what is missing (Debian 12).
# Stops at the first step that fails. Logs are in target/checks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
unset DISPLAY WAYLAND_DISPLAY # every run under X11 brings its own server
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
export RUST_BACKTRACE=${RUST_BACKTRACE:-1}

logs=$PWD/target/checks
times=()
began=$SECONDS

# step "name" COMMAND...: runs it, remembers how long it took, ends the run if it fails.
step() {
    local name=$1 from=$SECONDS status=0
    shift
    printf '\n==== %s\n' "$name"
    "$@" || status=$?
    times+=("$(printf '%5d s  %s' $((SECONDS - from)) "$name")")
    [ "$status" = 0 ] || { printf '\nFAILED: %s\n' "$name"; finish 1; }
}

# Says how long each step took, and how many tests passed and failed.
finish() {
    printf '\n==== times\n'
    printf '%s\n' "${times[@]}" "$(printf '%5d s  together' $((SECONDS - began)))"
    local passed failed
    passed=$(count passed)
    failed=$(count failed)
    [ "$1" = 0 ] || [ "$failed" != 0 ] || failed=1 # a step that isn't a test has failed
    printf '\n%s passed, %s failed\n' "$passed" "$failed"
    exit "$1"
}

# Adds up what nextest and rustdoc counted: count passed|failed
count() {
    sed -e 's/\x1b\[[0-9;]*m//g' "$logs"/*.log 2>/dev/null | grep -E '^ *Summary |^test result:' |
        grep -oE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}

# A command whose output is kept too: logged NAME COMMAND...
logged() {
    local log=$logs/$1.log
    shift
    "$@" 2>&1 | tee "$log"
}

setup() { . tests/setup.sh all; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --keep-going; }
tests_of() { logged "$1" cargo nextest run --workspace --locked --profile ci -E "$2"; }

mkdir -p "$logs"
rm -f "$logs"/*.log
# Tests that have a desktop of their own, with the real programs, come after the others.
x11='package(nearhand-tests) & binary(x11)'
# Fuzz targets have a step of their own, with more time.
fuzz='package(nearhand-tests) & binary(fuzz)'

step "setup: what is missing is installed" setup
step "format" cargo fmt --all --check
step "boundaries" bash tests/boundaries.sh
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "documentation" docs
step "host without its portable capture" cargo check -p nearhand-host --no-default-features --locked
step "build" cargo build --workspace --bins --locked
step "tests: pure, stories, capture and injection" tests_of tests "not ($x11) and not ($fuzz)"
step "examples in the documentation" logged doctests cargo test --workspace --doc --locked
step "fuzz targets, 5 s each" logged fuzz bash tests/fuzz.sh 5
step "tests: the programs on real desktops" tests_of x11 "$x11"
step "demo" env NEARHAND_BIN="$PWD/target/debug" bash tests/demo.sh
step "bench of the relay, a smoke run" env NEARHAND_BIN="$PWD/target/debug" tests/bench relay --quick --json
step "bench of the picture, a smoke run" env NEARHAND_BIN="$PWD/target/debug" tests/bench screen --quick --json
step "licences and sources of what we depend on" cargo deny --locked check licenses bans sources
finish 0
