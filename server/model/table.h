/* SPDX-License-Identifier: Apache-2.0
 *
 * The table that tools/objects makes. */
#ifndef TESSERA_SERVER_MODEL_TABLE_H
#define TESSERA_SERVER_MODEL_TABLE_H

#include "server/model.h"

extern const tsr_model_object tsr_model_table[]; /* ordered by id */
extern const size_t tsr_model_table_len;

#endif
