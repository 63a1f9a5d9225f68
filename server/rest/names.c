/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/names.h"

#include "server/model.h"

tsr_err rest_name_resource(tsr_lwm2m_path path, rest_resource_name *found)
{
    const tsr_model_resource *r = tsr_model_at(path);

    if (r == NULL)
        return TSR_E_NOT_FOUND;
    *found = (rest_resource_name){ r->name, r->units, (tsr_lwm2m_type)r->type };
    return TSR_OK;
}

const char *rest_name_object(uint16_t object)
{
    const tsr_model_object *o = tsr_model_find(object);

    return o != NULL ? o->name : NULL;
}

const char *rest_name(tsr_lwm2m_path path)
{
    rest_resource_name found;

    if (path.depth >= 3)
        return rest_name_resource(path, &found) == TSR_OK ? found.name : NULL;
    return path.depth > 0 ? rest_name_object(path.object) : NULL;
}
