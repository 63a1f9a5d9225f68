/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 2, LwM2M Access Control 1.1: which server may do what with which object instance.
 *
 *     tsr_lwm2m_accesses accesses = { items, 32 };
 *     tsr_lwm2m_access_furnish(&accesses, &registry, &servers, TSR_LWM2M_NOBODY, acl, 2);
 *     objects[n++] = tsr_lwm2m_access_object(&accesses);
 *
 * and the client is told of it by config.accesses. It asks for rights only while there are several
 * server accounts, and instances of this object: a device with one server need not have any. */
#ifndef TESSERA_LWM2M_OBJECTS_ACCESS_H
#define TESSERA_LWM2M_OBJECTS_ACCESS_H

#include "tessera/lwm2m/objects/server.h"

/** Bits of an ACL; source: Core E.3, resource 2. */
enum {
    TSR_LWM2M_MAY_READ = 1,    /* and observe, and write attributes */
    TSR_LWM2M_MAY_WRITE = 2,
    TSR_LWM2M_MAY_EXECUTE = 4,
    TSR_LWM2M_MAY_DELETE = 8,
    TSR_LWM2M_MAY_CREATE = 16, /* of a whole object alone */
    TSR_LWM2M_MAY_ALL = 31,
};

enum {
    TSR_LWM2M_ACLS = 9,          /* servers that one instance can name, the default among them */
    TSR_LWM2M_NOBODY = 65535,    /* an owner: bootstrap alone manages it */
    TSR_LWM2M_WHOLE_OBJECT = 65535, /* in place of an instance: who may create some */
};

typedef struct {
    uint16_t server; /* Short Server ID; 0: those that are not named (Core 8.1.2.2) */
    uint8_t rights;
} tsr_lwm2m_acl;

/** One instance. */
typedef struct {
    bool used;
    uint8_t count; /* of acl, which ascends by server */
    uint16_t id;
    uint16_t object, instance; /* what it is about */
    uint16_t owner;            /* Short Server ID */
    tsr_lwm2m_acl acl[TSR_LWM2M_ACLS];
} tsr_lwm2m_access;

/** The object's state. The caller zeroes it and sets the first part. */
typedef struct tsr_lwm2m_accesses {
    tsr_lwm2m_access *items; /* one for each instance of other objects, and for each object that servers
                                may create instances of */
    size_t count;
    /* read only */
    bool active;       /* there are instances; or they have been deleted by servers since */
    uint32_t revision; /* changes whenever the content does */
    /* private */
    uint32_t reviewed;
    size_t last;           /* the place that a request changed last, and what it held before */
    tsr_lwm2m_access before;
} tsr_lwm2m_accesses;

/** The registry entry over the caller's state. Servers reach it by the rules of the client alone. */
tsr_lwm2m_object tsr_lwm2m_access_object(tsr_lwm2m_accesses *accesses);

/** The instance about that object instance (or whole object), or NULL. */
tsr_lwm2m_access *tsr_lwm2m_access_find(const tsr_lwm2m_accesses *accesses, uint16_t object,
                                        uint16_t instance);

/** Makes one, without ACL; one that is there about the same is replaced.
 *  errors  NULL: no room, or ids */
tsr_lwm2m_access *tsr_lwm2m_access_add(tsr_lwm2m_accesses *accesses, uint16_t object,
                                       uint16_t instance, uint16_t owner);

/** Sets the rights of one server; those of 0 are the default.
 *  errors  TSR_E_SPACE  more servers than TSR_LWM2M_ACLS */
tsr_err tsr_lwm2m_access_set(tsr_lwm2m_accesses *accesses, tsr_lwm2m_access *item, uint16_t server,
                             uint8_t rights);

/** The rights of a server on an object instance, or on a whole object (then TSR_LWM2M_MAY_CREATE or 0).
 *  source  Core 8.2.1 */
uint8_t tsr_lwm2m_access_rights(const tsr_lwm2m_accesses *accesses, uint16_t server, uint16_t object,
                                uint16_t instance);

/** What a device has from the factory: every instance that nothing is said about gets `owner` and
 *  `acl`, and every object that can have new instances those servers that may create them. Instances
 *  of Server belong to their servers. Again, when the device itself has got more instances.
 *
 *  errors  TSR_E_SPACE  too few items; for the rest nobody has any right */
tsr_err tsr_lwm2m_access_furnish(tsr_lwm2m_accesses *accesses, const tsr_lwm2m_registry *registry,
                                 const tsr_lwm2m_servers *servers, uint16_t owner,
                                 const tsr_lwm2m_acl *acl, size_t acl_count);

/** Accounts have gone: so do their ACLs. What they owned goes to the server with the most rights to
 *  write and delete; what nobody else may touch is deleted, or if it cannot be, is nobody's.
 *
 *  source   Core E.1.3 (Unbootstrapping)
 *  returns  has anything changed? */
bool tsr_lwm2m_access_settle(tsr_lwm2m_accesses *accesses, const tsr_lwm2m_registry *registry,
                             const tsr_lwm2m_servers *servers);

#endif
