/* SPDX-License-Identifier: Apache-2.0
 *
 * What a key of PSA is in the TPM; for keys.c and import.c. */
#ifndef PORTS_LINUX_TPM_TEMPLATE_H
#define PORTS_LINUX_TPM_TEMPLATE_H

#include "ports/linux/tpm/internal.h"

/** The public area of a key pair with these attributes, without its point. */
void tsr_tpm_template(const psa_key_attributes_t *attributes, bool made_there, TPM2B_PUBLIC *pub);

/** Whether it is a key pair on P-256; bits 0 is "not given". */
bool tsr_tpm_has_type(const psa_key_attributes_t *attributes);

/** tsr_location.import */
psa_status_t tsr_tpm_import(void *self, const psa_key_attributes_t *attributes, tsr_bytes material,
                            tsr_buf *blob, size_t *bits);

#endif
