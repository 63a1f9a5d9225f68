/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of FIDO Device Onboard 1.1: manufacturer (DI), rendezvous (TO0 and TO1) and owner
 * (TO2), any of them in one process, over HTTP and on the server's store.
 *
 * Vouchers, the device inventory and redirects are documents of the store: what was answered with
 * 13, 23 or 71 is on the disk. */
#ifndef SERVER_FDO_FDO_H
#define SERVER_FDO_FDO_H

#include "server/fdo/lwm2m.h"
#include "server/store/store.h"

typedef struct tsr_fdo tsr_fdo;

enum { TSR_FDO_MANUFACTURER = 1, TSR_FDO_RENDEZVOUS = 2, TSR_FDO_OWNER = 4 };
enum {
    TSR_FDO_KEYS_MAX = 5,   /* of a role: one for each type that devices ask for */
    TSR_FDO_PLACES_MAX = 4, /* rendezvous servers, addresses of the owner */
    TSR_FDO_TRUST_MAX = 16, /* keys of owners that the rendezvous service takes */
};

/** How far a device is; each is an event of the server, too (`fdo-made` and so on). */
typedef enum {
    TSR_FDO_MADE,       /* DI is done, the voucher is here */
    TSR_FDO_IMPORTED,   /* its voucher was taken in */
    TSR_FDO_EXTENDED,   /* its voucher ends with the next owner's key */
    TSR_FDO_ANNOUNCED,  /* this owner registered for it at a rendezvous server (TO0) */
    TSR_FDO_ACCEPTED,   /* this rendezvous server took an owner's registration (TO0) */
    TSR_FDO_REDIRECTED, /* it was told where its owner is (TO1) */
    TSR_FDO_PROVED,     /* it came to this owner and proved who it is (TO2 began) */
    TSR_FDO_ONBOARDED,  /* TO2 is done */
    TSR_FDO_REPLACED,   /* it goes on under another GUID, which `detail` is */
    TSR_FDO_FAILED,     /* a protocol ended early: detail */
    TSR_FDO_STAGES,
} tsr_fdo_stage;

/** "made", "imported", ... */
const char *tsr_fdo_stage_name(tsr_fdo_stage stage);

struct tsr_audit;

/** Zero is the default of every field. Strings are used while the service is open. */
typedef struct {
    tsr_store *store; /* must outlive the service */
    unsigned roles;
    const char *bind; /* numeric address; NULL: 127.0.0.1 */
    uint16_t port;    /* 0: any free one */
    const char *manufacturer_keys[TSR_FDO_KEYS_MAX], *owner_keys[TSR_FDO_KEYS_MAX]; /* PEM or DER */
    unsigned manufacturer_key_count, owner_key_count;
    const char *device_ca, *device_ca_key; /* signs the certificates of devices (DI) */
    const char *rendezvous[TSR_FDO_PLACES_MAX]; /* "http://host:port": where devices, and TO0, look */
    unsigned rendezvous_count;
    const char *rendezvous_ca; /* PEM or DER: the CA of those with https, whose hash devices are told; NULL: no
                                  hash */
    const char *owner_places[TSR_FDO_PLACES_MAX]; /* and what is told to devices that ask there */
    unsigned owner_place_count;
    const char *next_owner;   /* PEM public key that new vouchers are extended to; "own": the owner
                                 key here of the same type; NULL: vouchers stay without entries */
    const char *device_trust; /* PEM anchors for devices' certificates; NULL: any */
    const char *owner_trust[TSR_FDO_TRUST_MAX]; /* PEM public keys: a voucher is taken at TO0 when
                                                   one of them is its maker's or its owner's */
    unsigned owner_trust_count;
    bool any_owner;        /* take every voucher that is well made */
    bool reuse;            /* TO2 leaves devices the credential that they have */
    bool short_mac_keys;   /* CBC and CTR suites with MAC keys as short as go-fdo's */
    uint32_t delay_s;      /* between a device's tries at the rendezvous servers; 0: what devices do
                              without a word, which is about 2 minutes */
    uint32_t wait_max_s;   /* a redirect is kept at most so long; 0: a week */
    uint32_t sessions;     /* runs at a time; 0: 4096 */
    uint32_t session_ms;   /* a run takes at most; 0: 10 minutes */
    uint32_t rate;         /* runs that begin a second; 0: 200 */
    uint32_t peer_rate;    /* the same of one address (IPv6: of a /64); 0: half of `rate` */
    size_t message_max;    /* bytes; 0: 65535 */
    const tsr_fdo_lwm2m *lwm2m; /* what accounts for LwM2M open; NULL: plans hand none over */
    struct tsr_audit *audit; /* must outlive the service; NULL: nothing is written down */
    /* Any thread; must not block. NULL: nobody is told. */
    void (*reached)(void *arg, tsr_fdo_stage stage, const char *guid, const char *detail);
    void *reached_arg;
    void (*log)(void *arg, bool bad, const char *text); /* any thread; NULL: silent */
    void *log_arg;
} tsr_fdo_config;

/** Opens keys and port and serves until tsr_fdo_close.
 *  errors  TSR_E_ARGUMENT, TSR_E_IO, TSR_E_SPACE, TSR_E_CRYPTO; `why` names cause and remedy; 400
 *          bytes are sensible */
tsr_err tsr_fdo_open(const tsr_fdo_config *config, tsr_fdo **out, char *why, size_t why_cap);
/** The same without a port: messages come by tsr_fdo_message alone. */
tsr_err tsr_fdo_open_bare(const tsr_fdo_config *config, tsr_fdo **out, char *why, size_t why_cap);

