// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.net.InetSocketAddress;
import java.util.HexFormat;

import org.eclipse.californium.core.CoapClient;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapResponse;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP.Code;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.OptionSet;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.server.resources.CoapExchange;
import org.eclipse.californium.cose.AlgorithmID;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.UdpConfig;
import org.eclipse.californium.oscore.ContextRederivation;
import org.eclipse.californium.oscore.HashMapCtxDB;
import org.eclipse.californium.oscore.OSCoreCoapStackFactory;
import org.eclipse.californium.oscore.OSCoreCtx;

/**
 * Californium's OSCORE as it is, since Leshan's takes nothing with an ID Context: new keys by RFC 8613 Appendix B.2.
 *
 * Arguments: server PORT DEVICE-ID SERVER-ID HEXSECRET HEXSALT, which takes registrations at /rd; or
 * client URI ENDPOINT DEVICE-ID SERVER-ID HEXSECRET HEXSALT, which registers twice, under new keys each time.
 */
public final class Renew {
    private static final HexFormat HEX = HexFormat.of();
    private static final HashMapCtxDB CONTEXTS = new HashMapCtxDB();

    private Renew() {
    }

    private static void context(String uri, String sender, String recipient, String secret, String salt) throws Exception {
        OSCoreCtx c = new OSCoreCtx(HEX.parseHex(secret), true, AlgorithmID.AES_CCM_16_64_128, HEX.parseHex(sender),
                HEX.parseHex(recipient), AlgorithmID.HKDF_HMAC_SHA_256, 32, HEX.parseHex(salt), null, 1000);
        c.setContextRederivationEnabled(true);
        CONTEXTS.addContext(uri, c);
    }

    private static final class Directory extends CoapResource {
        Directory() {
            super("rd");
        }

        @Override
        public void handlePOST(CoapExchange exchange) {
            System.out.println("registered " + exchange.getRequestOptions().getUriQueryString());
            Response answer = new Response(ResponseCode.CREATED);
            answer.setOptions(new OptionSet().setLocationPath("rd/1"));
            exchange.respond(answer);
        }
    }

    private static void serve(String[] a) throws Exception {
        context("coap://127.0.0.1", a[3], a[2], a[4], a[5]);
        CoapEndpoint.Builder endpoint = new CoapEndpoint.Builder();
        endpoint.setCustomCoapStackArgument(CONTEXTS);
        endpoint.setInetSocketAddress(new InetSocketAddress("127.0.0.1", Integer.parseInt(a[1])));
        CoapServer server = new CoapServer();
        server.addEndpoint(endpoint.build());
        Directory directory = new Directory();
        directory.add(new CoapResource("1") {
            @Override
            public void handlePOST(CoapExchange exchange) {
                System.out.println("updated");
                exchange.respond(ResponseCode.CHANGED);
            }
        });
        server.add(directory);
        server.start();
    }

    private static String post(CoapClient client, String uri) throws Exception {
        Request request = new Request(Code.POST);
        request.setURI(uri);
        request.getOptions().setOscore(new byte[0]);
        request.getOptions().setContentFormat(40);
        request.setPayload("</>;rt=\"oma.lwm2m\";ct=110,</1/0>,</3/0>");
        CoapResponse answer = client.advanced(request);
        return answer == null ? "nothing" : answer.getCode().toString();
    }

    private static void ask(String[] a) throws Exception {
        context(a[1], a[3], a[4], a[5], a[6]);
        CoapClient client = new CoapClient();
        String uri = a[1] + "/rd?ep=" + a[2] + "&lwm2m=1.1&lt=60";
        for (int i = 0; i < 2; i++) {
            ContextRederivation.setLostContext(CONTEXTS, a[1]);
            System.out.println("first " + post(client, uri));
            System.out.println("second " + post(client, uri));
            System.out.println("third " + post(client, uri));
        }
    }

    public static void main(String[] args) throws Exception {
        CoapConfig.register();
        UdpConfig.register();
        Configuration.createStandardWithoutFile();
        OSCoreCoapStackFactory.useAsDefault(CONTEXTS);
        if (args[0].equals("server"))
            serve(args);
        else
            ask(args);
        System.out.println("peer is ready");
    }
}
