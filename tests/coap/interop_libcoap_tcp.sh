#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our engine for streams against libcoap's programs (Debian libcoap3-bin) over coap+tcp, in both roles, on loopback.
#   interop_libcoap_tcp.sh STREAM_SERVER STREAM_CLIENT
# Exit 77: the programs of libcoap are not installed.
server=$1 client=$2
command -v coap-client-notls >/dev/null && command -v coap-server-notls >/dev/null || {
    echo "coap-client-notls or coap-server-notls is missing: install libcoap3-bin" >&2
    exit 77
}
dir=$(mktemp -d) || exit 2
pids= failed=0
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT

start_server() { # MAX-MESSAGE-SIZE: sets port
    "$server" 170 "$1" >"$dir/port" &
    pids="$pids $!"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        port=$(cat "$dir/port" 2>/dev/null)
        [ -n "$port" ] && return
        sleep 0.2
    done
    echo "stream_server does not start" >&2
    exit 2
}

ask() { timeout 60 coap-client-notls -B 50 -v 3 "$@" 2>>"$dir/err"; }

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

i=0
while [ $i -lt 400 ]; do echo "line $i of a body that needs many blocks"; i=$((i + 1)); done >"$dir/long"

round() { # name, client options ...
    name=$1
    shift
    uri=coap+tcp://127.0.0.1:$port
    check "$name: get" "hello from tessera" "$(ask "$@" "$uri/hello")"
    : >"$dir/err"
    check "$name: not found" "4.04 no such resource" "$(ask "$@" "$uri/none"; grep 4.04 "$dir/err" | tail -1)"
    ask "$@" -m put -e first "$uri/store"
    ask "$@" -m post -e ,second "$uri/store"
    ask "$@" -m ipatch -e ,third "$uri/store"
    ask "$@" -m patch -e ,fourth "$uri/store"
    check "$name: put, post, ipatch, patch" "first,second,third,fourth" "$(ask "$@" "$uri/store")"
    ask "$@" -m delete "$uri/store"
    check "$name: delete" "" "$(ask "$@" "$uri/store")"
    check "$name: fetch" "what to fetch" "$(ask "$@" -m fetch -e "what to fetch" "$uri/fetch")"
    ask "$@" -m put -f "$dir/long" "$uri/store"
    rm -f "$dir/back"
    ask "$@" -o "$dir/back" "$uri/store" >/dev/null
    same_file "$name: long put and get" "$dir/long" "$dir/back"
    check "$name: a late response" "at last" "$(ask "$@" "$uri/late")"
    check "$name: answered, then released" "" "$(ask "$@" "$uri/release")"
    ask "$@" -s 3 "$uri/tick" >"$dir/ticks"
    letters=$(fold -w1 "$dir/ticks" | sort | uniq -c | awk '$1 % 1500 == 0 { n++ } END { print n + 0 }')
    check "$name: observe, at least 3 states" yes "$([ "$letters" -ge 3 ] && echo yes || echo "no: $letters")"
}

start_server 1152
round "messages of 1152 bytes"
round "blocks of 64" -b 64
start_server 8448
round "messages of 8448 bytes" -X 8448

port=$((20000 + $$ % 20000))
coap-server-notls -A 127.0.0.1 -p $port -d 10 -v 3 >"$dir/libcoap" 2>&1 &
pids="$pids $!"
sleep 1
for most in 1152 8448 300; do
    echo "our client, Max-Message-Size $most"
    "$client" $port libcoap $most || failed=1
done
exit $failed
