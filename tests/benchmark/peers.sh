# shellcheck shell=bash
# Others' programs beside ours, by drivers that lie elsewhere and are only read (NEARHAND_PEERS). Sourced by tests/bench.

# beside_peers SUBJECT PROGRAM ARGUMENTS...: our figures, after each of our repetitions one of the peers', then their table.
beside_peers() {
    local subject=$1 program=$2 drivers peers_out own_home=no script=run_peers.sh
    shift 2
    [ "$subject" != screen ] || script=run_screen.sh
    drivers=$(readlink -f "${NEARHAND_PEERS:-../shared/bench}" || true)
    if [ ! -f "$drivers/$script" ]; then
        skip "all peers" "there are no drivers in '${NEARHAND_PEERS:-../shared/bench}'; NEARHAND_PEERS names their folder"
        exec "$program" "$subject" "$@"
    fi
    if [ "$subject" = relay ] && [ "$(id -u)" != 0 ]; then
        skip "all peers" "their network namespace needs root"
        exec "$program" relay "$@"
    fi
    [ -n "${BENCH_HOME:-}" ] || { BENCH_HOME=$(mktemp -d) own_home=yes; }
    mkdir -p "$BENCH_HOME"
    export BENCH_HOME
    peers_out=$BENCH_HOME/peers.$$.jsonl
    : >"$peers_out"
    export OUT=$peers_out QUIET_S=${QUIET_S:-20}
    "settings_of_$subject" "$@"
    "find_peers_of_$subject" "$drivers" >&2
    [ "${#found[@]}" != 0 ] || exec "$program" "$subject" "$@"
    local had_namespace=no status=0
    ! ip netns list 2>/dev/null | grep -q '^perftest\b' || had_namespace=yes
    "$program" "$subject" "$@" --between "setsid --wait bash '$drivers/$script' ${found[*]}" --beside "$peers_out" || status=$?
    [ "$had_namespace" = yes ] || ip netns del perftest 2>/dev/null || true
    if [ "$status" = 0 ] && ! among --json "$@"; then
        printf '\nPeers, the same run:\n\n'
        "table_of_$subject"
    fi
    if [ "$own_home" = yes ]; then rm -rf "$BENCH_HOME"; else printf 'bench: the peers'"'"' figures are in %s\n' "$peers_out" >&2; fi
    exit "$status"
}

# The value that follows NAME among the arguments, else DEFAULT: value_of NAME DEFAULT ARGUMENTS...
value_of() {
    local name=$1 value=$2 previous='' argument
    shift 2
    for argument; do
        [ "$previous" != "$name" ] || value=$argument
        previous=$argument
    done
    printf '%s' "$value"
}

settings_of_relay() {
    SECS=$(value_of --seconds 4 "$@") REPS=1
    ! among --quick "$@" || SECS=1
    export REPS SECS TRANSIT RB QB
}

settings_of_screen() {
    TRIALS=$(value_of --trials 200 "$@") FPS_S=$(value_of --seconds 10 "$@") BIN=$BENCH_HOME/bin O=$BENCH_HOME/bin
    TESTS=${TESTS:-lat200 latpage work fps} ENCS=${ENCS:-tight8}
    ! among --quick "$@" || TRIALS=10 FPS_S=2 TESTS="lat200 fps"
    export TRIALS FPS_S BIN O TESTS ENCS
}

table_of_relay() { python3 "$drivers/table.py" "$peers_out"; }

# Medians by peer: of two flips, of the work, of the moving screen.
table_of_screen() {
    python3 - "$peers_out" <<'TABLE'
import collections, json, statistics, sys
found = collections.defaultdict(lambda: collections.defaultdict(list))
for line in open(sys.argv[1]):
    try:
        figures = json.loads(line)
    except ValueError:
        continue
    for name, value in figures.items():
        if "label" in figures and isinstance(value, (int, float)):
            found[tuple(figures["label"].split("/")[:2])][name].append(value)
columns = [("lat200", "ms_p50"), ("lat200", "ms_p95"), ("lat200", "ms_p99"), ("latpage", "ms_p50"), ("latpage", "ms_p95"),
           ("work", "mb"), ("work", "srv_cpu_s"), ("fps", "distinct_fps"), ("fps", "srv_cpu_ms_per_frame")]
print("| peer | " + " | ".join(f"{test} {name}" for test, name in columns) + " |")
print("|---|" + "---|" * len(columns))
for peer in dict.fromkeys(peer for peer, _ in found):
    cells = [found[peer, test].get(name) for test, name in columns]
    print(f"| {peer} | " + " | ".join(f"{statistics.median(cell):.2f}" if cell else "-" for cell in cells) + " |")
TABLE
}

