/* SPDX-License-Identifier: Apache-2.0
 *
 * Every format. A program that defines this table itself does not link this file, nor the
 * formats it leaves out. */
#include "tessera/lwm2m/format/codec.h"

const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = {
    &tsr_lwm2m_codec_senml_cbor_quick,
    &tsr_lwm2m_codec_senml_json,
    &tsr_lwm2m_codec_tlv_quick,
    &tsr_lwm2m_codec_lwm2m_cbor,
    &tsr_lwm2m_codec_text,
    &tsr_lwm2m_codec_octets,
    &tsr_lwm2m_codec_cbor,
    &tsr_lwm2m_codec_oma_json,
    NULL,
};
