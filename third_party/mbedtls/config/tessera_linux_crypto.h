/* SPDX-License-Identifier: Apache-2.0
 *
 * What the TLS half on Linux may ask for: signatures by RSA keys of web servers and their authorities. */
#ifndef TESSERA_LINUX_CRYPTO_H
#define TESSERA_LINUX_CRYPTO_H

#include "tessera_client_crypto.h"

#define PSA_WANT_ALG_RSA_PKCS1V15_SIGN   1
#define PSA_WANT_ALG_RSA_PSS             1
#define PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY 1

#endif
