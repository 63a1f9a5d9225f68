/* SPDX-License-Identifier: Apache-2.0
 *
 * The client with all of its parts. Apart, so that who says which parts it wants, and which CoAP
 * engine, links nothing of the others. */
#include "tessera/lwm2m/client/client.h"

const tsr_lwm2m_parts tsr_lwm2m_whole = {
    .coap_init = tsr_coap_init_device,
    .reporting = &tsr_lwm2m_reporting,
    .attributes = &tsr_lwm2m_all_attributes,
    .keeping = &tsr_lwm2m_keeping,
    .channels = &tsr_lwm2m_channels,
    .instances = &tsr_lwm2m_instances,
    .composite = &tsr_lwm2m_composite,
    .sender = &tsr_lwm2m_sender_and_history,
    .arguments = tsr_lwm2m_arguments_check,
    .access = &tsr_lwm2m_access_control,
    .parameters = tsr_lwm2m_all_parameters,
    .words = tsr_lwm2m_words,
    .binding = tsr_lwm2m_binding_choice,
    .turn = tsr_lwm2m_registration_order,
};

tsr_err tsr_lwm2m_client_init(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config)
{
    return tsr_lwm2m_client_init_with(c, config, &tsr_lwm2m_whole);
}
