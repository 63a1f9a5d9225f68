#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our engine against libcoap's programs (Debian libcoap3-bin), in both roles, on loopback.
#   interop_libcoap.sh PLAIN_SERVER [PLAIN_CLIENT]
# Without a client: the small engine, which takes no bodies in blocks.
# Exit 77: the programs of libcoap are not installed.
server=$1 client=$2
command -v coap-client-notls >/dev/null && command -v coap-server-notls >/dev/null || {
    echo "coap-client-notls or coap-server-notls is missing: install libcoap3-bin" >&2
    exit 77
}
dir=$(mktemp -d) || exit 2
pids= failed=0
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT

start_server() { # SZX LOSS: sets port
    "$server" 170 "$1" "$2" >"$dir/port" &
    pids="$pids $!"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$(cat "$dir/port")
        [ -n "$port" ] && return
        sleep 0.2
    done
    echo "plain_server does not start" >&2
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

i=0
while [ $i -lt 400 ]; do echo "line $i of a body that needs many blocks"; i=$((i + 1)); done >"$dir/long"

round() { # name, client options ...
    name=$1
    shift
    uri=coap://127.0.0.1:$port
    check "$name: get" "hello from tessera" "$(ask "$@" "$uri/hello")"
    check "$name: not found" "4.04 no such resource" "$(ask "$@" "$uri/none" 2>&1; grep 4.04 "$dir/err" | tail -1)"
    : >"$dir/err"
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
        ask "$@" -o "$dir/back" "$uri/store" >/dev/null
        same_file "$name: long put and get" "$dir/long" "$dir/back"
    else
        : >"$dir/err"
        check "$name: long put is refused" "4.13" "$(ask "$@" -m put -f "$dir/long" "$uri/store" 2>&1; grep -o "4[.]13" "$dir/err" | tail -1)"
    fi
    check "$name: separate response" "at last" "$(ask "$@" "$uri/late")"
}

start_server 6 0
round "plain"
round "blocks of 64" -b 64
check "NON get" "hello from tessera" "$(ask -N "$uri/hello")"
check "NON put" "" "$(ask -N -m put -e non "$uri/store")"
check "and it arrived" "non" "$(ask "$uri/store")"
ask -s 3 "$uri/tick" >"$dir/ticks"
letters=$(fold -w1 "$dir/ticks" | sort | uniq -c | awk '$1 == 1500 { n++ } END { print n + 0 }')
check "observe: at least 3 states, each of 1500 bytes" yes "$([ "$letters" -ge 3 ] && echo yes || echo "no: $letters")"
ask -s 3 -b 256 "$uri/tick" >"$dir/ticks"
letters=$(fold -w1 "$dir/ticks" | sort | uniq -c | awk '$1 == 1500 { n++ } END { print n + 0 }')
check "observe in blocks of 256" yes "$([ "$letters" -ge 3 ] && echo yes || echo "no: $letters")"

start_server 2 0
round "our blocks of 64"

start_server 6 20
uri=coap://127.0.0.1:$port
check "20 % loss each way: get" "hello from tessera" "$(ask -l 20% "$uri/hello")"
ask -l 20% -m put -e lossy "$uri/store"
check "20 % loss each way: put, get" "lossy" "$(ask -l 20% "$uri/store")"
check "20 % loss each way: separate" "at last" "$(ask -l 20% "$uri/late")"

[ -n "$client" ] || exit $failed
port=$((20000 + $$ % 20000))
coap-server-notls -A 127.0.0.1 -p $port -d 10 -v 3 >"$dir/libcoap" 2>&1 &
pids="$pids $!"
sleep 1
for how in "6 0" "2 0" "4 10"; do
    echo "our client, block exponent and loss: $how"
    # shellcheck disable=SC2086
    "$client" $port $how || failed=1
done
exit $failed
