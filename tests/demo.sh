#!/usr/bin/env bash
# The whole of Nearhand on one machine: a relay, a user's computer, a technician.
#
#   tests/demo.sh     A script plays everybody, on X servers that nobody sees: first the headless viewer, which opens a terminal
#                     and types in it, then both windows. With DISPLAY set both windows are opened there afterwards, for you:
#                     the user's computer is a window of its own (Xephyr), the technician's window stands beside it.
#
# Leaves in target/demo: desktop.png (what the technician's headless viewer saw), host.png and viewer.png (the user's and the
# technician's desktop, with the windows), events.jsonl (what the viewer said) and record.txt.
# Development build: the crates that do the work (crypto, compression) are optimised in it, it is the one that
# tests/all.sh has made already, and it shows the same. `NEARHAND_BIN=DIR tests/demo.sh` takes other programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/setup.sh demo
. tests/desktop.sh

out=$PWD/target/demo
seen_by=${DISPLAY:-}

clean_up() {
    local status=$? log
    trap - EXIT INT TERM
    if [ "$status" != 0 ] && [ "$status" != 130 ]; then
        for log in relay host viewer host-window viewer-window; do
            [ ! -s "$work/$log.log" ] || { printf -- '-- %s.log\n' "$log"; tail -n 15 "$work/$log.log"; } >&2
        done
    fi
    end_all
    exit "$status"
}

commands=0
# Hands the headless viewer one command and waits until it is done.
viewer() {
    commands=$((commands + 1))
    printf '   viewer: %s\n' "$1"
    printf '%s\n' "$1" >&"$to_viewer"
    wait_until 20 "the viewer's '$1'" grep -qE "\"event\":\"(done|failed)\",\"line\":$commands," "$out/events.jsonl"
    ! grep "\"event\":\"failed\",\"line\":$commands," "$out/events.jsonl" || fail "the viewer can't '$1'"
}

sees() { grep -qF "$1" "$out/events.jsonl"; }

# Programs to look at, on the user's desktop.
open_programs() {
    mkdir -p "$HOME"/{Documents,Invoices,Pictures}
    printf 'PS1="user@desk:~$ "\n' >"$HOME/.bashrc"
    printf 'Things to ask the help desk\n\n1. Why does the printer on floor 2 print every page twice?\n2. Which kernel runs here?\n' \
        >"$HOME/questions.txt"
    cp README.md LICENSE-MIT "$HOME/Documents/" 2>/dev/null || true
    (cd "$HOME" && DISPLAY=$user exec mousepad "$HOME/questions.txt") >/dev/null 2>&1 &
    running+=($!)
    (cd "$HOME" && DISPLAY=$user exec pcmanfm "$HOME") >/dev/null 2>&1 &
    running+=($!)
    window "$user" --classname mousepad
    window "$user" --classname pcmanfm
}

arrange_programs() {
    person "$user" search --onlyvisible --classname mousepad windowsize 760 420 windowmove 60 60
    person "$user" search --onlyvisible --classname pcmanfm windowsize 820 520 windowmove 1020 90
}

# start_user COMMAND...: the user's computer, on this X server.
start_user() {
    export NEARHAND_TERMINAL="xterm -name demo-terminal -title Terminal -geometry 110x26 -fa DejaVuSansMono -fs 11 -bg rgb:1d/27/33 -fg rgb:e6/e6/e6 -e script -qf $work/typescript -c bash"
    start_server user "$@"
    user=$display
    open_programs
}

start_relay() {
    say "a relay for the help desk"
    "$bin/nearhand-relay" serve --data "$work/relay" --listen 127.0.0.1:0 --desk "Example Desk" \
        >"$work/ready" 2>"$work/relay.log" &
    relay_id=$!
    running+=("$relay_id")
    wait_until 10 "the relay" has_line ready "$work/ready"
    cat "$work/ready"
    relay=$(sed -n 's/^ready //p' "$work/ready")

    say "its operator adds a technician, who enrols with the token"
    token=$("$bin/nearhand-relay" technician add "Vera Example" --data "$work/relay" | sed -n '$s/^token //p')
    [ -n "$token" ] || fail "the relay gave no token"
    "$bin/nearhand-viewer" enrol --relay "$relay" --state "$work/viewer" "$token"
}

# start_host NAME ARGUMENTS...: the user starts the host; the code in $code.
start_host() {
    local name=$1
    shift
    DISPLAY=$user "$bin/nearhand-host" --state "$work/host" --once "$@" >"$work/$name.code" 2>"$work/$name.log" </dev/null &
    host_id=$!
    running+=("$host_id")
    wait_until 10 "the code" has_line code "$work/$name.code"
    cat "$work/$name.code"
    code=$(sed -n 's/^code //p' "$work/$name.code" | tail -1)
}

hold_headless_session() {
    say "the technician enters the code, opens a terminal and types 'uname -a'"
    mkfifo "$work/commands"
    : >"$out/events.jsonl"
    "$bin/nearhand-viewer" run "$code" --state "$work/viewer" --stdio \
        <"$work/commands" >"$out/events.jsonl" 2>"$work/viewer.log" &
    viewer_id=$!
    running+=("$viewer_id")
    exec {to_viewer}>"$work/commands"
    viewer "wait-settled"
    viewer "watch 1000 700"
    viewer "key ctrl+alt+t"
    window "$user" --classname demo-terminal
    viewer "wait-settled"
    wait_until 5 "the terminal in the technician's picture" sees '"event":"watch","x":1000,"y":700,"rgb":"#1d2733"'
    viewer "type uname -a"
    viewer "key Return"
    wait_until 10 "the answer of 'uname -a' on the user's computer" grep -qF "$(uname -a)" "$work/typescript"
    viewer "wait-settled"
    viewer "snapshot $out/desktop.png"
    compare_with_server
    viewer "note told the user which kernel runs"
    viewer "stats"
    grep '"event":"stats"' "$out/events.jsonl"
    printf 'end\n' >&"$to_viewer"
    exec {to_viewer}>&-
    wait "$viewer_id" || fail "the viewer ended with exit code $?"
    wait "$host_id" || fail "the host ended with exit code $?"
}

