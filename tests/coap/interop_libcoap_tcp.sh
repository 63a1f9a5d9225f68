#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our engine for streams against libcoap's programs (Debian libcoap3-bin) over coap+tcp, in both roles, on loopback.
#   interop_libcoap_tcp.sh STREAM_SERVER STREAM_CLIENT
# Exit 77: the programs of libcoap are not installed.
server=$1 client=$2
. "$(dirname "$0")/interop_libcoap_parts.sh"

tcp() { # name, client options ...
    name=$1 uri=coap+tcp://127.0.0.1:$port
    shift
    round "$name" "$uri" "$@"
    check "$name: answered, then released" "" "$(ask "$@" "$uri/release")"
    ask "$@" -s 3 "$uri/tick" >"$dir/ticks"
    check_states "$name: observe, at least 3 states" 1500
}

start_server "$server" 170 1152
tcp "messages of 1152 bytes"
tcp "blocks of 64" -b 64
start_server "$server" 170 8448
tcp "messages of 8448 bytes" -X 8448

start_libcoap_server
for most in 1152 8448 300; do
    echo "our client, Max-Message-Size $most"
    "$client" $port libcoap $most || failed=1
done
exit $failed
