#!/bin/sh
# Runs COMMAND in a mount namespace of its own, in which each folder after `cover` is empty but for the folders
# after `keep` that lie below it: so a process without rights reaches those, and nothing else, below a folder
# that is closed to it. Needs root (CAP_SYS_ADMIN), which COMMAND then gives up.
#
#   own_view.sh [cover FOLDER]… [keep FOLDER]… -- COMMAND…
set -eu
if [ "$1" != inside ]; then
    exec unshare --mount --propagation private -- /bin/sh "$0" inside "$@"
fi
shift

each() { # calls "$1 FOLDER" for each folder after the word $2; the rest is our own arguments
    act=$1 wanted=$2 word=
    shift 2
    for given in "$@"; do
        [ "$given" != -- ] || [ -n "$word" ] || return 0
        if [ -n "$word" ]; then
            [ "$word" != "$wanted" ] || "$act" "$given"
            word=
        else
            word=$given
        fi
    done
}

here=$(pwd -P) mask=$(umask)

# What is covered can be reached by an open descriptor only. dash knows those of one digit.
descriptor=3
hold() { eval "exec $descriptor<\"\$1\""; descriptor=$((descriptor + 1)); }
cover() { mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev tmpfs "$1"; }
show() {
    mkdir -p -m 0755 "$1"
    mount --no-canonicalize --bind "/proc/self/fd/$descriptor" "$1"
    eval "exec $descriptor<&-"
    descriptor=$((descriptor + 1))
}
lock() { mount -o remount,ro "$1"; }

each hold keep "$@"
each cover cover "$@"
descriptor=3
umask 022
each show keep "$@"
each lock cover "$@"
umask "$mask"
cd "$here" 2>/dev/null || cd /
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
