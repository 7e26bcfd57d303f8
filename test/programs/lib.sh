# shellcheck shell=bash
# Shared by the program tests: runs a workload under libc's malloc and under the library, and
# compares what came out.
#
# A test sources this file, calls `begin "$@"`, states what it `needs`, and calls `compare` for each
# workload, a function that prints its results. Inside a workload
#   run COMMAND...     is a program under test: preloaded the second time, stopped after $limit s
#   serve COMMAND...   is the same for a server, in the background; its pid is in $server
# and everything else runs without the library. Both runs have the same working directory path, an
# empty folder, so that paths in outputs agree. A workload stops at its first failing command.
#
# Exit status: 0 no difference, 1 a difference, 2 bad usage, 77 a Debian package is not installed.

set -u -o pipefail
unset LD_PRELOAD
export LC_ALL=C.UTF-8 TZ=UTC

test_name=$(basename "$0")
# shellcheck disable=SC2034  # for the scripts that source this
test_dir=$(cd "$(dirname "$0")" && pwd)
preload=
failures=0

# begin PATH/TO/libstrata.so [--long]: sets $library, $long (0 or 1), $limit and $work, a folder that
# goes away when the test ends.
begin() {
    local usage="usage: $test_name PATH/TO/libstrata.so [--long]"
    case "$#:${2-}" in
        1:) long=0 limit=60 ;;
        2:--long) long=1 limit=1500 ;;
        *) die "$usage" ;;
    esac
    library=$(realpath -e "$1" 2>/dev/null) || die "no such library: $1"
    work=$(mktemp -d "${TMPDIR:-/tmp}/strata-$test_name.XXXXXX") || die "no temporary folder"
    trap end EXIT
    trap 'exit 1' INT TERM HUP
    chmod 755 "$work"
    # A preload that cannot be read or loaded would be ignored, and the test would pass unseen.
    cp "$library" "$work/" && library=$work/$(basename "$library")
    loads_library /bin/true || die "cannot be preloaded: $1"
}

die() {
    echo "$test_name: $1" >&2
    exit 2
}

end() {
    local code=$?
    stop_servers
    rm -rf "$work"
    [ "$code" -eq 0 ] && [ "$failures" -gt 0 ] && code=1
    exit "$code"
}

# needs COMMAND=PACKAGE...: skips the test unless each command (or file, if it starts with a slash)
# is there, and checks that the dynamic linker gives each command the library.
needs() {
    local pair
    for pair in "$@"; do
        tools "$pair"
        loads_library "$(command -v "${pair%%=*}")" || fail "${pair%%=*} does not load the library"
    done
}

# tools COMMAND=PACKAGE...: as needs, for programs and files that the test only uses.
tools() {
    local pair
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || [ -e "${pair%%=*}" ] || {
            echo "skip $test_name: Debian package ${pair#*=} is not installed"
            exit 77
        }
    done
}

loads_library() {
    [[ $(LD_TRACE_LOADED_OBJECTS=1 LD_PRELOAD=$library "$1" 2>&1 </dev/null) == *"$library ("* ]]
}

# size QUICK LONG: how much to do.
size() {
    if [ "$long" -eq 1 ]; then echo "$2"; else echo "$1"; fi
}

run() {
    timeout -k 5 "$limit" env ${preload:+"LD_PRELOAD=$preload"} "$@"
}

# The server leads a process group, so that its children can be stopped with it, and gets SIGTERM
# when the workload's shell ends, however that ends.
serve() {
    setpriv --pdeathsig TERM setsid env ${preload:+"LD_PRELOAD=$preload"} "$@" &
    server=$!
    echo "$server" >>"$work/servers"
}

# stop_server COMMAND...: asks $server to end by the command and prints the status it ends with.
stop_server() {
    local code=0
    "$@" || true
    wait_for 30 eval "! kill -0 $server"
    wait "$server" || code=$?
    echo "server's status $code"
}

# Prints that the running process PID has the library, if it should.
print_mapped() {
    if [ -z "$preload" ] || grep -qF "$preload" "/proc/$1/maps"; then
        echo "library mapped as asked"
    else
        echo "library NOT mapped in $(cat "/proc/$1/comm")"
    fi
}

stop_servers() {
    local pid
    [ -e "$work/servers" ] || return 0
    while read -r pid; do
        kill -- "-$pid" 2>/dev/null || continue
        wait_for 10 group_ended "$pid" || kill -9 -- "-$pid"
    done <"$work/servers"
    rm -f "$work/servers"
}

# Zombies of a group do not count: nobody may reap an orphan in a container.
group_ended() {
    ! pgrep -g "$1" -r D,R,S,T >/dev/null
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when it never does.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "timed out waiting for: $*"; return 1; }
        sleep 0.05
    done
}

free_port() {
    local port
    for port in $(shuf -i 20000-32000 -n 50); do
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
    done
    return 1
}

# Takes out of a workload's output what may differ. A test that needs to redefines it.
normalise() { cat; }

pass() { echo "ok   $test_name: $1"; }

fail() {
    echo "FAIL $test_name: $1"
    failures=$((failures + 1))
}

# execute KIND WORKLOAD [ARGUMENT...]: leaves $status, $work/KIND.out and the folder $work/KIND.
execute() {
    local kind=$1
    shift
    mkdir "$work/run"
    (set -e; cd "$work/run"; "$@") >"$work/raw" 2>&1 </dev/null
    status=$?
    printf '\nexit status %d\n' "$status" >>"$work/raw"
    stop_servers
    normalise <"$work/raw" >"$work/$kind.out"
    rm -rf "${work:?}/$kind"
    mv "$work/run" "$work/$kind"
}

# compare NAME WORKLOAD [ARGUMENT...]: one check. A workload that fails under libc proves nothing,
# so that fails too. Both folders stay until the next compare.
compare() {
    local name=$1
    shift
    preload='' execute libc "$@"
    if [ "$status" -ne 0 ]; then
        fail "$name: the workload fails under libc"
        tail -n 20 "$work/libc.out"
        return
    fi
    preload=$library execute strata "$@"
    if diff -U 2 --label libc --label strata "$work/libc.out" "$work/strata.out" >"$work/diff"; then
        pass "$name ($(wc -l <"$work/libc.out") lines)"
    else
        fail "$name: outputs differ"
        head -n 30 "$work/diff"
    fi
}
