// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.util.Arrays;
import java.util.List;

import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.client.californium.endpoint.coap.CoapOscoreProtocolProvider;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.oscore.OscoreSetting;

import tessera.interop.Light;
import tessera.interop.Models;
import tessera.interop.Temperature;

/**
 * Eclipse Leshan's client under OSCORE (Californium's): Device, a temperature sensor that moves and a light.
 *
 * Arguments: [-b] ENDPOINT URI DEVICE-ID SERVER-ID HEXSECRET HEXSALT; with -b the URI is a bootstrap server's.
 */
public final class OscoreClient {
    private static final int SERVER = 123, INSTANCE = 7;

    private OscoreClient() {
    }

    public static void main(String[] args) {
        boolean bootstrap = args[0].equals("-b");
        List<String> words = Arrays.asList(args).subList(bootstrap ? 1 : 0, args.length);
        OscoreSetting setting = Oscore.device(words.subList(2, 6));
        ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(Models.load()));
        objects.setInstancesForObject(21, new org.eclipse.leshan.client.object.Oscore(INSTANCE, setting));
        if (bootstrap) {
            objects.setInstancesForObject(0, Security.oscoreOnlyBootstrap(words.get(1), INSTANCE));
            objects.setClassForObject(1, Server.class);
        } else {
            objects.setInstancesForObject(0, Security.oscoreOnly(words.get(1), SERVER, INSTANCE));
            objects.setInstancesForObject(1, new Server(SERVER, 300));
        }
        objects.setInstancesForObject(3, new Device("Leshan", "peer client", "1"));
        objects.setInstancesForObject(3303, new Temperature());
        objects.setInstancesForObject(3311, new Light());

        LeshanClientBuilder builder = new LeshanClientBuilder(words.get(0));
        builder.setObjects(objects.createAll());
        builder.setEndpointsProviders(new CaliforniumClientEndpointsProvider.Builder(
                new CoapOscoreProtocolProvider()).build());
        LeshanClient client = builder.build();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> client.destroy(true)));
        client.start();
        System.out.println("peer is ready");
    }
}
