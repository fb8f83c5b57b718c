#!/usr/bin/env bash
# Pictures of both windows in every state, made with the real programs: docs/screens/*.png.
#
#   tests/shots.sh [en|de] [FOLDER]     `NEARHAND_BIN=DIR tests/shots.sh` takes other programs
#
# A script plays both persons by keyboard. Look at the pictures: nothing else judges them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
language=${1:-en}
out=$(realpath -m "${2:-docs/screens}")
. tests/setup.sh demo
. tests/desktop.sh
programs
trap end_all EXIT
trap 'exit 130' INT
mkdir -p "$out"
quiet_home
export LANGUAGE='' LC_ALL=C.UTF-8
[ "$language" = en ] || { export LC_ALL='' LC_MESSAGES=de_DE.UTF-8; }

# shot DISPLAY CLASS NAME: the window alone.
shot() {
    sleep 0.6
    window "$1" --classname "$2"
    DISPLAY=$1 import -window "$id" "$out/$3.png"
    echo "   $3"
}
of_user() { shot "$user" nearhand-host "host-$1"; }
of_technician() { shot "$technician" nearhand-viewer "viewer-$1"; }

# Presses the N-th thing of a window: pressed DISPLAY CLASS N
pressed() {
    local n
    person "$1" search --onlyvisible --classname "$2" windowactivate
    sleep 0.7 # what has just appeared takes no answer yet
    for n in $(seq "$3"); do person "$1" key Tab; sleep 0.05; done
    person "$1" key space
}
user_presses() { pressed "$user" nearhand-host "$1"; }

host() {
    DISPLAY=$user "$bin/nearhand-host" "$@" >"$work/code" 2>"$work/host.log" </dev/null &
    host_id=$!
    running+=("$host_id")
    window "$user" --classname nearhand-host
}
end() { kill "$1" 2>/dev/null || true; wait "$1" 2>/dev/null || true; }
code() {
    wait_until 10 "the code" has_line code "$work/code"
    code=$(sed -n 's/^code //p' "$work/code" | tail -1)
}
viewer() {
    DISPLAY=$technician "$bin/nearhand-viewer" "$@" 2>"$work/viewer.log" </dev/null &
    viewer_id=$!
    running+=("$viewer_id")
    window "$technician" --classname nearhand-viewer
    sleep 0.5
}

# Enters the code with one digit of its secret half changed and the check digit that fits; the viewer refuses the others.
enter_wrong_code() {
    local digits=${code// /} digit check
    digit=$(((${digits:5:1} + 1) % 10))
    for check in $(seq 0 9); do
        "$bin/nearhand-viewer" run "${digits:0:5}$digit${digits:6:5}$check" --state "$work/technician" --do end >/dev/null 2>&1 || [ $? = 3 ] || return 0
    done
}

start_server user Xvfb -screen 0 1280x800x24 -noreset
user=$display
start_server technician Xvfb -screen 0 1280x860x24 -noreset
technician=$display
DISPLAY=$user xterm -geometry 90x24+40+330 -fa DejaVuSansMono -fs 11 -e sh >/dev/null 2>&1 &
running+=($!)
"$bin/nearhand-relay" serve --data "$work/relay" --listen 127.0.0.1:0 --desk "Example Desk" >"$work/ready" 2>"$work/relay.log" &
relay_id=$!
running+=("$relay_id")
wait_until 10 "the relay" has_line ready "$work/ready"
relay=$(sed -n 's/^ready //p' "$work/ready")
address=${relay%%#*}

say "before anything is known"
host --state "$work/new"
of_user which-relay
end "$host_id"
viewer --state "$work/stranger"
of_technician enrol
end "$viewer_id"

say "the code"
token=$("$bin/nearhand-relay" technician add "Vera Example" --data "$work/relay" | sed -n '$s/^token //p')
"$bin/nearhand-viewer" enrol --relay "$relay" --state "$work/technician" "$token" >/dev/null
host --state "$work/host" --relay "$relay"
of_user new-relay
user_presses 1
code
of_user code
enter_wrong_code
of_user wrong-code
viewer --state "$work/technician"
of_technician entry
digits=${code// /}
person "$technician" type "${digits:0:11}$(((${digits:11:1} + 1) % 10))"
of_technician slip
person "$technician" key ctrl+a BackSpace
person "$technician" type "$code"
person "$technician" key Return

say "consent"
window "$user" --name "Vera Example"
of_user ask-viewing
of_technician connecting
user_presses 1
wait_until 10 "the second question" sh -c "DISPLAY=$user xdotool search --onlyvisible --classname nearhand-host getwindowname | grep -q -i maus\\\\\\|mouse"
of_user ask-control
of_technician view-only
user_presses 1
sleep 3
of_user session
of_technician session

say "during the session"
person "$user" mousemove_relative 15 15
of_user yielded
of_technician yielded
sleep 2
user_presses 2
of_user paused
of_technician paused
user_presses 0 # the button is still the one that was pressed
sleep 2.5
kill -STOP "$relay_id"
sleep 6
of_user relay-lost
of_technician relay-lost
kill -CONT "$relay_id"
sleep 3
kill -STOP "$host_id"
sleep 32 # QUIC's idle timeout is 30 s
of_technician reconnecting
kill -CONT "$host_id"
sleep 4

say "the end"
person "$user" key ctrl+alt+End
sleep 1
of_user ended
of_technician ended
end "$viewer_id"
end "$host_id"

say "a scam"
host --state "$work/host"
code
sleep 0.7
person "$user" key shift+Tab space
of_user scam
user_presses 1
of_user reported
end "$host_id"
host --state "$work/host" --relay "$relay"
of_user blocked
end "$host_id"
echo "pictures of $address are in $out"
