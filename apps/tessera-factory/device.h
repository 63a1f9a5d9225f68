/* SPDX-License-Identifier: Apache-2.0
 *
 * The device that is provisioned: its store, PSA core, lifecycle and root key, opened by the tool
 * itself while tessera-secured is stopped. */
#ifndef APPS_TESSERA_FACTORY_DEVICE_H
#define APPS_TESSERA_FACTORY_DEVICE_H

#include "apps/tessera-factory/options.h"
#include "ports/linux/root/sealed.h"
#include "ports/linux/secured/store.h"
#include "ports/linux/tpm/tpm.h"
#include "secure/attest/attest.h"
#include "secure/crypto/service.h"

typedef struct {
    tsr_secured_store store;
    tsr_crypto crypto;
    tsr_lifecycle lifecycle;
    tsr_tpm tpm; /* without --tpm: of zeros */
    tsr_root_sealed sealed;
    tsr_root root;
    char root_path[4096];
    bool core_open;
} factory_device;

/** The device of this process. */
factory_device *factory_device_here(void);

/** Opens the store and what stands on it; the root key is not touched yet. Failures are told on
 *  standard error. */
tsr_err factory_device_open(factory_device *d, const factory_options *o);
void factory_device_close(factory_device *d);

/* What is done to it, in this order; each may be repeated until the device is secured. */
tsr_err factory_root(factory_device *d, const factory_options *o);
tsr_err factory_attest(factory_device *d, const factory_options *o);
tsr_err factory_secrets(factory_device *d, const factory_options *o);
tsr_err factory_update_key(const factory_options *o);
tsr_err factory_update(const factory_options *o);
tsr_err factory_advance(factory_device *d, const factory_options *o);

/** Writes the record for the manufacturer: what is public about the device. */
tsr_err factory_record(factory_device *d, const factory_options *o);

/* Files */

/** Reads all of FILE ("-": standard input) and wipes nothing: that is the caller's.
 *  errors  TSR_E_SPACE (longer than cap), TSR_E_IO; told on standard error */
tsr_err factory_read(const char *file, uint8_t *out, size_t cap, size_t *len);

/** The same for hexadecimal digits, white space between them ignored. errors also TSR_E_MALFORMED
 */
tsr_err factory_read_hex(const char *file, uint8_t *out, size_t cap, size_t *len);
tsr_err factory_hex(tsr_bytes text, uint8_t *out, size_t cap, size_t *len);

/** Writes a file whole or not at all, synced. */
tsr_err factory_write(const char *file, tsr_bytes data, unsigned mode);

/** A line on standard error; returns `err`. */
tsr_err factory_complain(tsr_err err, const char *what, const char *why);

/** The same for what has a cause and a remedy. */
tsr_err factory_explain(tsr_err err, const char *what, const char *cause, const char *remedy);

#endif
