// SPDX-License-Identifier: Apache-2.0
package tessera.interop;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;

/** Object 3303: rises by a tenth of a degree each second. */
public final class Temperature extends BaseInstanceEnabler {
    private double celsius = 20;

    public Temperature() {
        Executors.newSingleThreadScheduledExecutor(r -> {
            Thread t = new Thread(r);
            t.setDaemon(true);
            return t;
        }).scheduleAtFixedRate(() -> {
            celsius += 0.1;
            fireResourceChange(5700);
        }, 1, 1, TimeUnit.SECONDS);
    }

    @Override
    public ReadResponse read(LwM2mServer server, int resource) {
        switch (resource) {
        case 5700: return ReadResponse.success(resource, Math.round(celsius * 10) / 10.0);
        case 5701: return ReadResponse.success(resource, "Cel");
        default:   return super.read(server, resource);
        }
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
        return resource == 5605 ? ExecuteResponse.success() : super.execute(server, resource, arguments);
    }

    @Override
    public List<Integer> getAvailableResourceIds(ObjectModel model) {
        return Arrays.asList(5605, 5700, 5701);
    }
}
