#!/usr/bin/env bash
# The invariants of docs/architecture.md that the compiler doesn't keep. Says each one that is broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
broken=0

# broken_if "what is wrong" TEXT: any text is a breach.
broken_if() {
    [ -z "$2" ] || { printf 'broken: %s\n%s\n' "$1" "$2" >&2; broken=$((broken + 1)); }
}

# Dependencies of a crate, one name a line: depends_on CRATE ARGUMENTS...
depends_on() {
    local crate=$1
    shift
    cargo tree --locked -p "$crate" --prefix none --format '{p}' "$@" | cut -d' ' -f1 | sort -u
}

# Lines of code (without comments and tests) that match: code PATTERN PATH...
code() {
    local pattern=$1
    shift
    find "$@" -name '*.rs' ! -name tests.rs ! -name golden.rs -print0 | PATTERN=$pattern xargs -0 perl -0777 -ne '
        s/#\[cfg\(test\)\]\s*mod \w+ \{.*//s;
        my $line = 0;
        for (split /\n/) { $line++; print "$ARGV:$line: $_\n" if !m{^\s*//} && /$ENV{PATTERN}/ }'
}

# Uses of these modules of nearhand_proto, in one-line and in braced imports: names MODULES PATH
names() {
    find "$2" -name '*.rs' -print0 | xargs -0 perl -0777 -ne '
        print "$ARGV: $1\n" while /(\bnearhand_proto::(?:'"$1"')\b)/g;
        while (/\buse nearhand_proto::\{(.*?)\};/sg) { print "$ARGV: $1\n" if $1 =~ /\b((?:'"$1"')\b(?:::|,|\s*\}|\s*$))/ }'
}

core=$(depends_on nearhand-proto --no-default-features -e normal)
broken_if "proto without 'net' has no sockets and no runtime" "$(grep -xE 'tokio|tokio-util|quinn|quinn-proto|quinn-udp|socket2|mio|rustls' <<<"$core" || true)"
for crate in proto relay host viewer; do
    of_all=$(depends_on "nearhand-$crate" -e normal,build,dev --all-features --target all)
    broken_if "$crate depends on no other of relay, host and viewer" \
        "$(grep -xE 'nearhand-(relay|host|viewer|tests)' <<<"$of_all" | grep -vx "nearhand-$crate" || true)"
done
broken_if "desktop depends on none of ours" \
    "$(depends_on nearhand-desktop -e normal,build,dev --all-features --target all | grep '^nearhand-' | grep -vx nearhand-desktop || true)"
broken_if "the relay and proto have no windows" \
    "$({ depends_on nearhand-relay -e normal,build; depends_on nearhand-proto -e normal,build --all-features; } | grep -xE 'nearhand-desktop|egui|eframe|winit' || true)"
broken_if "the relay names nothing of proto::session or proto::pair" "$(names 'session|pair' relay/src)"
broken_if "only proto/src/wire.rs names bincode" \
    "$(code '\bbincode\b' proto relay desktop host viewer tests | grep -v '^proto/src/wire.rs:' || true)"
broken_if "only proto's Cargo.toml asks for bincode" "$(grep -l '^bincode' relay/Cargo.toml desktop/Cargo.toml host/Cargo.toml viewer/Cargo.toml tests/Cargo.toml || true)"
broken_if "no static holds state" \
    "$(code '^\s*(pub(\([a-z ]+\))? )?static |\bthread_local!|\blazy_static!' proto/src relay/src desktop/src host/src viewer/src)"
broken_if "no task is detached in proto and relay" "$(code '^\s*tokio::spawn\(' proto/src relay/src)"
broken_if "no channel is unbounded" "$(code '\bunbounded_channel\b|\bmpsc::channel\(\)' proto/src relay/src desktop/src host/src viewer/src)"
pure=$(find proto/src -mindepth 1 -maxdepth 1 ! -name net)
# shellcheck disable=SC2086 # one word a path
broken_if "proto without 'net' reads no clock and no file, and starts nothing" \
    "$(code '\bstd::(fs|net|thread|process)\b|\bSystemTime::now|\bInstant::now|\basync fn\b' $pure)"
[ "$broken" = 0 ] || exit 1
echo "all boundaries hold"
