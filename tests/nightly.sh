#!/usr/bin/env bash
# What takes too long for every change: about six hours on 2 cores (added up from its steps, not timed as a whole), and up to
# six more where there is a nightly Rust; most of it is step 7. For now, and no more than this:
#   1  tests/all.sh
#   2  the stories and the runs on real desktops, REPEAT times (20), to find what fails now and then; what has a step below is not among them
#   3  the relay's program killed KILLS times (100) in one session, 2 s each
#   4  bad networks in full: a hundred pairings at each loss, a minute's session at 30 %, a hundred changes of address; KILLS kills of the relay under fifty sessions
#   5  liars in numbers: 2,000 drips, 200 ends that never read
#   6  property tests with CASES cases each (100,000), where a test doesn't set its own number
#   7  each fuzz target for FUZZ seconds (600) on stable Rust, and as long guided by coverage where a nightly Rust is
#   8  advisories, if their database can be fetched; said, but no failure, if it can't
# Not here yet: load.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
unset DISPLAY WAYLAND_DISPLAY
repeat=${REPEAT:-20} kills=${KILLS:-100} cases=${CASES:-100000} fuzz=${FUZZ:-600}

say() { printf '\n==== %s (after %d s)\n' "$*" "$SECONDS"; }

say "everything once"
bash tests/all.sh
. tests/setup.sh all
for round in $(seq "$repeat"); do
    say "stories and real desktops, round $round of $repeat"
    cargo nextest run --locked --profile nightly -p nearhand-tests -E 'not (binary(fuzz) | binary(networks) | binary(liars))'
done
say "$kills kills of the relay in one session"
NEARHAND_RELAY_KILLS=$kills cargo nextest run --locked --profile nightly -p nearhand-tests --test x11 \
    -E 'test(a_killed_relay_comes_back_and_the_session_goes_on)'
say "bad networks in full"
NEARHAND_TIMES=100 NEARHAND_SECONDS=60 NEARHAND_MOVES=100 cargo nextest run --locked --profile nightly -p nearhand-tests --test networks \
    -E 'not test(every_session_outlives_every_kill_of_the_relay)'
say "$kills kills of the relay under fifty sessions"
NEARHAND_KILLS=$kills NEARHAND_SESSIONS=50 cargo nextest run --locked --profile nightly -p nearhand-tests --test networks \
    -E 'test(every_session_outlives_every_kill_of_the_relay)'
say "2,000 drips, 200 ends that never read"
NEARHAND_DRIPS=2000 NEARHAND_UNREAD=200 cargo nextest run --locked --profile nightly -p nearhand-tests --test liars \
    -E 'test(drips) or test(never_reads)'
say "$cases cases a property"
PROPTEST_CASES=$cases cargo nextest run --locked --profile nightly --workspace --lib --test picture
say "$fuzz s a fuzz target"
bash tests/fuzz.sh "$fuzz"
say "advisories"
if cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --locked check advisories
else
    echo "the advisory database can't be fetched from here: not checked"
fi
say "done"