# What the technician saw is what the X server has, pixel for pixel.
compare_with_server() {
    local differing
    picture "$user" "$work/server.png"
    differing=$(compare -metric AE "$out/desktop.png" "$work/server.png" null: 2>&1) || true
    [ "$differing" = 0 ] || fail "$differing pixels of the picture differ from the X server's own"
    echo "   the picture equals the X server's own, pixel for pixel"
}

show_record() {
    say "the session's record"
    local session
    session=$(sed -n 's/.*"event":"paired","session_id":"\([^"]*\)".*/\1/p' "$out/events.jsonl")
    [ -n "$session" ] || fail "the viewer named no session"
    "$bin/nearhand-relay" record show "$session" --data "$work/relay" | tee "$out/record.txt"
    grep -q session.start "$out/record.txt" && grep -q session.end "$out/record.txt" ||
        fail "the record lacks the session's start or end"
    say "and its proof"
    "$bin/nearhand-relay" record verify --data "$work/relay"
}

# Both windows, and a person at each, who uses the keyboard alone.
hold_window_session() {
    say "once more with windows: the user starts the host and reads the code out"
    start_host host-window
    window "$user" --classname nearhand-host
    say "the technician types it into the viewer's window; the user allows viewing, then control"
    NEARHAND_TERMINAL=true start_server technician Xvfb -screen 0 1600x1000x24 -noreset
    technician=$display
    DISPLAY=$technician "$bin/nearhand-viewer" --state "$work/viewer" 2>"$work/viewer-window.log" </dev/null &
    viewer_id=$!
    running+=("$viewer_id")
    window "$technician" --classname nearhand-viewer
    viewer_window=$id
    # A window that has just opened takes keys a moment later.
    sleep 0.5
    person "$technician" type --delay 30 "$code"
    person "$technician" key Return
    user_allows "see your screen"
    user_allows "mouse and keyboard"
    wait_until 10 "the banner" no_question
    sleep 2.5 # the user's own hands come first: for 2 s after their last key the technician's do nothing

    say "the technician clicks into the user's terminal, opens another with a shortcut that their own desktop would take, and types"
    person "$technician" mousemove 700 600 click 1
    local before
    before=$(terminals)
    sleep 0.5
    person "$technician" key ctrl+alt+t
    wait_until 10 "a second terminal" more_terminals "$before"
    sleep 0.5
    person "$technician" type --delay 30 'echo Grüße from the help desk'
    person "$technician" key Return
    wait_until 10 "the technician's words on the user's computer" grep -q 'Grüße from' "$work/typescript"
    sleep 0.5
    picture "$user" "$out/host.png"
    picture "$technician" "$out/viewer.png"

    say "the user ends the session with one key"
    person "$user" key ctrl+alt+End
    wait_until 10 "the user's last page" over
    person "$user" search --onlyvisible --classname nearhand-host windowactivate
    sleep 0.7
    person "$user" key Tab space
    wait "$host_id" || true
    kill "$viewer_id"
    wait "$viewer_id" || true
}

# The banner is gone: the window is a page again.
over() { person "$user" search --onlyvisible --classname nearhand-host getwindowgeometry | grep -qE 'Geometry: [0-9]+x[5-9]..'; }

no_question() { ! person "$user" search --onlyvisible --name "mouse and keyboard"; }

more_terminals() { [ "$(terminals)" -gt "$1" ]; }

terminals() { person "$user" search --onlyvisible --classname demo-terminal 2>/dev/null | wc -l; }

# The user reads the question, which stands in the window's title as well, and says yes with the first button.
user_allows() {
    window "$user" --name "$1"
    sleep 0.7 # a question that is younger than half a second takes no answer
    person "$user" key Tab space
}

# Both windows on a display that somebody sees, for as long as they like.
open_windows_for_a_person() {
    say "now you: the user's computer is the window 'The user'; the technician's window opens beside it"
    start_user env DISPLAY="$seen_by" Xephyr -screen 1180x760 -noreset -title "The user"
    start_host host-person
    DISPLAY=$seen_by "$bin/nearhand-viewer" --state "$work/viewer" 2>"$work/viewer-person.log" </dev/null &
    viewer_id=$!
    running+=("$viewer_id")
    printf '   Type the code into the technician'"'"'s window, answer in the user'"'"'s. Close the technician'"'"'s window (or press Ctrl+C) to end.\n'
    wait "$viewer_id" || true
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
programs
mkdir -p "$out"
quiet_home
began=$(date +%s%N)
say "the user's computer: an X server that nobody sees, a window manager, a text editor, a file manager"
start_user Xvfb -screen 0 1920x1080x24 -noreset
arrange_programs
start_relay
say "the user starts the host and reads the code out"
start_host host --relay "$relay" --allow view,control --no-window
hold_headless_session
show_record
hold_window_session
took=$((($(date +%s%N) - began) / 1000000))
say "done in $((took / 1000)).$(printf '%03d' $((took % 1000))) s after the build; pictures are in $out: desktop.png, host.png, viewer.png"
[ -z "$seen_by" ] || open_windows_for_a_person