uint16_t tsr_fdo_port(const tsr_fdo *f);

/** Protocols that are under way; any thread. */
uint32_t tsr_fdo_runs(tsr_fdo *f);

/** Lets messages under way finish, then frees all. NULL is allowed. */
void tsr_fdo_close(tsr_fdo *f);

/* --- what operators do: any thread ---------------------------------------------------------- */

/** One row: what is kept under a name (a GUID in hexadecimal digits). */
typedef void tsr_fdo_row_fn(void *arg, const char *name, tsr_bytes body);

/** Devices, as JSON (docs/openapi.yaml, FdoDevice), sorted by GUID, after `after` (NULL: from the start), at most `limit` (0: 100);
 *  those of one group, or all (NULL). errors TSR_E_IO */
tsr_err tsr_fdo_device_list(tsr_fdo *f, const char *group, const char *after, size_t limit,
                            tsr_fdo_row_fn *fn, void *arg);
/** errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_fdo_device_get(tsr_fdo *f, const char *guid, tsr_fdo_row_fn *fn, void *arg);

/** Puts a device into a group, whose plan it gets then ("": into none); durable when it returns.
 *  errors  TSR_E_ARGUMENT  `why`: there is no plan of that name;  TSR_E_NOT_FOUND (the device), TSR_E_IO */
tsr_err tsr_fdo_device_group(tsr_fdo *f, const char *guid, const char *group, char *why,
                             size_t why_cap);

/** Groups, as JSON (FdoGroup), sorted by name: every plan that has a name of its own, and every name that devices
 *  have as their group; after `after` (NULL: from the start), at most `limit` (0: 100). errors TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_fdo_group_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn, void *arg);

/** What this service is and whom it trusts, as JSON (docs/openapi.yaml, FdoService); `json` grows.
 *  errors TSR_E_SPACE */
tsr_err tsr_fdo_service_tell(tsr_fdo *f, tsr_buf *json);

/** Registrations of owners that are kept for devices (TO0), as JSON (FdoRedirect), sorted by GUID. errors TSR_E_IO */
tsr_err tsr_fdo_redirect_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                              void *arg);

/** A voucher and what can be verified of it, entry by entry, as JSON (FdoVoucher); `json` grows.
 *  errors TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err tsr_fdo_voucher_tell(tsr_fdo *f, const char *guid, tsr_buf *json);

/** Appends the voucher as PEM; `pem` grows. errors TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_fdo_voucher_export(tsr_fdo *f, const char *guid, tsr_buf *pem);

/** Takes a voucher in, PEM or CBOR, after full verification: it has to end with a key of this server.
 *  owner   guid: the device's, in hexadecimal digits
 *  errors  TSR_E_DENIED  `why` says what is wrong with it;  TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_fdo_voucher_import(tsr_fdo *f, tsr_bytes content, char guid[33], char *why,
                               size_t why_cap);

/** Extends a voucher that ends with a key of this server to the next owner's (a public key or a
 *  certificate, PEM or DER).
 *  errors  TSR_E_DENIED  `why`;  TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_fdo_voucher_hand_over(tsr_fdo *f, const char *guid, tsr_bytes next_pem, char *why,
                                  size_t why_cap);

/** Sets (replaces) the plan of a device (a GUID), of a group, or of all that have no other ("default");
 *  durable when it returns.
 *  source  docs/openapi.yaml, FdoPlan
 *  errors  TSR_E_ARGUMENT  `why` names step, cause and remedy;  TSR_E_IO */
tsr_err tsr_fdo_plan_set(tsr_fdo *f, const char *name, tsr_bytes json, char *why, size_t why_cap);
/** Whether it would be set. errors as above */
tsr_err tsr_fdo_plan_check(tsr_fdo *f, const char *name, tsr_bytes json, char *why, size_t why_cap);
/** A plan without the files that are in it (FdoPlan, `file_bytes`). errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_fdo_plan_get(tsr_fdo *f, const char *name, tsr_fdo_row_fn *fn, void *arg);
/** errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_fdo_plan_delete(tsr_fdo *f, const char *name);
tsr_err tsr_fdo_plan_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                          void *arg);

/** What steps of plans brought; names are "GUID/name". The second gives its bytes. errors as above */
tsr_err tsr_fdo_result_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                            void *arg);
tsr_err tsr_fdo_result_get(tsr_fdo *f, const char *name, tsr_fdo_row_fn *fn, void *arg);

/* --- the protocols -------------------------------------------------------------------------- */

/** An answer: message `type` and its body, on the heap. */
typedef struct {
    uint8_t type;
    tsr_buf body;
    char token[40]; /* the first answer of a run: what the peer repeats; else "" */
} tsr_fdo_answer;

/** One message of a peer; any thread. Every message has an answer, errors too (255); that to an error
 *  is of type 0, without a body.
 *  units   token: NULL or "" when there was none
 *  owner   free(answer->body.ptr) */
void tsr_fdo_message(tsr_fdo *f, uint8_t type, const char *token, tsr_bytes body,
                     tsr_fdo_answer *answer);

/** The same, of a peer whose address is known: what it may do a second is bounded, and it stands in the
 *  audit log.
 *  units   peer: numeric IPv4 or IPv6 address; NULL: not known */
void tsr_fdo_message_from(tsr_fdo *f, const char *peer, uint8_t type, const char *token,
                          tsr_bytes body, tsr_fdo_answer *answer);

#endif
