#!/usr/bin/env bash
# The whole of Nearhand on one desktop: a relay, a user's computer, a technician who opens a terminal on it.
#
#   tests/demo.sh          brings up a desktop of its own (Xvfb) if no DISPLAY is set; else uses that one
#
# Leaves target/demo/desktop.png (what the technician saw), events.jsonl (what the viewer said) and record.txt.
# Development build: the crates that do the work (crypto, compression) are optimised in it, it is the one that
# tests/all.sh has made already, and it shows the same. `NEARHAND_BIN=DIR tests/demo.sh` takes other programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/setup.sh demo

out=$PWD/target/demo
own_display=no
running=()

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# Ends what was started, newest first, whatever happened; shows the logs after a failure.
clean_up() {
    local status=$? at
    trap - EXIT INT TERM
    # On somebody's own desktop the terminal would stay.
    [ "$own_display" = yes ] || xdotool search --classname demo-terminal windowkill >/dev/null 2>&1 || true
    for ((at = ${#running[@]} - 1; at >= 0; at--)); do
        kill "${running[at]}" 2>/dev/null || true
        wait "${running[at]}" 2>/dev/null || true
    done
    if [ "$status" != 0 ]; then
        for log in relay host viewer; do
            [ ! -s "$work/$log.log" ] || { printf -- '-- %s.log\n' "$log"; tail -n 15 "$work/$log.log"; } >&2
        done
    fi
    # The desktop's programs end with their X server, and may write a last word until then.
    for at in $(seq 100); do
        rm -rf "$work" 2>/dev/null && break
        sleep 0.02
    done
    exit "$status"
}

# wait_until SECONDS "what for" COMMAND...: asks every 20 ms.
wait_until() {
    local deadline=$(($(date +%s%N) + $1 * 1000000000)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s%N)" -lt "$deadline" ] || fail "waited in vain for $what"
        sleep 0.02
    done
}

# Waits until a window of this program is shown.
window() { wait_until 10 "the window of $1" xdotool search --onlyvisible --classname "$1"; }

commands=0
# Hands the viewer one command and waits until it is done.
viewer() {
    commands=$((commands + 1))
    printf '   viewer: %s\n' "$1"
    printf '%s\n' "$1" >&"$to_viewer"
    wait_until 20 "the viewer's '$1'" grep -qE "\"event\":\"(done|failed)\",\"line\":$commands," "$out/events.jsonl"
    ! grep "\"event\":\"failed\",\"line\":$commands," "$out/events.jsonl" || fail "the viewer can't '$1'"
}

sees() { grep -qF "$1" "$out/events.jsonl"; }
has_line() { grep -q "^$1 " "$2"; }

start_desktop() {
    if [ -z "${DISPLAY:-}" ]; then
        say "a desktop of its own: Xvfb 1920x1080, Openbox, a text editor, a file manager"
        own_display=yes
        Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp -noreset 3>"$work/display" 2>/dev/null &
        running+=($!)
        wait_until 10 "the X server" test -s "$work/display"
        DISPLAY=:$(cat "$work/display")
        export DISPLAY
        xsetroot -solid '#2e4a62' -cursor_name left_ptr
    else
        say "the desktop on DISPLAY $DISPLAY"
    fi
    # Nothing of the user's own settings is read or written by the demo's programs.
    export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config XDG_CACHE_HOME=$work/home/.cache \
        XDG_DATA_HOME=$work/home/.local/share NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory
    unset DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY XDG_SESSION_TYPE
    mkdir -p "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$HOME"/{Documents,Invoices,Pictures}
    printf 'PS1="user@desk:~$ "\n' >"$HOME/.bashrc"
    printf 'Things to ask the help desk\n\n1. Why does the printer on floor 2 print every page twice?\n2. Which kernel runs here?\n' \
        >"$HOME/questions.txt"
    cp README.md LICENSE-MIT "$HOME/Documents/" 2>/dev/null || true
    terminal="xterm -name demo-terminal -title Terminal -geometry 110x26 -fa DejaVuSansMono -fs 11 -bg rgb:1d/27/33 -fg rgb:e6/e6/e6 -e script -qf $work/typescript -c bash"
    if ! xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 0x; then
        own_manager=yes
        NEARHAND_TERMINAL=$terminal openbox --config-file "$PWD/tests/x11/openbox.xml" >/dev/null 2>&1 &
        running+=($!)
        wait_until 10 "the window manager" sh -c 'xprop -root _NET_SUPPORTING_WM_CHECK | grep -q 0x'
    fi
    (cd "$HOME" && exec mousepad "$HOME/questions.txt") >/dev/null 2>&1 &
    running+=($!)
    (cd "$HOME" && exec pcmanfm "$HOME") >/dev/null 2>&1 &
    running+=($!)
    window mousepad
    window pcmanfm
    if [ "$own_display" = yes ]; then
        xdotool search --onlyvisible --classname mousepad windowsize 760 420 windowmove 60 60
        xdotool search --onlyvisible --classname pcmanfm windowsize 820 520 windowmove 1020 90
    fi
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

start_host() {
    say "the user starts the host and reads the code out"
    "$bin/nearhand-host" --relay "$relay" --state "$work/host" --allow view,control --once --no-window \
        >"$work/code" 2>"$work/host.log" </dev/null &
    host_id=$!
    running+=("$host_id")
    wait_until 10 "the code" has_line code "$work/code"
    cat "$work/code"
    code=$(sed -n 's/^code //p' "$work/code" | tail -1)
}

open_terminal() {
    if [ "${own_manager:-no}" = yes ]; then
        viewer "key ctrl+alt+t"
    else
        # Nobody knows what ctrl+alt+t does on this desktop: the technician starts the terminal from another one.
        xterm -name demo-launcher -title "Run a program" -geometry 60x4+80+80 -e sh >/dev/null 2>&1 &
        running+=($!)
        window demo-launcher
        xdotool search --onlyvisible --classname demo-launcher windowactivate
        viewer "type exec $terminal"
        viewer "key Return"
    fi
    window demo-terminal
    viewer "wait-settled"
}

hold_session() {
    say "the technician enters the code, opens a terminal and types 'uname -a'"
    mkfifo "$work/commands"
    : >"$out/events.jsonl"
    "$bin/nearhand-viewer" run "$code" --state "$work/viewer" --stdio \
        <"$work/commands" >"$out/events.jsonl" 2>"$work/viewer.log" &
    viewer_id=$!
    running+=("$viewer_id")
    exec {to_viewer}>"$work/commands"
    viewer "wait-settled"
    [ "$own_display" = no ] || viewer "watch 1000 700"
    open_terminal
    [ "$own_display" = no ] || wait_until 5 "the terminal in the technician's picture" \
        sees '"event":"watch","x":1000,"y":700,"rgb":"#1d2733"'
    viewer "type uname -a"
    viewer "key Return"
    wait_until 10 "the answer of 'uname -a' on the user's computer" grep -qF "$(uname -a)" "$work/typescript"
    viewer "wait-settled"
    viewer "snapshot $out/desktop.png"
    [ "$own_display" = no ] || compare_with_server
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
    import -window root "$work/server.png"
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
    kill "$relay_id"
    wait "$relay_id" || fail "the relay ended with exit code $?"
}

work=$(mktemp -d -t nearhand-demo.XXXXXX)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -n "${NEARHAND_BIN:-}" ]; then
    bin=$NEARHAND_BIN
else
    cargo build --workspace --bins --locked --quiet
    bin=$PWD/target/debug
fi
mkdir -p "$out"
began=$(date +%s%N)
start_desktop
start_relay
start_host
hold_session
show_record
took=$((($(date +%s%N) - began) / 1000000))
say "done in $((took / 1000)).$(printf '%03d' $((took % 1000))) s after the build; the technician's picture is $out/desktop.png"
