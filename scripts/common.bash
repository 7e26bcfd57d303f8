# shellcheck shell=bash
# What ./dev and scripts/lint share: messages, packages, configuring and building.

# die MESSAGE: one line on stderr, exit status 2.
die() {
    echo "${program:-dev}: $*" >&2
    exit 2
}

# quietly WHAT COMMAND...: says WHAT, runs the command and shows its output only when it fails.
quietly() {
    local what=$1 output status=0
    shift
    echo "$what"
    output=$(mktemp)
    "$@" >"$output" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$output" >&2
        echo "failed (status $status): $what" >&2
    fi
    rm -f "$output"
    return "$status"
}

missing_packages() {
    local name
    for name; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# As root, or by sudo where it asks nothing.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    # An update that fails in part may still have found what is wanted.
    as_root "${apt[@]}" update || true
    as_root "${apt[@]}" install --no-install-recommends "$@"
}

# need NAME...: makes sure that these Debian packages are installed. Systems without dpkg are taken
# to have what is needed; cmake says what they lack.
need() {
    local missing
    command -v dpkg-query >/dev/null || return 0
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! as_root true 2>/dev/null; then
        die "packages are missing; as root: apt-get update && apt-get install -y ${missing[*]}"
    fi
    quietly "installing packages: ${missing[*]}" apt_install "${missing[@]}" ||
        die "packages could not be installed: ${missing[*]}"
}

# need_npm: for the page. Debian's npm is not for those who have another one, which comes with its Node.js.
need_npm() {
    command -v npm >/dev/null || need nodejs npm
}

# packages_in FILE...: the names in these files, one a line; # begins a comment.
packages_in() {
    local file
    for file; do
        [ ! -f "$file" ] || sed 's/#.*//' "$file"
    done
}

# configure PRESET: idempotent; Ninja if it is there.
configure() {
    if [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
        export CMAKE_GENERATOR=Ninja
    fi
    quietly "configuring build/$1" cmake --preset "$1"
}

# build PRESET [TARGET...]: configures, then builds the targets (default: all).
build() {
    local preset=$1
    shift
    configure "$preset" || return
    quietly "building build/$preset" \
        cmake --build --preset "$preset" --parallel "$(nproc)" --target "${@:-all}"
}
