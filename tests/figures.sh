#!/usr/bin/env bash
# Figures of the two windows, measured on this machine, as a Markdown table: how soon they are there, what they cost when
# nothing happens, and how soon Pause, a right taken back and the user's own hand are felt.
#
#   tests/figures.sh     Release build. ROUNDS rounds of each (5), of which the table has the median and the slowest; idle
#                        windows are watched for SECONDS_IDLE s (10). `NEARHAND_BIN=DIR tests/figures.sh` takes other programs.
#
# Everybody is on this machine, on X servers without a graphics card (Xvfb, 1920x1080), so OpenGL is software's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/setup.sh demo >&2
. tests/desktop.sh

rounds=${ROUNDS:-5} seconds_idle=${SECONDS_IDLE:-10}
rows=()

clean_up() {
    local status=$? log
    trap - EXIT INT TERM
    if [ "$status" != 0 ]; then
        for log in "$work"/*.log; do
            [ ! -s "$log" ] || { printf -- '-- %s\n' "$log"; tail -n 15 "$log"; } >&2
        done
    fi
    end_all
    exit "$status"
}

# The time in µs.
now() { printf '%s' "${EPOCHREALTIME//[!0-9]/}"; }

# Puts the time in µs before each line, as it comes.
stamped() {
    local line
    while IFS= read -r line; do printf '%s %s\n' "$(now)" "$line"; done
}

# row "what" UNIT "goal" FIGURE...: a line of the table.
row() {
    local what=$1 unit=$2 goal=$3 median slowest
    shift 3
    median=$(printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p")
    slowest=$(printf '%s\n' "$@" | sort -n | tail -1)
    [ $# -gt 1 ] || slowest=
    rows+=("| $what | $median $unit | ${slowest:+$slowest $unit} | $goal |")
    printf '   %s: %s %s (%s)\n' "$what" "$median" "$unit" "$*" >&2
}

start_relay() {
    "$bin/nearhand-relay" serve --data "$work/relay" --listen 127.0.0.1:0 --desk "Example Desk" >"$work/ready" 2>"$work/relay.log" &
    running+=($!)
    wait_until 10 "the relay" has_line ready "$work/ready"
    relay=$(sed -n 's/^ready //p' "$work/ready")
    local token
    token=$("$bin/nearhand-relay" technician add "Vera Example" --data "$work/relay" | sed -n '$s/^token //p')
    "$bin/nearhand-viewer" enrol --relay "$relay" --state "$work/viewer" "$token" >/dev/null
}

# start_host NAME ARGUMENTS...: a host on the user's display, whose standard input is the fifo NAME.keys, open as $keys.
start_host() {
    local name=$1
    shift
    mkfifo "$work/$name.keys"
    exec {keys}<>"$work/$name.keys"
    DISPLAY=$user "$bin/nearhand-host" --state "$work/host" --allow view,control "$@" \
        <"$work/$name.keys" >"$work/$name.code" 2>"$work/$name.log" &
    host_id=$!
    running+=("$host_id")
    wait_until 10 "the code" has_line code "$work/$name.code"
    code=$(sed -n 's/^code //p' "$work/$name.code" | tail -1)
}

start_viewer_window() {
    DISPLAY=$technician "$bin/nearhand-viewer" --state "$work/viewer" "$code" 2>"$work/viewer-window.log" </dev/null &
    viewer_id=$!
    running+=("$viewer_id")
    window "$technician" --classname nearhand-viewer
}

# Ends these, in this order: quit PID...
quit() {
    local id
    for id in "$@"; do
        kill "$id" 2>/dev/null || true
        wait "$id" 2>/dev/null || true
    done
}

# The colour of a pixel: colour DISPLAY X Y
colour() { DISPLAY=$1 import -silent -window root -crop "1x1+$2+$3" -depth 8 rgb:- | od -An -tx1; }

# From exec to the first frame: a pixel near the window's corner has another colour than the desktop and than a window
# that nothing has been drawn in. frame_of DISPLAY CLASS COMMAND...: fills `times`, in ms.
frame_of() {
    local display=$1 class=$2 at began started drawn id X Y
    shift 2
    times=()
    # Once uncounted: where the window stands, and what it looks like; programs and fonts are in memory from then on.
    for at in $(seq 0 "$rounds"); do
        began=$(now)
        DISPLAY=$display "$@" </dev/null >/dev/null 2>>"$work/start.log" &
        started=$!
        running+=("$started")
        if [ "$at" = 0 ]; then
            window "$display" --classname "$class"
            sleep 3
            eval "$(person "$display" getwindowgeometry --shell "$id" | grep -E '^[XY]=')"
            X=$((X + 4)) Y=$((Y + 4)) drawn=$(colour "$display" "$X" "$Y")
            [ "$drawn" != " 00 00 00" ] || fail "the window of $class is black, as one is that nothing has been drawn in"
            quit "$started"
            wait_until 5 "the window's end" other_colour "$drawn" "$display" "$X" "$Y"
            continue
        fi
        wait_until 15 "the first frame of $class" same_colour "$drawn" "$display" "$X" "$Y"
        times+=($((($(now) - began) / 1000)))
        quit "$started"
        wait_until 5 "the window's end" other_colour "$drawn" "$display" "$X" "$Y"
    done
}

same_colour() { [ "$(colour "$2" "$3" "$4")" = "$1" ]; }
other_colour() { ! same_colour "$@"; }

measure_starts() {
    say "starts" >&2
    frame_of "$user" nearhand-host "$bin/nearhand-host" --state "$work/host"
    row "the user's window: start to first frame" ms "≤ 1000" "${times[@]}"
    frame_of "$technician" nearhand-viewer "$bin/nearhand-viewer" --state "$work/viewer"
    row "the technician's window: start to first frame" ms "≤ 1000" "${times[@]}"
}

# Processor time that a process has used, in ticks, all threads.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# Percent of one core that processes use while nothing happens: idle PID...; fills `percents`.
idle() {
    local id per_second before=()
    per_second=$(getconf CLK_TCK)
    percents=()
    for id in "$@"; do before+=("$(ticks "$id")"); done
    sleep "$seconds_idle"
    for id in "$@"; do
        percents+=("$(awk -v used="$(($(ticks "$id") - before[${#percents[@]}]))" -v s="$seconds_idle" -v hz="$per_second" \
            'BEGIN { printf "%.1f", 100 * used / hz / s }')")
    done
}

measure_idling() {
    say "idle" >&2
    start_host idle
    window "$user" --classname nearhand-host
    sleep 3
    idle "$host_id"
    row "the user's window with a code: one core" % "≤ 1" "${percents[0]}"
    start_viewer_window
    wait_until 10 "the session" person "$technician" search --onlyvisible --name ".+ Nearhand viewer"
    sleep 5
    idle "$host_id" "$viewer_id"
    row "the user's window in an idle session: one core" % "≤ 1" "${percents[0]}"
    row "the technician's window in an idle session: one core" % "≤ 1" "${percents[1]}"
    quit "$viewer_id" "$host_id"
}

# Waits for the next line of FILE, from line FROM on, that has WORD; its time in $at: next_line FILE FROM WORD
next_line() {
    wait_until 10 "'$3'" has_line_from "$@"
    at=$(tail -n "+$2" "$1" | grep -m1 -F "$3" | cut -d' ' -f1)
}

has_line_from() { tail -n "+$2" "$1" | grep -qF "$3"; }

# The next line that will come to FILE.
next_of() { echo $(($(wc -l <"$1") + 1)); }

# The user presses by the keys of a host without a window: in its window a key would be the user's own hand besides, which
# stops the technician by itself.

# The viewer says that the user has paused once its picture is blank.
measure_pause() {
    say "pause" >&2
    local events=$work/events from began times=()
    start_host pause --no-window
    mkfifo "$work/commands"
    exec {commands}<>"$work/commands"
    : >"$events"
    "$bin/nearhand-viewer" run "$code" --state "$work/viewer" --stdio \
        <"$work/commands" > >(stamped >"$events") 2>"$work/viewer.log" &
    viewer_id=$!
    running+=("$viewer_id")
    printf 'wait-settled\n' >&"$commands"
    next_line "$events" 1 '"event":"done"'
    for _ in $(seq "$rounds"); do
        from=$(next_of "$events") began=$(now)
        printf p >&"$keys"
        next_line "$events" "$from" '"event":"paused","on":true'
        times+=($(((at - began + 500) / 1000)))
        from=$(next_of "$events")
        printf p >&"$keys"
        next_line "$events" "$from" '"event":"paused","on":false'
        next_line "$events" "$from" '"event":"picture"'
        sleep 0.3
    done
    row "Pause: the user's key to a blank picture at the technician's" ms "≤ 200" "${times[@]}"
    printf 'end\n' >&"$commands"
    wait "$viewer_id" || true
    quit "$host_id"
}

# The technician holds the left button down and moves, until told to let go.
drag() {
    local move=() step
    for step in $(seq 400); do move+=(mousemove $((centre_x + step % 100)) $((centre_y + step % 60)) sleep 0.01); done
    DISPLAY=$technician xdotool mousemove "$centre_x" "$centre_y" sleep 0.1 mousedown 1 "${move[@]}" &
    dragging=$!
}

let_go() {
    kill "$dragging" 2>/dev/null || true
    wait "$dragging" 2>/dev/null || true
    person "$technician" mouseup 1
}

# The technician drags, and the user's desktop has seen the press; what follows it begins at line $from of $clicks.
drag_until_it_is_seen() {
    from=$(next_of "$clicks")
    drag
    next_line "$clicks" "$from" ButtonPress
    sleep 0.3
    ! has_line_from "$clicks" "$from" ButtonRelease || fail "the technician let go too early"
}

# A window on the user's display says when its button goes down and up.
measure_drags() {
    say "drags" >&2
    local clicks=$work/clicks from began times=() touches=() WIDTH HEIGHT X Y
    : >"$clicks"
    DISPLAY=$user stdbuf -oL xev -geometry 1900x1000+0+0 -event button > >(stamped >"$clicks") 2>"$work/xev.log" &
    running+=($!)
    window "$user" --name "Event Tester"
    start_host drags --no-window
    start_viewer_window
    eval "$(person "$technician" getwindowgeometry --shell "$id" | grep -E '^(X|Y|WIDTH|HEIGHT)=')"
    centre_x=$((X + WIDTH / 2)) centre_y=$((Y + HEIGHT / 2))
    sleep 4
    for _ in $(seq "$rounds"); do
        drag_until_it_is_seen
        began=$(now)
        printf c >&"$keys"
        next_line "$clicks" "$from" ButtonRelease
        times+=($(((at - began + 500) / 1000)))
        let_go
        sleep 0.5 # no yes counts while the technician holds anything, and shortly after
        printf g >&"$keys"
        sleep 1
    done
    row "control taken back in a drag: the user's key to the button released" ms "≤ 200" "${times[@]}"
    for _ in $(seq "$rounds"); do
        drag_until_it_is_seen
        began=$(now)
        person "$user" mousemove_relative 3 3
        next_line "$clicks" "$from" ButtonRelease
        touches+=($(((at - began + 500) / 1000)))
        let_go
        sleep 2.5
    done
    row "the user's own mouse in a drag: start of xdotool to the button released" ms "≤ 200" "${touches[@]}"
    quit "$viewer_id" "$host_id"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
programs --release
quiet_home
export LIBGL_ALWAYS_SOFTWARE=1
start_server user Xvfb -screen 0 1920x1080x24 -noreset
user=$display
start_server technician Xvfb -screen 0 1920x1080x24 -noreset
technician=$display
start_relay
# A relay that was named on the command line once is known.
start_host first --no-window --relay "$relay"
quit "$host_id"
measure_starts
measure_idling
measure_pause
measure_drags

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
printf '\n| | median of %s | slowest | goal |\n|---|---|---|---|\n' "$rounds"
printf '%s\n' "${rows[@]}"
printf '\n%s (%s cores), Xvfb 1920x1080, software OpenGL; `tests/figures.sh`. Idle: one measurement of %s s.\n' \
    "${processor:-an unnamed processor}" "$(nproc)" "$seconds_idle"
