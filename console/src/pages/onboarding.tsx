// SPDX-License-Identifier: Apache-2.0
// FIDO Device Onboard: devices and how far they are, owners that registered here, plans and what they brought.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiProblem, type FdoDevice, type FdoRedirect, type FdoService } from "../api/client";
import { concerns, failureOf, guidText, pemOfFile, registrationOf } from "../fdo";
import { onEvents, onGap } from "../state/live";
import { onboardingHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Field } from "../ui/form";
import { FdoState, KeyBadge, PlanOf, Stages } from "../ui/fdo";
import { Key, Plus } from "../ui/icons";
import { Ago, Dialog, Spinner } from "../ui/parts";
import { Groups } from "./groups";
import { Plans } from "./plans";
import { Results } from "./results";

function ImportDialog({ onClose, onDone }: { onClose(): void; onDone(): void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const open = async (file: File | undefined) => {
    if (!file) return;
    setText(pemOfFile(new Uint8Array(await file.arrayBuffer())));
    setError("");
  };
  const send = async () => {
    setBusy(true);
    try {
      const device = await api.importVoucher(text);
      toast("ok", "Voucher imported", guidText(device.guid));
      onDone();
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 422) setError(e.message);
      else fail("The voucher could not be imported", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Import a voucher" hint="It is verified whole, and has to end with a key of this server." onClose={onClose} onSubmit={() => void send()}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy || text.trim() === ""}>{busy ? <Spinner /> : null}Import</button>
      </>}>
      <Field id="v-file" label="File, PEM or CBOR">
        <input id="v-file" class="input" type="file" onChange={(e) => void open(e.currentTarget.files?.[0])} />
      </Field>
      <Field id="v-text" label="Or the voucher in PEM" error={error}>
        <textarea id="v-text" class="input mono code-area" spellcheck={false} value={text} aria-invalid={error !== ""}
          aria-describedby={error ? "v-text-hint" : undefined}
          onInput={(e) => { setText(e.currentTarget.value); setError(""); }} />
      </Field>
    </Dialog>
  );
}

function Service({ of }: { of: FdoService }) {
  const keys = (list: FdoService["owner_keys"]) => list.length === 0 ? <span class="muted">none</span> : <span class="keys">{list.map((k) => <KeyBadge key={k.mark} of={k} />)}</span>;
  const rendezvous = of.roles.includes("rendezvous");
  return (
    <dl class="card facts">
      <div><dt>Roles</dt><dd>{of.roles.join(", ")}</dd></div>
      {of.manufacturer_keys.length > 0 && <div><dt>Keys of the manufacturer</dt><dd>{keys(of.manufacturer_keys)}</dd></div>}
      {of.owner_keys.length > 0 && <div><dt>Keys of the owner</dt><dd>{keys(of.owner_keys)}</dd></div>}
      {of.rendezvous.length > 0 && <div><dt>Devices are told of</dt><dd class="mono">{of.rendezvous.join(" ")}</dd></div>}
      {of.owner_places.length > 0 && <div><dt>This owner is at</dt><dd class="mono">{of.owner_places.join(" ")}</dd></div>}
      {rendezvous && <div><dt>Registrations are taken of</dt><dd>{of.any_owner ? "any owner" : keys(of.trusted)}</dd></div>}
      {rendezvous && <div><dt>They hold at most</dt><dd>{of.wait_max_s} s</dd></div>}
      <div><dt>Certificates of devices</dt><dd>{of.device_anchors ? "lead to an anchor" : "any"}</dd></div>
      <div><dt>Under way</dt><dd>{of.running} of {of.running_max}; {of.rate} a second, {of.peer_rate} of one address</dd></div>
    </dl>
  );
}

function Devices({ list, registered, owner }: { list: FdoDevice[]; registered: ReadonlyMap<string, string>; owner: boolean }) {
  return (
    <div class="card table-wrap">
      <table class="table fdo-table">
        <caption class="visually-hidden">Devices by GUID</caption>
        <thead><tr><th scope="col">Device</th><th scope="col">Serial number, info</th><th scope="col">State</th><th scope="col">Stages</th>{owner && <th scope="col">Plan</th>}<th scope="col">Entries</th><th scope="col">Next TO0</th><th scope="col">Changed</th></tr></thead>
        <tbody>
          {list.map((d) => (
            <tr class="row" key={d.guid}>
              <td><a class="device-name mono" href={onboardingHref(d.guid)}>{guidText(d.guid)}</a></td>
              <td class="what">{d.serial} <span class="muted">{d.device_info}</span></td>
              <td title={failureOf(d)?.detail}><FdoState of={d} /></td>
              <td><Stages of={d} registeredAt={registered.get(d.guid)} /></td>
              {owner && <td class="what"><PlanOf of={d} /></td>}
              <td class="num">{d.entries}</td>
              <td>{d.registers_at ? <Ago at={d.registers_at} /> : <span class="muted">none</span>}</td>
              <td><Ago at={d.changed_at} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Redirects({ list }: { list: FdoRedirect[] }) {
  return (
    <>
      <div class="page-head section"><h2>Registered at the rendezvous server</h2></div>
      <div class="card table-wrap">
        <table class="table fdo-table">
          <caption class="visually-hidden">Registrations of owners by device</caption>
          <thead><tr><th scope="col">Device</th><th scope="col">Its key</th><th scope="col">Owner is at</th><th scope="col">Entries</th><th scope="col">Ends</th></tr></thead>
          <tbody>
            {list.map((r) => (
              <tr class="row" key={r.guid}>
                <td><a class="mono" href={onboardingHref(r.guid)}>{guidText(r.guid)}</a></td>
                <td><KeyBadge of={r.device} /></td>
                <td class="mono what">{r.owner.join(", ")}</td>
                <td class="num">{r.entries}</td>
                <td>{r.over ? <span class="badge">Over</span> : <Ago at={r.ends_at} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export function OnboardingPage() {
  const [service, setService] = useState<FdoService | undefined>(undefined);
  const [off, setOff] = useState("");
  const [devices, setDevices] = useState<FdoDevice[] | undefined>(undefined);
  const [redirects, setRedirects] = useState<FdoRedirect[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [old, setOld] = useState(false);
  const [importing, setImporting] = useState(false);
  const [version, setVersion] = useState(0); // of plans and groups
  const [registered, setRegistered] = useState<ReadonlyMap<string, string>>(new Map());

  const current = useRef<FdoDevice[]>([]);
  current.current = devices ?? [];

  const look = async (list: FdoDevice[]) => {
    const found = await Promise.all(list.map(async (d) => [d.guid, await registrationOf(d)] as const));
    setRegistered((before) => {
      const all = new Map(before);
      for (const [guid, at] of found)
        if (at === undefined) all.delete(guid);
        else all.set(guid, at);
      return all;
    });
  };
  const load = async () => {
    try {
      const s = await api.fdo();
      const [d, r] = await Promise.all([api.fdoDevices(), s.roles.includes("rendezvous") ? api.fdoRedirects() : undefined]);
      setService(s);
      setDevices(d.items);
      setNext(d.next);
      void look(d.items);
      setRedirects(r?.items ?? []);
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.type.endsWith(":not-possible")) setOff(e.message);
      else fail("The devices could not be loaded", e);
      setDevices((before) => before ?? []);
    }
  };
  const more = async () => {
    try {
      const page = await api.fdoDevices(next ?? undefined);
      setDevices((before) => [...(before ?? []), ...page.items]);
      setNext(page.next);
      void look(page.items);
    } catch (e) {
      fail("More devices could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    const offEvents = onEvents((events) => {
      if (events.some((e) => concerns(e, current.current))) void load();
    });
    const offGap = onGap(() => void load());
    return () => {
      offEvents();
      offGap();
    };
  }, []);

  const owner = service?.roles.includes("owner") ?? false;
  const changed = () => {
    setVersion((v) => v + 1);
    void load();
  };
  const shown = (devices ?? []).filter((d) => old || d.state !== "replaced");
  return (
    <>
      <div class="page-head">
        <h1>Onboarding</h1>
        {service && <div class="end">
          <button class="chip" type="button" aria-pressed={old} onClick={() => setOld(!old)}>Replaced ones too</button>
          <button class="button primary" type="button" onClick={() => setImporting(true)}><Plus />Import a voucher</button>
        </div>}
      </div>
      {off !== "" && <div class="card empty"><Key /><h2>No FIDO Device Onboard here</h2><p>{off}</p></div>}
      {devices === undefined && <div class="card empty"><Spinner /></div>}
      {service && <Service of={service} />}
      {service && shown.length === 0 && (
        <div class="card empty"><Key /><h2>No device yet</h2><p>A device appears when it is made here (DI), or when its voucher is imported.</p></div>
      )}
      {shown.length > 0 && <Devices list={shown} registered={registered} owner={owner} />}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void more()}>Show more devices</button></p>}
      {redirects.length > 0 && <Redirects list={redirects} />}
      {owner && <><Groups version={version} onChange={changed} />
        <Plans version={version} onChange={changed} devices={next === null ? devices : undefined} /><Results /></>}
      {importing && <ImportDialog onClose={() => setImporting(false)} onDone={() => { setImporting(false); void load(); }} />}
    </>
  );
}
