# shellcheck shell=bash
# Installs what building and checking Nearhand needs on Debian 12, and only what is missing: a machine that has
# everything is asked nothing. Meant to be sourced, for the PATH it leaves:  . tests/setup.sh [demo|all]
#   demo   a C compiler, Rust, the X libraries, an X server and programs to look at
#   all    that, cargo-nextest and cargo-deny besides, and cargo-fuzz where a nightly Rust is (the default)

# Oldest Rust that builds the workspace, as 'rust-version' in Cargo.toml.
nearhand_rust=1.95

nearhand_setup_fail() { printf 'setup: %s\n' "$1" >&2; return 1; }

# apt-get, as root or through sudo: nearhand_apt_get ARGUMENTS...
nearhand_apt_get() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            { nearhand_setup_fail "packages are missing; run this as root once, or install sudo"; return 1; }
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null
}

# Installs packages: nearhand_apt PACKAGE...
nearhand_apt() {
    printf 'setup: installing %s\n' "$*"
    # A fresh machine has no package lists, another one old ones, which lack the newest Rust.
    nearhand_apt_get update >/dev/null ||
        { nearhand_setup_fail "apt-get update failed; is this machine on the network?"; return 1; }
    nearhand_apt_get install -y --no-install-recommends "$@" >/dev/null ||
        { nearhand_setup_fail "apt-get can't install $*; its words above say why"; return 1; }
}

# Packages whose program, library or font is not there.
nearhand_missing_packages() {
    local have package
    for have in cc=gcc pkg-config=pkg-config Xvfb=xvfb Xephyr=xserver-xephyr openbox=openbox xterm=xterm xdotool=xdotool xclip=xclip \
        xprop=x11-utils xsetroot=x11-xserver-utils setxkbmap=x11-xkb-utils xlogo=x11-apps import=imagemagick \
        mousepad=mousepad faketime=faketime pcmanfm=pcmanfm fc-match=fontconfig less=less python3=python3; do
        command -v "${have%%=*}" >/dev/null || echo "${have#*=}"
    done
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || echo fonts-dejavu-core
    [ -e /usr/share/fonts/X11/misc/9x15.pcf.gz ] || echo xfonts-base
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates # for cargo
    # scrap links the libxcb ones, the viewer's keyboard libxkbcommon; the rest is for the windows.
    for package in libc6-dev libxcb1-dev libxcb-shm0-dev libxcb-randr0-dev libxkbcommon-dev \
        libxkbcommon-x11-0 libgl1 libegl1 libgl1-mesa-dri; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# True if this rustc exists and is new enough.
nearhand_rust_is_new() {
    local version
    version=$("$1" --version 2>/dev/null | cut -d' ' -f2) || return 1
    [ -n "$version" ] && [ "$(printf '%s\n' "$nearhand_rust" "$version" | sort -V | head -1)" = "$nearhand_rust" ]
}

# A Rust that is there, by rustup or otherwise; else Debian security's rustc-web, which is new enough.
nearhand_setup_rust() {
    local bin=${CARGO_HOME:-$HOME/.cargo}/bin
    case ":$PATH:" in *":$bin:"*) ;; *) PATH=$bin:$PATH ;; esac
    export PATH
    hash -r
    if ! { nearhand_rust_is_new rustc && command -v cargo >/dev/null; }; then
        [ -e /usr/bin/cargo ] && nearhand_rust_is_new /usr/bin/rustc || nearhand_apt rustc-web cargo-web || return 1
        PATH=/usr/bin:$PATH
        hash -r
        nearhand_rust_is_new rustc ||
            { nearhand_setup_fail "Rust $nearhand_rust or newer is needed, and this system offers none"; return 1; }
    fi
}

# A cargo subcommand from crates.io, built once: nearhand_setup_cargo_tool CRATE
nearhand_setup_cargo_tool() {
    command -v "$1" >/dev/null && return 0
    printf 'setup: building %s, once\n' "$1"
    cargo install --locked --quiet "$1" </dev/null ||
        { nearhand_setup_fail "$1 is missing and can't be built; try 'cargo install --locked $1'"; return 1; }
}

nearhand_setup() {
    local missing
    missing=$(nearhand_missing_packages)
    # shellcheck disable=SC2086 # one word a package
    [ -z "$missing" ] || nearhand_apt $missing || return 1
    nearhand_setup_rust || return 1
    [ "${1:-all}" = all ] || return 0
    command -v cargo-fmt >/dev/null || nearhand_apt rustfmt-web rust-web-clippy || return 1
    nearhand_setup_cargo_tool cargo-nextest && nearhand_setup_cargo_tool cargo-deny || return 1
    nearhand_setup_fuzzing
}

# Fuzzing guided by coverage needs a nightly Rust, which nobody else does: where there is none, tests/fuzz.sh says so.
nearhand_setup_fuzzing() {
    [[ $(rustup toolchain list 2>/dev/null) == *nightly* ]] || return 0
    command -v c++ >/dev/null || nearhand_apt g++ || return 1
    nearhand_setup_cargo_tool cargo-fuzz
}

nearhand_setup "$@"
