// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

import javax.crypto.spec.SecretKeySpec;

import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.DtlsEndpointContext;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.UdpConfig;
import org.eclipse.californium.elements.util.Bytes;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.AdvancedSinglePskStore;

/** An endpoint of Californium 3, over DTLS with Connection IDs (RFC 9146) if it has a key. */
final class Californium {
    static final int CID_LENGTH = 6;

    private Californium() {
    }

    /** Blocks of that size, in either direction, for every body that is larger. */
    static CoapEndpoint endpoint(int port, int block, String identity, String hexKey) {
        CoapConfig.register();
        UdpConfig.register();
        DtlsConfig.register();
        Configuration config = new Configuration();
        config.set(CoapConfig.MAX_MESSAGE_SIZE, block);
        config.set(CoapConfig.PREFERRED_BLOCK_SIZE, block);
        config.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 65_536);
        CoapEndpoint.Builder builder = new CoapEndpoint.Builder().setConfiguration(config);
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
        if (identity == null)
            return builder.setInetSocketAddress(address).build();
        config.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, CID_LENGTH);
        config.set(DtlsConfig.DTLS_ROLE, DtlsConfig.DtlsRole.BOTH);
        config.setAsList(DtlsConfig.DTLS_PRESELECTED_CIPHER_SUITES, CipherSuite.TLS_PSK_WITH_AES_128_CCM_8);
        DtlsConnectorConfig.Builder dtls = DtlsConnectorConfig.builder(config);
        dtls.setAddress(address);
        dtls.setAdvancedPskStore(new AdvancedSinglePskStore(identity,
                new SecretKeySpec(HexFormat.of().parseHex(hexKey), "PSK")));
        return builder.setConnector(new DTLSConnector(dtls.build())).build();
    }

    /** Where the peer is, with the lengths of the Connection IDs and when the handshake was; it is one as long as that. */
    static String peer(EndpointContext of) {
        Bytes read = of.get(DtlsEndpointContext.KEY_READ_CONNECTION_ID);
        Bytes write = of.get(DtlsEndpointContext.KEY_WRITE_CONNECTION_ID);
        return "port " + of.getPeerAddress().getPort() + " cid " + length(read) + " " + length(write) + " handshake "
                + of.get(DtlsEndpointContext.KEY_HANDSHAKE_TIMESTAMP);
    }

    private static int length(Bytes cid) {
        return cid == null ? -1 : cid.length();
    }

    /** A body whose bytes tell where they belong. */
    static String text(int length) {
        StringBuilder text = new StringBuilder();
        for (int n = 0; text.length() < length; n++)
            text.append(n).append(' ');
        return text.substring(0, length);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
