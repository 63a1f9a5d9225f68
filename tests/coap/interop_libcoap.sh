#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our engine against libcoap's programs (Debian libcoap3-bin), in both roles, on loopback.
#   interop_libcoap.sh PLAIN_SERVER [PLAIN_CLIENT]
# Without a client: the small engine, which takes no bodies in blocks.
# Exit 77: the programs of libcoap are not installed.
server=$1 client=$2
. "$(dirname "$0")/interop_libcoap_parts.sh"

serve() { # SZX LOSS: sets uri
    start_server "$server" 170 "$1" "$2"
    uri=coap://127.0.0.1:$port
}

[ -z "$client" ] || tags=1
serve 6 0
round "plain" "$uri"
round "blocks of 64" "$uri" -b 64
check "NON get" "hello from tessera" "$(ask -N "$uri/hello")"
check "NON put" "" "$(ask -N -m put -e non "$uri/store")"
check "and it arrived" "non" "$(ask "$uri/store")"
ask -s 3 "$uri/tick" >"$dir/ticks"
check_states "observe: at least 3 states, each of 1500 bytes" 1500
ask -s 3 -b 256 "$uri/tick" >"$dir/ticks"
check_states "observe in blocks of 256" 1500

serve 2 0
round "our blocks of 64" "$uri"

# Of ours 20 % are lost, by dice that always fall alike; of libcoap's those that are told, up to three in a row: of dice five in a
# row, which RFC 7252 §4.2 gives up after, would come once in some hundred runs.
serve 6 20
check "loss each way: get" "hello from tessera" "$(ask -l 1-3 "$uri/hello")"
ask -l 1,2 -m put -e lossy "$uri/store"
check "loss each way: put, get" "lossy" "$(ask -l 1 "$uri/store")"
check "loss each way: separate" "at last" "$(ask -l 1,3 "$uri/late")"
check "loss each way: separate, its acknowledgement lost" "at last" "$(ask -l 2-3 "$uri/late")"

[ -n "$client" ] || exit $failed
start_libcoap_server
for how in "6 0" "2 0" "4 10"; do
    echo "our client, block exponent and loss: $how"
    # shellcheck disable=SC2086
    "$client" $port $how || failed=1
done
exit $failed
