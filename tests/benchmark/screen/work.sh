#!/usr/bin/env bash
# Scripted work on a display of 1920x1080: the same as the peers' drivers do.
#   DISPLAY=:N FOLDER=DIR work.sh setup | run [PART...] | teardown
# setup starts a window manager and three terminals. run takes 20 s: typing (16 keys a second), paging a long text (10 pages a
# second, 100x40 cells), dragging a window of 1000x600 in a circle (60 moves a second), switching between three windows (4
# a second), 5 s each. teardown ends what setup has started.
set -euo pipefail
: "${FOLDER:?}" "${DISPLAY:?}"
mkdir -p "$FOLDER"

started() { echo $! >>"$FOLDER/pids"; }

setup() {
    python3 - >"$FOLDER/text.txt" <<'TEXT'
import random
random.seed(5)
words = "screen relay session code viewer host frame input clipboard packet window cursor update encode decode latency budget pixel stream".split()
for line in range(6000):
    print("%05d " % line + " ".join(random.choice(words) for _ in range(12)))
TEXT
    python3 - >"$FOLDER/colours.txt" <<'TEXT'
import random
random.seed(6)
for line in range(60):
    print("".join("\x1b[%d;%dm%s" % (random.choice([0, 1]), random.choice(range(31, 37)), random.choice("abcdefghijklmnop ##==--")) for _ in range(110)), end="\x1b[0m\r\n")
TEXT
    xsetroot -solid '#35506b'
    openbox & started
    sleep 1
    xterm -title WA -geometry 100x40+60+60 -fa "" -fn 9x15 -bg white -fg black -e bash --norc --noprofile & started
    xterm -title WB -geometry 100x40+500+200 -fn 9x15 -bg black -fg white -e less "$FOLDER/text.txt" & started
    xterm -title WC -geometry 110x40+800+350 -fn 9x15 -bg '#202030' -fg white \
        -e bash --norc --noprofile -c "cat $FOLDER/colours.txt; sleep 100000" & started
    sleep 2.5
    local title
    for title in WA WB WC; do xdotool search --name "^$title\$" | tail -1 >"$FOLDER/$title"; done
}

run() {
    python3 - "$(cat "$FOLDER/WA")" "$(cat "$FOLDER/WB")" "$(cat "$FOLDER/WC")" "$@" <<'STEPS' | xdotool -
import math, sys
a, b, c, *parts = sys.argv[1:]
text = "the quick brown fox jumps over the lazy dog while the helper watches the pointer 0123456789"
if not parts or "typing" in parts:
    print(f"windowactivate {a} windowraise {a} sleep 0.2")
    for letter in text[:78]:
        print(f"key --clearmodifiers {'space' if letter == ' ' else letter} sleep 0.055")
if not parts or "paging" in parts:
    print(f"windowactivate {b} windowraise {b} sleep 0.2")
    for _ in range(48):
        print("key Next sleep 0.095")
if not parts or "dragging" in parts:
    print(f"windowactivate {c} windowraise {c} windowmove {c} 700 300 sleep 0.2 mousemove 1000 312 mousedown 1")
    for step in range(280):
        turn = 2 * math.pi * step / 70
        print(f"mousemove {int(1000 + 300 * math.sin(turn))} {int(312 + 200 * (1 - math.cos(turn)))} sleep 0.0155")
    print("mouseup 1 sleep 0.1")
if not parts or "switching" in parts:
    for step in range(20):
        window = [a, b, c][step % 3]
        print(f"windowactivate {window} windowraise {window} sleep 0.24")
STEPS
}

teardown() {
    tac "$FOLDER/pids" | xargs -r kill 2>/dev/null || true
    rm -f "$FOLDER/pids"
}

"$@"
