/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold among the settings of a configuration, once all of them are read. */
#include "apps/tesserad/config_in.h"

#include <stdio.h>
#include <stdlib.h>

#include "ports/linux/host/udp.h"

/* IANA numbers with blanks between. Which of them this device has, it finds out itself. */
static tsr_err check_suites(const reader *r, config_server *s)
{
    size_t count = 0;

    if (s->suite_text[0] != '\0' && s->mode == TSR_LWM2M_MODE_NOSEC)
        return fail(r, s->line, "ciphersuites without keys; take it out, or add mode = psk or certificate");
    for (char *p = s->suite_text; *(p += strspn(p, " ")) != '\0';) {
        char *end;
        unsigned long suite = strtoul(p, &end, 16);

        if (strncmp(p, "0x", 2) != 0 || suite == 0 || suite > UINT16_MAX || (*end != ' ' && *end != '\0'))
            return fail(r, s->line, "'%s' in ciphersuites is no suite; write their numbers as 0xc0a8 0xc0a4", p);
        if (count == TSR_LWM2M_SUITES)
            return fail(r, s->line, "more than %d ciphersuites; leave the best", TSR_LWM2M_SUITES);
        s->suites[count++] = (uint16_t)suite;
        p = end;
    }
    return TSR_OK;
}

static tsr_err check_server(const reader *r, const config_server *s)
{
    char name[24];
    tsr_udp_uri uri;

    (void)snprintf(name, sizeof name, s->short_id == CONFIG_BOOTSTRAP ? "bootstrap" : "server %u",
                   s->short_id);
    if (s->uri[0] == '\0')
        return fail(r, s->line, "[%s] has no uri; add uri = coaps://HOST:PORT", name);
    if (tsr_udp_uri_parse(tsr_text(s->uri), &uri) != TSR_OK)
        return fail(r, s->line, "'%s' is no server URI; write coap://HOST:PORT, coaps://, coap+tcp:// or "
                                "coaps+tcp://",
                    s->uri);
    if (s->oscore_key != 0 && uri.stream)
        return fail(r, s->line, "OSCORE goes over coap and coaps only; take another URI or remove "
                                "oscore_key");
    if (s->oscore_key != 0 && s->oscore_sender.len == s->oscore_recipient.len &&
        memcmp(s->oscore_sender.bytes, s->oscore_recipient.bytes, s->oscore_sender.len) == 0)
        return fail(r, s->line, "oscore_sender and oscore_recipient are the same; give each end its "
                                "own id");
    if (s->oscore_key == 0 && (s->oscore_sender.len | s->oscore_recipient.len | s->oscore_salt.len |
                               s->oscore_context.len) != 0)
        return fail(r, s->line, "oscore ids without oscore_key; add oscore_key = ID, and import the "
                                "master secret with 'tesserad provision --oscore --%s'", name);
    if (uri.secure != (s->mode != TSR_LWM2M_MODE_NOSEC))
        return fail(r, s->line, uri.secure ? "a coaps URI without keys; add mode = psk or certificate"
                                           : "a coap URI is not secured; write coaps, or mode = nosec");
    if (s->mode == TSR_LWM2M_MODE_PSK && (s->identity[0] == '\0' || s->key == 0))
        return fail(r, s->line, "mode psk needs identity and key; add both, and import the key with "
                                "'tesserad provision --%s'", name);
    if (s->mode == TSR_LWM2M_MODE_CERTIFICATE &&
        (s->certificate[0] == '\0' || s->server_certificate[0] == '\0' || s->key == 0))
        return fail(r, s->line, "mode certificate needs certificate, server_certificate and key; "
                                "add what is missing, then 'tesserad request --%s' makes "
                                "the key and asks for the certificate", name);
    if (s->mode == TSR_LWM2M_MODE_ENROL && s->short_id == CONFIG_BOOTSTRAP)
        return fail(r, s->line, "[bootstrap] cannot be enrolled, as it is who enrols others; use mode "
                                "= certificate, psk or nosec");
    if (s->mode == TSR_LWM2M_MODE_ENROL &&
        (s->server_certificate[0] == '\0' || s->key == 0 || !r->c->has_bootstrap))
        return fail(r, s->line, "mode est needs server_certificate, key and a section [bootstrap], "
                                "whose server gives the certificate; add what is missing");
    return TSR_OK;
}

/* Letters of the rights that object 2 knows, in the order of its bits. */
static tsr_err check_access(const reader *r, config_server *s, bool *owned)
{
    static const char letters[] = "RWEDC";

    s->rights = 0;
    if (s->owner == 1 && *owned)
        return fail(r, s->line, "more than one server with owner = yes; leave one");
    *owned |= s->owner == 1;
    if (strcmp(s->access, "none") == 0)
        return TSR_OK;
    for (const char *a = s->access; *a != '\0'; a++) {
        const char *found = strchr(letters, *a);

        if (found == NULL)
            return fail(r, s->line, "access = %s in [server %u]; write some of RWEDC (Read, Write, "
                                    "Execute, Delete, Create), or none", s->access, s->short_id);
        s->rights = (uint8_t)(s->rights | 1u << (found - letters));
    }
    return TSR_OK;
}

/* Paths with blanks between. */
static tsr_err check_send(const reader *r)
{
    config_send *send = &r->c->send;

    for (const char *p = send->text + strspn(send->text, " "); *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        tsr_lwm2m_path *path = &send->paths[send->path_count];

        if (send->path_count == CONFIG_SENDS)
            return fail(r, r->ini.line, "more than %d paths in [send]; name instances, not each of their "
                                    "resources", CONFIG_SENDS);
        if (*p != '/' || tsr_lwm2m_path_parse(tsr_view(p, len), path) != TSR_OK || path->depth == 0)
            return fail(r, r->ini.line, "'%.*s' in [send] is no path; write paths = /3/0/9 /3303/0/5700",
                        (int)len, p);
        send->path_count++;
        p += len;
    }
    return TSR_OK;
}

