// SPDX-License-Identifier: Apache-2.0
package tessera.interop;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.CancelCompositeObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkDeviceManagementRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.SendRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.send.SendListener;
import org.eclipse.leshan.servers.security.InMemorySecurityStore;
import org.eclipse.leshan.servers.security.SecurityInfo;
import org.eclipse.leshan.transport.californium.server.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coaps.CoapsServerProtocolProvider;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/**
 * Eclipse Leshan's LwM2M server as a peer: its library answers the device, and a small HTTP side with the
 * routes of Leshan's demo lets a test drive it. The demo's own jar is not published.
 *
 * Arguments: COAP-PORT COAPS-PORT HTTP-PORT [ENDPOINT [IDENTITY HEXKEY]]
 * An endpoint without identity shows a certificate below {@code -Dtrust=FILE}; the server's own is
 * {@code -Dcertificate=FILE} with {@code -Dkey=FILE} (PKCS #8, DER).
 */
public final class PeerServer {
    private static final long TIMEOUT_MS = 15_000;

    private final ObjectMapper json = new ObjectMapper();
    private final List<Map<String, Object>> events = new ArrayList<>();
    private final LeshanServer server;
    private volatile CompositeObservation composite; // the last one that began

    private PeerServer(int coap, int coaps, String[] device) throws Exception {
        InMemorySecurityStore keys = new InMemorySecurityStore();
        if (device.length == 3)
            keys.add(SecurityInfo.newPreSharedKeyInfo(device[0], device[1], HexFormat.of().parseHex(device[2])));
        else if (device.length == 1)
            keys.add(SecurityInfo.newX509CertInfo(device[0]));

        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(
                new CoapServerProtocolProvider(), new CoapsServerProtocolProvider());
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coap), Protocol.COAP);
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coaps), Protocol.COAPS);

        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setSecurityStore(keys);
        builder.setObjectModelProvider(new VersionedModelProvider(Models.load()));
        builder.setEndpointsProviders(endpoints.build());
        if (System.getProperty("certificate") != null) {
            builder.setCertificateChain(new X509Certificate[] { Certificates.of(System.getProperty("certificate")) });
            builder.setPrivateKey(Certificates.key(System.getProperty("key")));
            builder.setTrustedCertificates(new X509Certificate[] { Certificates.of(System.getProperty("trust")) });
        }
        server = builder.build();
        server.getRegistrationService().addListener(new Registrations());
        server.getObservationService().addListener(new Notifications());
        server.getSendService().addListener(new Sends());
        server.start();
    }

    private synchronized void event(String type, String endpoint, Object detail) {
        events.add(Map.of("type", type, "ep", endpoint, "detail", String.valueOf(detail)));
        notifyAll();
    }

    private synchronized List<Map<String, Object>> eventsFrom(int first) {
        return first >= events.size() ? List.of() : new ArrayList<>(events.subList(first, events.size()));
    }

    private final class Registrations implements RegistrationListener {
        @Override
        public void registered(Registration now, Registration before, Collection<Observation> lost) {
            event("REGISTRATION", now.getEndpoint(), now.getLwM2mVersion());
        }

        @Override
        public void updated(RegistrationUpdate update, Registration now, Registration before) {
            event("UPDATED", now.getEndpoint(), now.getId());
        }

        @Override
        public void unregistered(Registration gone, Collection<Observation> lost, boolean expired, Registration next) {
            event("DEREGISTRATION", gone.getEndpoint(), expired ? "expired" : "asked");
        }
    }

    private final class Notifications implements ObservationListener {
        @Override
        public void newObservation(Observation observation, Registration registration) {
            if (observation instanceof CompositeObservation)
                composite = (CompositeObservation) observation;
            event("OBSERVING", registration.getEndpoint(), observation);
        }

        @Override
        public void cancelled(Observation observation) {
            event("CANCELLED", observation.getRegistrationId(), observation);
        }

        @Override
        public void onResponse(SingleObservation observation, Registration registration, ObserveResponse response) {
            event("NOTIFICATION", registration.getEndpoint(), observation.getPath() + " " + response.getContent());
        }

        @Override
        public void onResponse(CompositeObservation observation, Registration registration,
                ObserveCompositeResponse response) {
            event("NOTIFICATION", registration.getEndpoint(), response.getContent());
        }

        @Override
        public void onError(Observation observation, Registration registration, Exception error) {
            event("ERROR", registration == null ? "" : registration.getEndpoint(), error);
        }
    }

    private final class Sends implements SendListener {
        @Override
        public void dataReceived(Registration registration, TimestampedLwM2mNodes data, SendRequest request) {
            event("SEND", registration.getEndpoint(), request.getFormat() + " " + data);
        }

        @Override
        public void onError(Registration registration, String message, Exception error) {
            event("ERROR", registration.getEndpoint(), message);
        }
    }

    /** composite/read, composite/observe and composite/cancel with ?paths=/a/b/c,/d and &format=; composite/write with
     * a JSON object of values. */
    private DownlinkDeviceManagementRequest<? extends LwM2mResponse> composite(String what, String query, String body)
            throws IOException {
        switch (what) {
        case "read":
            return new ReadCompositeRequest(format(query), format(query), argument(query, "paths").split(","));
        case "observe":
            return new ObserveCompositeRequest(format(query), format(query), argument(query, "paths").split(","));
        case "cancel":
            return new CancelCompositeObservationRequest(composite);
        case "write":
            @SuppressWarnings("unchecked")
            Map<String, Object> values = json.readValue(body, Map.class);
            values.replaceAll((path, value) -> value instanceof Integer ? Long.valueOf((Integer) value) : value);
            return new WriteCompositeRequest(format(query), values);
        default:
            throw new IOException("composite " + what);
        }
    }

    private DownlinkDeviceManagementRequest<? extends LwM2mResponse> request(HttpExchange http, String target)
            throws Exception {
        String[] parts = target.split("/");
        String last = parts[parts.length - 1];
        String body = new String(http.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String query = http.getRequestURI().getQuery() == null ? "" : http.getRequestURI().getQuery();
        String stem = target.substring(0, Math.max(target.lastIndexOf('/'), 0));

        if (target.startsWith("composite/"))
            return composite(last, query, body);
        switch (http.getRequestMethod()) {
        case "GET":
            if (last.equals("discover"))
                return new DiscoverRequest("/" + stem);
            return new ReadRequest(format(query), "/" + target);
        case "PUT":
            if (last.equals("attributes"))
                return new WriteAttributesRequest("/" + stem, new LwM2mAttributeSet(
                        new DefaultLwM2mAttributeParser().parseUriQuery(query)));
            LwM2mPath path = new LwM2mPath("/" + target);
            LwM2mNode node = LwM2mSingleResource.newResource(path.getResourceId(), typed(query, body), type(query));
            return new WriteRequest(WriteRequest.Mode.REPLACE, format(query), path, node);
        case "POST":
            if (last.equals("observe"))
                return new ObserveRequest(format(query), "/" + stem);
            return new ExecuteRequest("/" + target, body.isEmpty() ? null : body);
        case "DELETE":
            return new DeleteRequest("/" + target);
        default:
            throw new IOException("method " + http.getRequestMethod());
        }
    }

    private static String argument(String query, String name) {
        for (String pair : query.split("&"))
            if (pair.startsWith(name + "="))
                return pair.substring(name.length() + 1);
        return null;
    }

    private static ContentFormat format(String query) {
        String name = argument(query, "format");
        return name == null ? null : ContentFormat.fromName(name);
    }

    private static Type type(String query) {
        String name = argument(query, "type");
        return name == null ? Type.STRING : Type.valueOf(name);
    }

    private static Object typed(String query, String body) {
        switch (type(query)) {
        case INTEGER: return Long.parseLong(body);
        case FLOAT:   return Double.parseDouble(body);
        case BOOLEAN: return Boolean.parseBoolean(body);
        default:      return body;
        }
    }

    private void answer(HttpExchange http, int status, Object body) throws IOException {
        byte[] bytes = json.writeValueAsBytes(body);
        http.getResponseHeaders().set("Content-Type", "application/json");
        http.sendResponseHeaders(status, bytes.length);
        http.getResponseBody().write(bytes);
        http.close();
    }

    private void handle(HttpExchange http) throws IOException {
        try {
            String path = URLDecoder.decode(http.getRequestURI().getRawPath(), StandardCharsets.UTF_8);
            if (path.equals("/api/events")) {
                String from = http.getRequestURI().getQuery() == null ? null
                        : argument(http.getRequestURI().getQuery(), "from");
                answer(http, 200, eventsFrom(from == null ? 0 : Integer.parseInt(from)));
                return;
            }
            if (path.equals("/api/clients")) {
                List<Map<String, Object>> all = new ArrayList<>();
                server.getRegistrationService().getAllRegistrations().forEachRemaining(r -> all.add(Map.of(
                        "endpoint", r.getEndpoint(), "version", r.getLwM2mVersion().toString(), "lifetime",
                        r.getLifeTimeInSec(), "objects", links(r.getObjectLinks()), "queue", r.usesQueueMode(),
                        "awake", r.usesQueueMode() && server.getPresenceService().isClientAwake(r))));
                answer(http, 200, all);
                return;
            }
            String rest = path.substring("/api/clients/".length());
            String endpoint = rest.substring(0, rest.indexOf('/'));
            Registration registration = server.getRegistrationService().getByEndpoint(endpoint);
            if (registration == null) {
                answer(http, 404, Map.of("error", "not registered: " + endpoint));
                return;
            }
            String target = rest.substring(rest.indexOf('/') + 1);
            if (http.getRequestMethod().equals("DELETE") && target.endsWith("/observe")) {
                int n = server.getObservationService().cancelObservations(registration,
                        "/" + target.substring(0, target.length() - "/observe".length()));
                answer(http, 200, Map.of("cancelled", n));
                return;
            }
            LwM2mResponse response = server.send(registration, request(http, target), TIMEOUT_MS);
            answer(http, response == null ? 504 : 200, response == null ? Map.of("error", "timeout")
                    : Map.of("status", response.getCode().toString(), "success", response.isSuccess(), "content",
                            content(response)));
        } catch (Exception e) {
            answer(http, 500, Map.of("error", e.toString()));
        }
    }

    private static String links(Link[] all) {
        StringBuilder text = new StringBuilder();
        for (Link link : all == null ? new Link[0] : all)
            text.append(text.length() == 0 ? "" : ",").append(link.toCoreLinkFormat());
        return text.toString();
    }

    private static String content(LwM2mResponse response) {
        if (response instanceof ReadCompositeResponse && response.isSuccess())
            return String.valueOf(((ReadCompositeResponse) response).getContent());
        if (response instanceof ReadResponse)
            return String.valueOf(((ReadResponse) response).getContent());
        if (response instanceof DiscoverResponse)
            return links(((DiscoverResponse) response).getObjectLinks());
        return String.valueOf(response.getErrorMessage());
    }

    public static void main(String[] args) throws Exception {
        PeerServer peer = new PeerServer(Integer.parseInt(args[0]), Integer.parseInt(args[1]),
                Arrays.copyOfRange(args, 3, args.length));
        HttpServer http = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[2])), 0);
        http.setExecutor(Executors.newFixedThreadPool(4));
        http.createContext("/api/", peer::handle);
        http.start();
        System.out.println("peer is ready");
    }
}
