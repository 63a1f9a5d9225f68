/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes and looks for persistent keys through the wall, for the durability test:
 *
 *     keytool SOCKET put FIRST COUNT   prints "kept ID" after each key that was acknowledged
 *     keytool SOCKET has ID ...        exit 0 when all are there */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"

static int put(uint32_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t made;
    uint8_t key[16];

    memset(key, (int)(id & 0xff), sizeof key);
    psa_set_key_id(&attributes, id);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    if (psa_import_key(&attributes, key, sizeof key, &made) != PSA_SUCCESS)
        return 1;
    printf("kept %u\n", id);
    return fflush(stdout);
}

static int has(uint32_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(id, &attributes);

    if (status != PSA_SUCCESS)
        fprintf(stderr, "key %u: status %d\n", id, (int)status);
    return status != PSA_SUCCESS;
}

int main(int argc, char **argv)
{
    int bad = 0;

    if (argc < 4 || tsr_gate_socket(argv[1]) != PSA_SUCCESS || psa_crypto_init() != PSA_SUCCESS) {
        fprintf(stderr, "keytool: the secure service does not answer\n");
        return 2;
    }
    if (strcmp(argv[2], "put") == 0 && argc == 5) {
        uint32_t first = (uint32_t)atoi(argv[3]), count = (uint32_t)atoi(argv[4]);

        for (uint32_t n = 0; n < count && bad == 0; n++)
            bad = put(first + n);
        return bad;
    }
    for (int n = 3; n < argc; n++)
        bad |= has((uint32_t)atoi(argv[n]));
    return bad;
}