static tsr_err check_location(const reader *r)
{
    const config *c = r->c;

    if (c->latitude.set != c->longitude.set)
        return fail(r, r->ini.line, "[location] has one of latitude and longitude; add the other");
    if ((c->altitude.set || c->radius.set) && !c->latitude.set)
        return fail(r, r->ini.line, "[location] has no place; add latitude and longitude");
    if (c->radius.value < 0)
        return fail(r, r->ini.line, "a radius below 0; give it in metres, from 0 on");
    return TSR_OK;
}

/* Whether the key can be read is found out when it is needed. */
static tsr_err check_software(const reader *r)
{
    const config_software *s = &r->c->software;

    if (s->directory[0] == '\0' && (s->anchor[0] | s->vendor[0] | s->class_id[0]) == 0)
        return TSR_OK;
    if (s->directory[0] != '/' || s->anchor[0] == '\0' || s->vendor[0] == '\0' ||
        s->class_id[0] == '\0')
        return fail(r, r->ini.line, "[software] wants directory (from / on), anchor, vendor and class; add "
                                "what is missing");
    return TSR_OK;
}

static tsr_err check_containers(const reader *r)
{
    for (size_t i = 0; i < r->c->container_count; i++) {
        const config_container *c = &r->c->containers[i];

        if (c->directory[0] != '/')
            return fail(r, c->line, "[container %u] wants a directory of its own; add directory = /PATH", c->id);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(r->c->containers[k].directory, c->directory) == 0)
                return fail(r, c->line, "[container %u] has the directory of [container %u]; give it its own", c->id,
                            r->c->containers[k].id);
        }
    }
    return TSR_OK;
}

static tsr_err check_root(const reader *r)
{
    if (!tsr_lwm2m_root_is_good(tsr_text(r->c->root)))
        return fail(r, r->ini.line, "alternate_path = %s is no path for objects; write one like /lwm2m: segments with a "
                                "letter, of letters, digits and -._~", r->c->root);
    return TSR_OK;
}

/* 3GPP 23.003 3.3, without the "+". */
static tsr_err check_sms(const reader *r)
{
    const char *sms = r->c->sms;

    if (strspn(sms, "0123456789") != strlen(sms) || sms[0] == '0')
        return fail(r, r->ini.line, "sms = %s is no number of a modem; write the country's code and all digits behind it, "
                                "without +, as 436641234567", sms);
    return TSR_OK;
}

/* Core 6.2.1: "oma:NAME", "v:NAME", or a suite's number, a colon and a hash. */
static tsr_err check_profile(const reader *r)
{
    const config *c = r->c;
    bool made = strcmp(c->profile, "auto") == 0;

    if (c->profile[0] != '\0' && !made && strchr(c->profile, ':') == NULL)
        return fail(r, r->ini.line, "profile = %s is no Profile ID; write auto, oma:NAME, v:NAME or "
                                "6:27354b9a", c->profile);
    if (c->profile_covers[0] != '\0' && (c->profile[0] == '\0' || made))
        return fail(r, r->ini.line, "profile_covers goes with a profile that has a name; add one, or "
                                "remove it");
    if (c->profile_covers[0] != '\0' && c->profile_covers[0] != '<')
        return fail(r, r->ini.line, "profile_covers = %s is no list of links; write </1/0>,</3/0>",
                    c->profile_covers);
    return TSR_OK;
}

tsr_err config_check(const reader *r)
{
    config *c = r->c;
    bool owned = false;
    const char *cause;
    tsr_err err;

    if (c->endpoint[0] == '\0')
        return fail(r, r->ini.line, "the device has no name; add endpoint = NAME under [device]");
    if (c->state[0] == '\0')
        return fail(r, r->ini.line, "no place for the state; add state = DIRECTORY under [device]");
    if (c->server_count == 0 && !c->has_bootstrap && !c->fdo.present)
        return fail(r, r->ini.line, "no server; add a section [server 1], [bootstrap] or [fdo]");
    if ((c->block_size & (c->block_size - 1)) != 0)
        return fail(r, r->ini.line, "block_size %u is no power of two; use 16 to 1024", c->block_size);
    err = check_root(r);
    if (err == TSR_OK)
        err = check_sms(r);
    if (err == TSR_OK)
        err = check_profile(r);
    if (err == TSR_OK)
        err = check_send(r);
    if (err == TSR_OK)
        err = check_location(r);
    if (err == TSR_OK)
        err = check_software(r);
    if (err == TSR_OK)
        err = check_containers(r);
    if (err == TSR_OK && c->fdo.present && (cause = config_check_fdo(&c->fdo)) != NULL)
        return fail(r, r->ini.line, "[fdo]: %s", cause);
    for (size_t i = 0; err == TSR_OK && i < c->server_count; i++)
        err = check_access(r, &c->servers[i], &owned);
    for (size_t i = 0; err == TSR_OK && i < c->server_count; i++)
        err = check_server(r, &c->servers[i]);
    for (size_t i = 0; err == TSR_OK && i < c->server_count; i++)
        err = check_suites(r, &c->servers[i]);
    if (err == TSR_OK && c->has_bootstrap)
        err = check_server(r, &c->bootstrap);
    return err == TSR_OK ? check_suites(r, &c->bootstrap) : err;
}
