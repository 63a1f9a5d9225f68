// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.eclipse.leshan.core.CertificateUsage;
import org.eclipse.leshan.core.SecurityMode;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.peer.LwM2mPeer;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapFailureCause;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapSessionListener;
import org.eclipse.leshan.server.bootstrap.InMemoryBootstrapConfigStore;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServer;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServerBuilder;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpointsProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapOscoreBootstrapServerEndpointFactory;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coaps.CoapsBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.security.BootstrapSecurityStoreAdapter;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

/**
 * Eclipse Leshan's bootstrap server as a peer: it gives one device one account, and says what it asked of it.
 *
 * Arguments: COAP-PORT COAPS-PORT ENDPOINT HOW -- URI HOW
 * HOW (first that of the bootstrap connection, then that of the account) is one of
 * nosec | psk IDENTITY HEXKEY | oscore DEVICE-ID SERVER-ID HEXSECRET HEXSALT | x509 CERTIFICATE KEY SERVER-CERTIFICATE;
 * files of DER.
 */
public final class BootServer {
    private static final int SHORT_ID = 101;

    private BootServer() {
    }

    private static final class Said implements BootstrapSessionListener {
        @Override
        public void sessionInitiated(BootstrapRequest request, LwM2mPeer client) {
            System.out.println("asked by " + request.getEndpointName() + " " + client.getIdentity());
        }

        @Override
        public void unAuthorized(BootstrapRequest request, LwM2mPeer client) {
            System.out.println("refused " + request.getEndpointName());
        }

        @Override
        public void authorized(BootstrapSession session) {
        }

        @Override
        public void noConfig(BootstrapSession session) {
            System.out.println("nothing for " + session.getEndpoint());
        }

        @Override
        public void sendRequest(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request) {
        }

        @Override
        public void onResponseSuccess(BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request, LwM2mResponse response) {
            answered(request, response);
        }

        @Override
        public void onResponseError(BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request, LwM2mResponse response) {
            answered(request, response);
        }

        private static void answered(BootstrapDownlinkRequest<? extends LwM2mResponse> request, LwM2mResponse response) {
            System.out.println(request.getClass().getSimpleName() + " " + request.getPath() + " " + response.getCode());
        }

        @Override
        public void onRequestFailure(BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request, Throwable cause) {
            System.out.println(request.getClass().getSimpleName() + " " + request.getPath() + " failed " + cause);
        }

        @Override
        public void end(BootstrapSession session) {
            System.out.println("done");
        }

        @Override
        public void failed(BootstrapSession session, BootstrapFailureCause cause) {
            System.out.println("failed " + cause);
        }
    }

    private static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits);
    }

    private static BootstrapConfig account(String uri, List<String> how) throws Exception {
        BootstrapConfig config = new BootstrapConfig();
        BootstrapConfig.ServerConfig server = new BootstrapConfig.ServerConfig();
        BootstrapConfig.ServerSecurity security = new BootstrapConfig.ServerSecurity();

        config.autoIdForSecurityObject = true; // by a Discover of the client's
        config.toDelete.addAll(List.of("/0", "/1", "/21"));
        server.shortId = SHORT_ID;
        server.lifetime = 120;
        server.bootstrapOnRegistrationFailure = true;
        server.CommunicationRetryTimer = ULong.valueOf(1);
        config.servers.put(0, server);
        security.uri = uri;
        security.serverId = SHORT_ID;
        config.security.put(0, security);
        protect(config, security, how);
        return config;
    }

    private static void protect(BootstrapConfig config, BootstrapConfig.ServerSecurity security, List<String> how)
            throws Exception {
        security.securityMode = SecurityMode.NO_SEC;
        switch (how.get(0)) {
        case "psk":
            security.securityMode = SecurityMode.PSK;
            security.publicKeyOrId = how.get(1).getBytes();
            security.secretKey = hex(how.get(2));
            break;
        case "x509":
            security.securityMode = SecurityMode.X509;
            security.publicKeyOrId = Files.readAllBytes(Path.of(how.get(1)));
            security.secretKey = Files.readAllBytes(Path.of(how.get(2)));
            security.serverPublicKey = Files.readAllBytes(Path.of(how.get(3)));
            security.certificateUsage = CertificateUsage.DOMAIN_ISSUER_CERTIFICATE;
            break;
        case "oscore":
            BootstrapConfig.OscoreObject oscore = new BootstrapConfig.OscoreObject();
            oscore.oscoreSenderId = hex(how.get(1));
            oscore.oscoreRecipientId = hex(how.get(2));
            oscore.oscoreMasterSecret = hex(how.get(3));
            oscore.oscoreMasterSalt = hex(how.get(4));
            oscore.oscoreAeadAlgorithm = 10;
            oscore.oscoreHmacAlgorithm = -10;
            security.oscoreSecurityMode = 1; // instance 0 of object 21 is that of the bootstrap connection
            config.oscore.put(1, oscore);
            break;
        default:
            break;
        }
    }

    private static SecurityInfo known(String endpoint, List<String> how) {
        switch (how.get(0)) {
        case "psk":
            return SecurityInfo.newPreSharedKeyInfo(endpoint, how.get(1), hex(how.get(2)));
        case "oscore":
            return SecurityInfo.newOscoreInfo(endpoint, Oscore.server(how.subList(1, 5)));
        default:
            return null;
        }
    }

    public static void main(String[] args) throws Exception {
        List<String> words = Arrays.asList(args);
        int gap = words.indexOf("--");
        SecurityInfo known = known(args[2], words.subList(3, gap));
        InMemorySecurityStore keys = new InMemorySecurityStore();
        InMemoryBootstrapConfigStore configs = new InMemoryBootstrapConfigStore();

        if (known != null)
            keys.add(known);
        configs.add(args[2], account(args[gap + 1], words.subList(gap + 2, words.size())));

        CaliforniumBootstrapServerEndpointsProvider.Builder endpoints =
                new CaliforniumBootstrapServerEndpointsProvider.Builder(
                        new CoapBootstrapServerProtocolProvider(), new CoapsBootstrapServerProtocolProvider());
        endpoints.addEndpoint(new CoapOscoreBootstrapServerEndpointFactory(new URI("coap://127.0.0.1:" + args[0])));
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])), Protocol.COAPS);

        LeshanBootstrapServerBuilder builder = new LeshanBootstrapServerBuilder();
        builder.setSecurityStore(new BootstrapSecurityStoreAdapter(keys));
        builder.setConfigStore(configs);
        builder.setEndpointsProviders(endpoints.build());
        LeshanBootstrapServer server = builder.build();
        server.addListener(new Said());
        server.start();
        System.out.println("peer is ready");
    }
}
