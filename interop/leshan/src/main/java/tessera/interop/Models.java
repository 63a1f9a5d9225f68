// SPDX-License-Identifier: Apache-2.0
package tessera.interop;

import java.io.File;
import java.util.ArrayList;
import java.util.List;

import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;

/** Leshan's own object definitions, and those of the folder in the system property {@code models}. */
public final class Models {
    private Models() {
    }

    public static List<ObjectModel> load() {
        List<ObjectModel> all = new ArrayList<>(ObjectLoader.loadAllDefault());
        String folder = System.getProperty("models");
        if (folder != null)
            all.addAll(ObjectLoader.loadObjectsFromDir(new File(folder), false));
        return all;
    }
}
