# SPDX-License-Identifier: Apache-2.0
# What the tests against libcoap's programs share; sourced by interop_libcoap.sh and interop_libcoap_tcp.sh, which set
# `client` (empty: no bodies in blocks).
command -v coap-client-notls >/dev/null && command -v coap-server-notls >/dev/null || {
    echo "coap-client-notls or coap-server-notls is missing: install libcoap3-bin" >&2
    exit 77
}
dir=$(mktemp -d) || exit 2
pids= failed=0
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT

start_server() { # SERVER ARGUMENT ...: sets port
    rm -f "$dir/port" # of the one before, which may still run
    "$@" >"$dir/port" &
    pids="$pids $!"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        port=$(cat "$dir/port" 2>/dev/null)
        [ -n "$port" ] && return
        sleep 0.2
    done
    echo "$1 does not start" >&2
    exit 2
}

start_libcoap_server() { # sets port
    port=$(python3 "$(dirname "$0")/../../tools/ports.py") || exit 2
    coap-server-notls -A 127.0.0.1 -p "$port" -d 10 -v 3 >"$dir/libcoap" 2>&1 &
    pids="$pids $!"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -n "$(timeout 10 coap-client-notls -B 2 -v 3 "coap://127.0.0.1:$port/" 2>/dev/null)" ] && return
        sleep 0.5
    done
    echo "libcoap's server does not start" >&2
    exit 2
}

ask() { timeout 100 coap-client-notls -B 90 -v 3 "$@" 2>>"$dir/err"; }

check() { # what, wanted, got
    if [ "$2" = "$3" ]; then
        echo "ok     $1"
    else
        echo "WRONG  $1: wanted '$(echo "$2" | cut -c1-60)', got '$(echo "$3" | cut -c1-60)'"
        failed=1
    fi
}

same_file() { # what, file, file
    if cmp -s "$2" "$3"; then echo "ok     $1"; else echo "WRONG  $1: the bytes differ"; failed=1; fi
}

states() { # bytes of a state: how many states of an observation have only whole ones
    fold -w1 "$dir/ticks" | sort | uniq -c | awk -v n="$1" '$1 % n == 0 { seen++ } END { print seen + 0 }'
}

check_states() { # what, bytes of a state
    seen=$(states "$2")
    check "$1" yes "$([ "$seen" -ge 3 ] && echo yes || echo "no: $seen")"
}

i=0
while [ $i -lt 400 ]; do echo "line $i of a body that needs many blocks"; i=$((i + 1)); done >"$dir/long"

round() { # name, uri, client options ...
    name=$1 uri=$2
    shift 2
    check "$name: get" "hello from tessera" "$(ask "$@" "$uri/hello")"
    : >"$dir/err"
    check "$name: not found" "4.04 no such resource" "$(ask "$@" "$uri/none" 2>&1; grep 4.04 "$dir/err" | tail -1)"
    ask "$@" -m put -e first "$uri/store"
    ask "$@" -m post -e ,second "$uri/store"
    ask "$@" -m ipatch -e ,third "$uri/store"
    ask "$@" -m patch -e ,fourth "$uri/store"
    check "$name: put, post, ipatch, patch" "first,second,third,fourth" "$(ask "$@" "$uri/store")"
    ask "$@" -m delete "$uri/store"
    check "$name: delete" "" "$(ask "$@" "$uri/store")"
    check "$name: fetch" "what to fetch" "$(ask "$@" -m fetch -e "what to fetch" "$uri/fetch")"
    if [ -n "$client" ]; then
        ask "$@" -m put -f "$dir/long" "$uri/store"
        rm -f "$dir/back"
        ask "$@" -o "$dir/back" "$uri/store" >/dev/null
        same_file "$name: long put and get" "$dir/long" "$dir/back"
        # RFC 9175 §3.3: libcoap gives every long request a Request-Tag
        [ -z "$tags" ] || check "$name: a Request-Tag" "$tags" "$(ask "$@" -m post -f "$dir/long" "$uri/tags")"
    else
        : >"$dir/err"
        check "$name: long put is refused" "4.13" "$(ask "$@" -m put -f "$dir/long" "$uri/store" 2>&1; grep -o "4[.]13" "$dir/err" | tail -1)"
    fi
    check "$name: a late response" "at last" "$(ask "$@" "$uri/late")"
}