skip() { printf 'bench: skipped %s: %s\n' "$1" "$2" >&2; }

# Builds and installs what the relays need; the names of those that can run go to $found.
find_peers_of_relay() {
    local drivers=$1 peer wanted
    found=()
    command -v ip >/dev/null || nearhand_apt iproute2
    RB=$BENCH_HOME/rb_target/release/relaybench
    QB=$BENCH_HOME/qb_target/release/quinnbench
    TRANSIT=$BENCH_HOME/venv/bin/twist
    driver relaybench rb_target || { skip "all but quinn" "their driver can't be built"; RB=; }
    read -ra wanted <<<"${PEERS:-raw haproxy hbbr hbbr_default transit coturn quinn iroh iroh_tls}"
    for peer in "${wanted[@]}"; do
        [ "$peer" = quinn ] || [ -n "$RB" ] || continue
        if is_there "$peer"; then found+=("$peer"); fi
    done
}

# The same for screens. Their drivers are C.
find_peers_of_screen() {
    local drivers=$1 peer wanted library missing=()
    found=()
    for library in libx11-dev libxtst-dev libxext-dev libvncserver-dev; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null)" = installed ] || missing+=("$library")
    done
    command -v bc >/dev/null || missing+=(bc)
    [ "${#missing[@]}" = 0 ] || nearhand_apt "${missing[@]}" || { skip "all peers" "${missing[*]} can't be installed"; return 0; }
    bash "$drivers/screen/build.sh" || { skip "all peers" "their drivers can't be built"; return 0; }
    read -ra wanted <<<"${PEERS:-xvnc x0vnc x11vnc}"
    for peer in "${wanted[@]}"; do
        case $peer in
            xvnc) ! installed xvnc Xtigervnc tigervnc-standalone-server || found+=("$peer") ;;
            x0vnc) ! installed x0vnc X0tigervnc tigervnc-scraping-server || found+=("$peer") ;;
            x11vnc) ! installed x11vnc x11vnc x11vnc || found+=("$peer") ;;
            ff_h264 | ff_vp8) ! installed "$peer" ffmpeg ffmpeg || found+=("$peer") ;;
            *) skip "$peer" "no such peer" ;;
        esac
    done
}

# Builds one of the drivers outside of its folder: driver NAME TARGET
driver() {
    CARGO_TARGET_DIR=$BENCH_HOME/$2 cargo build --quiet --release --locked --manifest-path "$drivers/$1/Cargo.toml" </dev/null
}

# True if the peer can run here; says why not.
is_there() {
    case $1 in
        raw) ;;
        socat | haproxy) installed "$1" "$1" "$1" ;;
        coturn) installed coturn turnserver coturn ;;
        quinn) driver quinnbench qb_target || { skip quinn "it can't be built"; return 1; } ;;
        transit)
            [ -x "$TRANSIT" ] || {
                { python3 -m venv "$BENCH_HOME/venv" || { nearhand_apt python3-venv && python3 -m venv "$BENCH_HOME/venv"; }; } &&
                    "$BENCH_HOME/venv/bin/pip" install --quiet --disable-pip-version-check magic-wormhole-transit-relay
            } </dev/null || { skip transit "magic-wormhole-transit-relay can't be installed"; return 1; }
            ;;
        hbbr | hbbr_default)
            [ -x "${HBBR:-}" ] || { skip "$1" "HBBR names no binary; build it from rustdesk-server's sources"; return 1; }
            ;;
        iroh | iroh_tls)
            [ -x "${IR:-}" ] && [ -x "${IB:-}" ] || { skip "$1" "IR (iroh-relay) and IB (irohbench) name no binaries"; return 1; }
            ;;
        *) skip "$1" "no such peer"; return 1 ;;
    esac
}

# installed PEER PROGRAM PACKAGE: a package's own service is not started.
installed() {
    command -v "$2" >/dev/null || RUNLEVEL=1 nearhand_apt "$3" || { skip "$1" "$3 can't be installed"; return 1; }
}
