// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import org.eclipse.californium.core.CoapClient;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapResponse;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.MediaTypeRegistry;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.server.resources.CoapExchange;

/**
 * A device of Californium: it registers with a long list of objects, sends an Update each second, and has one long text
 * to be read and written, in blocks.
 *
 * Arguments: PORT ENDPOINT BLOCK [IDENTITY HEXKEY]
 */
public final class CoapDevice {
    private CoapDevice() {
    }

    /** What is written is what is read; the first text has 5000 bytes. */
    private static final class Text extends CoapResource {
        private String kept = Californium.text(5000);

        private Text(String name) {
            super(name);
        }

        @Override
        public void handleGET(CoapExchange exchange) {
            exchange.respond(ResponseCode.CONTENT, kept, MediaTypeRegistry.TEXT_PLAIN);
        }

        @Override
        public void handlePUT(CoapExchange exchange) {
            kept = exchange.getRequestText();
            System.out.println("written " + kept.length());
            exchange.respond(ResponseCode.CHANGED);
        }
    }

    private static void ask(String word, CoapClient to, Request request) {
        try {
            CoapResponse answer = to.advanced(request);
            System.out.println(word + " " + (answer == null ? "nothing" : answer.getCode() + " "
                    + Californium.peer(answer.advanced().getSourceContext())));
            if (answer != null && answer.getOptions().getLocationPathCount() > 0)
                location = answer.getOptions().getLocationPathString();
        } catch (Exception e) {
            System.out.println(word + " failed " + e);
        }
    }

    private static volatile String location;

    public static void main(String[] args) throws Exception {
        String where = (args.length > 3 ? "coaps" : "coap") + "://127.0.0.1:" + args[0];
        CoapEndpoint endpoint = Californium.endpoint(0, Integer.parseInt(args[2]), args.length > 3 ? args[3] : null,
                args.length > 3 ? args[4] : null);
        CoapServer server = new CoapServer(endpoint.getConfig());
        server.addEndpoint(endpoint);
        CoapResource object = new CoapResource("3", false), instance = new CoapResource("0", false);
        server.add(object.add(instance.add(new Text("0")).add(new Text("15"))));
        server.start();

        StringBuilder links = new StringBuilder("</>;rt=\"oma.lwm2m\",</1/0>,</3/0>");
        for (int n = 0; n < 200; n++)
            links.append(",</10000/").append(n).append('>');
        CoapClient client = new CoapClient();
        client.setEndpoint(endpoint);
        client.setTimeout(5_000L);
        System.out.println("peer is ready");
        while (location == null) { // its address may change in the middle of a handshake
            Request register = Request.newPost();
            register.setURI(where + "/rd?ep=" + args[1] + "&lwm2m=1.1&lt=300&b=U");
            register.getOptions().setContentFormat(MediaTypeRegistry.APPLICATION_LINK_FORMAT);
            register.setPayload(links.toString());
            ask("registered", client, register);
        }
        Executors.newSingleThreadScheduledExecutor().scheduleWithFixedDelay(() -> {
            Request update = Request.newPost();
            update.setURI(where + "/" + location);
            ask("updated", client, update);
        }, 1, 1, TimeUnit.SECONDS);
    }
}
