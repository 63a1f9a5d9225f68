// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.BlockOption;
import org.eclipse.californium.core.coap.CoAP.Code;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.MediaTypeRegistry;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.server.resources.CoapExchange;
import org.eclipse.californium.elements.EndpointContext;

/**
 * A server of Californium: it takes a registration, and then reads in blocks of its own choice and writes a body in
 * blocks. If the size of its blocks is 0, it observes the clock instead, and says where each notification comes from.
 *
 * Arguments: PORT BLOCK [IDENTITY HEXKEY]
 */
public final class CoapManager {
    private static final ExecutorService asking = Executors.newSingleThreadExecutor();
    private static CoapEndpoint endpoint;
    private static volatile boolean observing;

    private CoapManager() {
    }

    private static Response ask(String word, EndpointContext to, Code code, String path, int format, String body,
            int block) throws InterruptedException {
        Request request = new Request(code);
        request.setDestinationContext(to);
        if (!path.isEmpty())
            request.getOptions().setUriPath(path);
        if (body == null)
            request.getOptions().setAccept(format);
        else
            request.getOptions().setContentFormat(format);
        if (body != null)
            request.setPayload(body);
        if (block > 0)
            request.getOptions().setBlock2(BlockOption.size2Szx(block), false, 0);
        endpoint.sendRequest(request);
        Response answer = request.waitForResponse(20_000);
        if (answer == null) {
            System.out.println(word + " nothing");
            return null;
        }
        System.out.println(word + " " + answer.getCode() + " " + answer.getPayloadSize() + " bytes, block2 "
                + answer.getOptions().getBlock2() + " " + Californium.peer(answer.getSourceContext()));
        return answer;
    }

    private static void observe(EndpointContext device) {
        Request request = new Request(Code.GET);
        request.setDestinationContext(device);
        request.getOptions().setUriPath("3/0/13").setAccept(MediaTypeRegistry.TEXT_PLAIN);
        request.setObserve();
        endpoint.sendRequest(request);
    }

    /** The same in blocks of 16 bytes, asked for early (RFC 7959 §2.4), and as the device sends it. */
    private static void manage(EndpointContext device, int block) {
        try {
            Response small = ask("small", device, Code.GET, "3/0", MediaTypeRegistry.APPLICATION_SENML_JSON, null, 16);
            ask("whole", device, Code.GET, "3/0", MediaTypeRegistry.APPLICATION_SENML_JSON, null, 0);
            if (small != null)
                System.out.println("text " + small.getPayloadString());
            String body = "[" + " ".repeat(8 * block) + "{\"n\":\"/3311/0/5851\",\"v\":42}]";
            ask("long", device, Code.IPATCH, "", MediaTypeRegistry.APPLICATION_SENML_JSON, body, 0);
            Response dimmer = ask("dimmer", device, Code.GET, "3311/0/5851", MediaTypeRegistry.TEXT_PLAIN, null, 0);
            if (dimmer != null)
                System.out.println("value " + dimmer.getPayloadString());
        } catch (InterruptedException e) {
            System.out.println("interrupted");
        }
    }

    private static final class Directory extends CoapResource {
        private final int block;

        private Directory(String name, int block) {
            super(name);
            this.block = block;
        }

        @Override
        public void handlePOST(CoapExchange exchange) {
            EndpointContext from = exchange.advanced().getRequest().getSourceContext();
            boolean first = getName().equals("rd");
            System.out.println((first ? "registration " : "update ") + exchange.getRequestPayload().length + " bytes "
                    + Californium.peer(from));
            if (first)
                exchange.setLocationPath("rd/1");
            exchange.respond(first ? ResponseCode.CREATED : ResponseCode.CHANGED);
            if (block > 0 && first)
                asking.submit(() -> manage(from, block));
            if (block == 0 && !observing)
                observe(from);
        }

        @Override
        public void handleDELETE(CoapExchange exchange) {
            System.out.println("deregistered");
            exchange.respond(ResponseCode.DELETED);
        }
    }

    public static void main(String[] args) throws Exception {
        int block = Integer.parseInt(args[1]);
        endpoint = Californium.endpoint(Integer.parseInt(args[0]), block > 0 ? block : 1024, args.length > 2 ? args[2] : null,
                args.length > 2 ? args[3] : null);
        CoapServer server = new CoapServer(endpoint.getConfig());
        server.addEndpoint(endpoint);
        endpoint.addNotificationListener((request, response) -> {
            observing = true;
            System.out.println("notified " + Californium.peer(response.getSourceContext()));
        });
        server.add(new Directory("rd", block).add(new Directory("1", block)));
        server.start();
        System.out.println("peer is ready");
    }
}
