// SPDX-License-Identifier: Apache-2.0
package tessera.interop;

import java.util.Arrays;
import java.util.List;

import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/** Object 3311: on or off, and a dimmer. */
public final class Light extends BaseInstanceEnabler {
    private boolean on;
    private long dimmer = 50;

    @Override
    public ReadResponse read(LwM2mServer server, int resource) {
        switch (resource) {
        case 5850: return ReadResponse.success(resource, on);
        case 5851: return ReadResponse.success(resource, dimmer);
        default:   return super.read(server, resource);
        }
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
        switch (resource) {
        case 5850: on = (Boolean) value.getValue(); break;
        case 5851: dimmer = (Long) value.getValue(); break;
        default:   return super.write(server, replace, resource, value);
        }
        fireResourceChange(resource);
        return WriteResponse.success();
    }

    @Override
    public List<Integer> getAvailableResourceIds(ObjectModel model) {
        return Arrays.asList(5850, 5851);
    }
}
