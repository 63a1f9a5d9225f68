// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.util.HexFormat;
import java.util.List;

import org.eclipse.leshan.core.oscore.AeadAlgorithm;
import org.eclipse.leshan.core.oscore.HkdfAlgorithm;
import org.eclipse.leshan.core.oscore.OscoreSetting;

/** What protects a connection, from DEVICE-ID SERVER-ID HEXSECRET HEXSALT. */
final class Oscore {
    private Oscore() {
    }

    static OscoreSetting device(List<String> words) {
        return setting(words.get(0), words.get(1), words);
    }

    static OscoreSetting server(List<String> words) {
        return setting(words.get(1), words.get(0), words);
    }

    private static OscoreSetting setting(String sender, String recipient, List<String> words) {
        HexFormat hex = HexFormat.of();
        return new OscoreSetting(hex.parseHex(sender), hex.parseHex(recipient), hex.parseHex(words.get(2)),
                AeadAlgorithm.AES_CCM_16_64_128, HkdfAlgorithm.HKDF_HMAC_SHA_256, hex.parseHex(words.get(3)));
    }
}
