// SPDX-License-Identifier: Apache-2.0
package tessera.interop;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coaps.CoapsClientProtocolProvider;

/**
 * Eclipse Leshan's LwM2M client as a peer: Device, a temperature sensor that moves and a light.
 *
 * Arguments: [-b] ENDPOINT URI [IDENTITY HEXKEY | CERTIFICATE KEY SERVER-CERTIFICATE USAGE]; the key is PKCS #8
 * in DER, the usage that of resource /0/x/15; with -b the URI is a bootstrap server's.
 * -Dqueue=SECONDS: queue mode, and an Update so often. -Dsend=FORMAT: a Send of the temperature each second.
 */
public final class PeerClient {
    private static Security security(String[] args, boolean bootstrap, int server) throws Exception {
        if (args.length > 4)
            return certificate(args, bootstrap, server);
        if (args.length == 2)
            return bootstrap ? Security.noSecBootstrap(args[1]) : Security.noSec(args[1], server);
        byte[] identity = args[2].getBytes(StandardCharsets.UTF_8);
        byte[] key = HexFormat.of().parseHex(args[3]);
        return bootstrap ? Security.pskBootstrap(args[1], identity, key)
                : Security.psk(args[1], server, identity, key);
    }

    private static Security certificate(String[] args, boolean bootstrap, int server) throws Exception {
        byte[] own = Certificates.of(args[2]).getEncoded();
        byte[] key = Certificates.key(args[3]).getEncoded();
        byte[] theirs = Certificates.of(args[4]).getEncoded();
        ULong usage = ULong.valueOf(args[5]);
        return bootstrap ? Security.x509Bootstrap(args[1], own, key, theirs, usage)
                : Security.x509(args[1], server, own, key, theirs, usage);
    }

    public static void main(String[] args) throws Exception {
        int server = 123;
        boolean bootstrap = args[0].equals("-b");
        ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(Models.load()));

        if (bootstrap)
            args = Arrays.copyOfRange(args, 1, args.length);
        objects.setInstancesForObject(0, security(args, bootstrap, server));
        if (bootstrap)
            objects.setClassForObject(1, Server.class);
        else
            objects.setInstancesForObject(1, new Server(server, 300));
        objects.setInstancesForObject(3, new Device("Leshan", "peer client", "1"));
        objects.setInstancesForObject(3303, new Temperature());
        objects.setInstancesForObject(3311, new Light());

        LeshanClientBuilder builder = new LeshanClientBuilder(args[0]);
        builder.setObjects(objects.createAll());
        builder.setEndpointsProviders(new CaliforniumClientEndpointsProvider.Builder(
                new CoapClientProtocolProvider(), new CoapsClientProtocolProvider()).build());
        Integer queue = Integer.getInteger("queue");
        if (queue != null) {
            DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
            engine.setQueueMode(true);
            engine.setCommunicationPeriod(queue * 1000);
            builder.setRegistrationEngineFactory(engine);
        }
        LeshanClient client = builder.build();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> client.destroy(true)));
        client.start();
        String send = System.getProperty("send");
        if (send != null)
            Executors.newSingleThreadScheduledExecutor().scheduleAtFixedRate(() -> {
                for (LwM2mServer to : client.getRegisteredServers().values())
                    client.getSendService().sendData(to, ContentFormat.fromName(send),
                            List.of("/3303/0/5700", "/3303/0/5701"), 5000,
                            answer -> System.out.println("sent " + answer.getCode()),
                            error -> System.out.println("not sent " + error));
            }, 1, 1, TimeUnit.SECONDS);
        System.out.println("peer is ready");
    }
}
