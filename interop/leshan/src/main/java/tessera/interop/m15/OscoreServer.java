// SPDX-License-Identifier: Apache-2.0
package tessera.interop.m15;

import java.net.URI;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.Executors;

import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.californium.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.server.californium.endpoint.coap.CoapOscoreServerEndpointFactory;
import org.eclipse.leshan.server.californium.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

import tessera.interop.Models;

/**
 * Eclipse Leshan's server under OSCORE (Californium's): it reads, writes, executes and observes on whom it knows.
 *
 * It takes an observation under OSCORE, whose outer code is FETCH, for a composite one, so that the format has to be one
 * of several paths.
 *
 * Arguments: COAP-PORT ENDPOINT DEVICE-ID SERVER-ID HEXSECRET HEXSALT
 */
public final class OscoreServer implements RegistrationListener, ObservationListener {
    private final LeshanServer server;

    private OscoreServer(String[] args) throws Exception {
        InMemorySecurityStore keys = new InMemorySecurityStore();
        keys.add(SecurityInfo.newOscoreInfo(args[1], Oscore.server(Arrays.asList(args).subList(2, 6))));
        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(
                new CoapServerProtocolProvider());
        endpoints.addEndpoint(new CoapOscoreServerEndpointFactory(new URI("coap://127.0.0.1:" + args[0])));
        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setSecurityStore(keys);
        builder.setObjectModelProvider(new VersionedModelProvider(Models.load()));
        builder.setEndpointsProviders(endpoints.build());
        server = builder.build();
        server.getRegistrationService().addListener(this);
        server.getObservationService().addListener(this);
        server.start();
    }

    private <T extends LwM2mResponse> void ask(String word, Registration device, DownlinkRequest<T> request)
            throws InterruptedException {
        T answer = server.send(device, request, 15_000);
        System.out.println(word + " " + (answer == null ? "nothing" : answer.getCode() + " " + answer));
    }

    private void manage(Registration device) {
        try {
            ask("read", device, new ReadRequest("/3/0/0"));
            ask("whole", device, new ReadRequest(ContentFormat.SENML_CBOR, "/3/0"));
            ask("write", device, new WriteRequest(3311, 0, 5851, 30));
            ask("secret", device, new ReadRequest("/0/0/0"));
            ask("observe", device, new ObserveRequest(ContentFormat.SENML_CBOR, "/3/0/13"));
            ask("trigger", device, new ExecuteRequest(1, 0, 8));
        } catch (InterruptedException e) {
            System.out.println("interrupted");
        }
    }

    @Override
    public void registered(Registration now, Registration before, Collection<Observation> lost) {
        System.out.println("registered " + now.getEndpoint() + " " + now.getClientTransportData().getIdentity());
        Executors.newSingleThreadExecutor().submit(() -> manage(now));
    }

    @Override
    public void updated(RegistrationUpdate update, Registration now, Registration before) {
        System.out.println("updated " + now.getEndpoint());
    }

    @Override
    public void unregistered(Registration gone, Collection<Observation> lost, boolean expired, Registration next) {
        System.out.println("deregistered " + gone.getEndpoint());
    }

    @Override
    public void newObservation(Observation observation, Registration registration) {
    }

    @Override
    public void cancelled(Observation observation) {
    }

    @Override
    public void onResponse(SingleObservation observation, Registration registration, ObserveResponse response) {
        System.out.println("notified " + response.getContent());
    }

    @Override
    public void onResponse(CompositeObservation observation, Registration registration,
            ObserveCompositeResponse response) {
        System.out.println("notified " + response.getContent());
    }

    @Override
    public void onError(Observation observation, Registration registration, Exception error) {
        System.out.println("error " + error);
    }

    public static void main(String[] args) throws Exception {
        new OscoreServer(args);
        System.out.println("peer is ready");
    }
}
