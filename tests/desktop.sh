# shellcheck shell=bash
# Desktops for scripts: X servers with a window manager and programs, and what a person would do on them. To be sourced.
# Everything that is started is ended by `end_all`; the folder $work holds what they leave.

running=()
work=$(mktemp -d -t nearhand.XXXXXX)

say() { printf '\n== %s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }

# Ends what was started, newest first.
end_all() {
    local at
    for ((at = ${#running[@]} - 1; at >= 0; at--)); do
        kill "${running[at]}" 2>/dev/null || true
        wait "${running[at]}" 2>/dev/null || true
    done
    running=()
    # The desktop's programs end with their X server, and may write a last word until then.
    for at in $(seq 100); do
        rm -rf "$work" 2>/dev/null && break
        sleep 0.02
    done
}

# The programs, in $bin: those of $NEARHAND_BIN, or built here. programs [--release]
programs() {
    bin=${NEARHAND_BIN:-$PWD/target/$([ "${1:-}" = --release ] && echo release || echo debug)}
    [ -n "${NEARHAND_BIN:-}" ] || cargo build --workspace --bins --locked --quiet "$@"
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

has_line() { grep -q "^$1 " "$2"; }

# From here on nothing of anybody's own settings is read or written.
quiet_home() {
    export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config XDG_CACHE_HOME=$work/home/.cache \
        XDG_DATA_HOME=$work/home/.local/share XDG_STATE_HOME=$work/home/.local/state NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory
    unset DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY XDG_SESSION_TYPE
    mkdir -p "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_STATE_HOME"
}

# Starts an X server with a window manager; its display in $display. start_server NAME SIZE COMMAND...: COMMAND is Xvfb
# or Xephyr with its own arguments.
start_server() {
    local name=$1
    shift
    "$@" -displayfd 3 -nolisten tcp 3>"$work/$name.display" 2>"$work/$name.log" &
    running+=($!)
    wait_until 10 "the X server" test -s "$work/$name.display"
    display=:$(cat "$work/$name.display")
    DISPLAY=$display xsetroot -solid '#2e4a62' -cursor_name left_ptr
    DISPLAY=$display openbox --config-file "$PWD/tests/x11/openbox.xml" >/dev/null 2>&1 &
    running+=($!)
    wait_until 10 "the window manager" sh -c "DISPLAY=$display xprop -root _NET_SUPPORTING_WM_CHECK | grep -q 0x"
}

# Waits until a window is shown, by class or by title: window DISPLAY --classname|--name WHAT. Its id in $id.
window() {
    wait_until 15 "the window '$3'" env DISPLAY="$1" xdotool search --onlyvisible "$2" "$3"
    id=$(DISPLAY=$1 xdotool search --onlyvisible "$2" "$3" | head -1)
}

# A person at that display: person DISPLAY xdotool's words.
person() { DISPLAY=$1 xdotool "${@:2}"; }

# What stands on that display: picture DISPLAY FILE.
picture() { DISPLAY=$1 import -window root "$2"; }
