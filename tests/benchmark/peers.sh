# shellcheck shell=bash
# The peers' relays beside ours, by drivers that lie elsewhere and are only read (NEARHAND_PEERS). Sourced by tests/bench.

# beside_peers PROGRAM ARGUMENTS...: our figures, after each of our repetitions one of the peers', then their table.
beside_peers() {
    local program=$1 drivers peers_out own_home=no
    shift
    drivers=$(readlink -f "${NEARHAND_PEERS:-../shared/bench}" || true)
    if [ ! -f "$drivers/run_peers.sh" ]; then
        skip "all peers" "there are no drivers in '${NEARHAND_PEERS:-../shared/bench}'; NEARHAND_PEERS names their folder"
        exec "$program" relay "$@"
    fi
    if [ "$(id -u)" != 0 ]; then
        skip "all peers" "their network namespace needs root"
        exec "$program" relay "$@"
    fi
    [ -n "${BENCH_HOME:-}" ] || { BENCH_HOME=$(mktemp -d) own_home=yes; }
    mkdir -p "$BENCH_HOME"
    export BENCH_HOME
    local seconds=4 previous='' argument
    for argument; do
        [ "$previous" != --seconds ] || seconds=$argument
        [ "$argument" != --quick ] || seconds=1
        previous=$argument
    done
    find_peers "$drivers" >&2
    peers_out=$BENCH_HOME/peers.$$.jsonl
    : >"$peers_out"
    export REPS=1 SECS=$seconds OUT=$peers_out QUIET_S=${QUIET_S:-20} TRANSIT RB QB
    local had_namespace=no status=0
    ! ip netns list | grep -q '^perftest\b' || had_namespace=yes
    "$program" relay "$@" --between "bash '$drivers/run_peers.sh' ${found[*]}" --beside "$peers_out" || status=$?
    [ "$had_namespace" = yes ] || ip netns del perftest 2>/dev/null || true
    if [ "$status" = 0 ] && ! among --json "$@"; then
        printf '\nPeers, the same run:\n\n'
        python3 "$drivers/table.py" "$peers_out"
    fi
    if [ "$own_home" = yes ]; then rm -rf "$BENCH_HOME"; else printf 'bench: the peers'"'"' figures are in %s\n' "$peers_out" >&2; fi
    exit "$status"
}

skip() { printf 'bench: skipped %s: %s\n' "$1" "$2" >&2; }

# Builds and installs what the peers need; the names of those that can run go to $found.
find_peers() {
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
