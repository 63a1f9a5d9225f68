// SPDX-License-Identifier: Apache-2.0
// One device of FIDO Device Onboard: its stages with their times, and its voucher entry by entry.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiProblem, type FdoDevice, type FdoVoucher } from "../api/client";
import { bytesOfPem, concerns, failureOf, guidText, isFdoEvent, registrationOf, save, stepsOf } from "../fdo";
import { fullTime } from "../format";
import { onEvents, onGap } from "../state/live";
import { deviceHref, groupHref, onboardingHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Field, SelectField } from "../ui/form";
import { FdoState, KeyBadge, PlanOf } from "../ui/fdo";
import { Ago, Dialog, Spinner } from "../ui/parts";
import { Results } from "./results";

function ExtendDialog({ guid, onClose, onDone }: { guid: string; onClose(): void; onDone(): void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const send = async () => {
    setBusy(true);
    try {
      await api.extendVoucher(guid, text);
      toast("ok", "Voucher extended", "Give it to the next owner now: export it here.");
      onDone();
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 422) setError(e.message);
      else fail("The voucher could not be extended", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Hand the device over" hint="The voucher will end with the next owner's key. This cannot be taken back." onClose={onClose} onSubmit={() => void send()}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy || text.trim() === ""}>{busy ? <Spinner /> : null}Extend</button>
      </>}>
      <Field id="x-text" label="The next owner's public key or certificate, PEM" error={error}>
        <textarea id="x-text" class="input mono code-area" style={{ minHeight: "140px" }} spellcheck={false} value={text} aria-invalid={error !== ""}
          aria-describedby={error ? "x-text-hint" : undefined}
          onInput={(e) => { setText(e.currentTarget.value); setError(""); }} />
      </Field>
    </Dialog>
  );
}

/** The group that the device is in, whose plan it gets. */
function GroupForm({ of, onDone }: { of: FdoDevice; onDone(): void }) {
  const now = of.group ?? "";
  const [names, setNames] = useState<string[]>([]);
  const [group, setGroup] = useState(now);
  const [error, setError] = useState<string | undefined>(undefined);

  useEffect(() => {
    const load = async () => {
      const all: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await api.groups(cursor);
        all.push(...page.items.filter((g) => g.plan).map((g) => g.name));
        cursor = page.next;
      }
      setNames(all);
    };
    load().catch((e: unknown) => fail("The groups could not be loaded", e));
  }, []);
  const store = async () => {
    try {
      await api.setGroup(of.guid, group === "" ? null : group);
      toast("ok", group === "" ? "Taken out of the group" : "Put into the group", group || now);
      onDone();
    } catch (e) {
      setError(e instanceof Error ? e.message : String(e));
    }
  };
  const options = Object.fromEntries(["", ...new Set(now === "" ? names : [now, ...names])].map((n) => [n, n === "" ? "none" : n]));
  return (
    <form class="card card-body group-form" onSubmit={(e) => { e.preventDefault(); void store(); }}>
      <SelectField id="d-group" label="In the group" value={group} options={options} error={error} onValue={(g) => { setGroup(g); setError(undefined); }} />
      <button class="button" type="submit" disabled={group === now}>Store the group</button>
    </form>
  );
}

function Times({ of, registeredAt }: { of: FdoDevice; registeredAt: string | undefined }) {
  const failure = failureOf(of);
  return (
    <div class="card table-wrap">
      <table class="table fdo-table">
        <caption class="visually-hidden">Stages of the device</caption>
        <thead><tr><th scope="col">Stage</th><th scope="col">When</th><th scope="col">What</th></tr></thead>
        <tbody>
          {stepsOf(of, registeredAt).map((s) => (
            <tr class="row" key={s.stage}>
              <td><span class={s.at ? "badge ok" : "badge"}>{s.label}</span></td>
              <td class="num">{s.at ? <>{fullTime(s.at)} <span class="muted">(<Ago at={s.at} />)</span></> : <span class="muted">not yet</span>}</td>
              <td class="what muted">{s.detail}</td>
            </tr>
          ))}
          {failure && (
            <tr class="row">
              <td><span class="badge bad">Failed</span></td>
              <td class="num">{fullTime(failure.at)} <span class="muted">(<Ago at={failure.at} />)</span></td>
              <td class="what">{failure.detail}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Entries({ of }: { of: FdoVoucher }) {
  return (
    <div class="card table-wrap">
      <table class="table fdo-table">
        <caption class="visually-hidden">Entries of the voucher</caption>
        <thead><tr><th scope="col">Entry</th><th scope="col">Owner's key</th><th scope="col">Verified</th></tr></thead>
        <tbody>
          <tr class="row"><td>Manufacturer</td><td><KeyBadge of={of.manufacturer} /></td><td class="muted">begins the chain</td></tr>
          {of.entries.map((e, i) => (
            <tr class="row" key={i}>
              <td>{i + 1}</td>
              <td><KeyBadge of={e.owner} /></td>
              <td class="what">{e.verified ? <span class="badge ok">Verified</span> : <><span class="badge bad">Not verified</span> {e.why}</>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Voucher({ of, onExtend }: { of: FdoVoucher; onExtend(): void }) {
  const bytes = () => bytesOfPem(of.voucher);
  return (
    <>
      <div class="page-head section"><h2>Voucher</h2>
        {of.wrong === null ? <span class="badge ok">Verified</span> : <span class="badge bad">Not verified</span>}
        <div class="end">
          <button class="button" type="button" onClick={() => save(`${of.guid}.pem`, new TextEncoder().encode(of.voucher), "application/x-pem-file")}>Export PEM</button>
          <button class="button" type="button" onClick={() => save(`${of.guid}.cbor`, bytes(), "application/cbor")}>Export CBOR</button>
          {of.ours && <button class="button primary" type="button" onClick={onExtend}>Extend to the next owner</button>}
        </div>
      </div>
      <dl class="card facts">
        <div><dt>Device's key</dt><dd><KeyBadge of={of.device} /></dd></div>
        <div><dt>It ends with</dt><dd>{of.ours ? "a key of this server" : "another's key"}</dd></div>
        <div><dt>Rendezvous</dt><dd class="mono">{of.rendezvous.join(", ") || "none"}</dd></div>
        {of.wrong !== null && <div><dt>What is wrong</dt><dd>{of.wrong}</dd></div>}
      </dl>
      <Entries of={of} />
    </>
  );
}

export function VoucherPage({ guid }: { guid: string }) {
  const [device, setDevice] = useState<FdoDevice | undefined>(undefined);
  const [voucher, setVoucher] = useState<FdoVoucher | undefined>(undefined);
  const [missing, setMissing] = useState("");
  const [extending, setExtending] = useState(false);
  const [registeredAt, setRegisteredAt] = useState<string | undefined>(undefined);
  const current = useRef<FdoDevice[]>([]);
  current.current = device ? [device] : [];

  const load = async () => {
    try {
      const [d, v] = await Promise.all([api.fdoDevice(guid), api.voucher(guid)]);
      setDevice(d);
      setVoucher(v);
      setMissing("");
      setRegisteredAt(await registrationOf(d));
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 404) setMissing(e.message);
      else fail("The device could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    const offEvents = onEvents((events) => {
      if (events.some((e) => concerns(e, current.current) && (!isFdoEvent(e) || e.endpoint === guid))) void load();
    });
    const offGap = onGap(() => void load());
    return () => {
      offEvents();
      offGap();
    };
  }, [guid]);

  return (
    <>
      <div class="crumbs"><a href="#/onboarding">Onboarding</a><span>/</span></div>
      <div class="page-head"><h1 class="mono">{guidText(guid)}</h1>{device && <FdoState of={device} />}</div>
      {missing !== "" && <div class="card empty"><h2>No such device</h2><p>{missing}</p></div>}
      {device && (
        <>
          <dl class="card facts">
            <div><dt>Serial number</dt><dd>{device.serial || "not told"}</dd></div>
            <div><dt>Device info</dt><dd>{device.device_info}</dd></div>
            <div><dt>Known since</dt><dd><Ago at={device.since} /></dd></div>
            {device.endpoint && <div><dt>Endpoint</dt><dd><a href={deviceHref(device.endpoint)}>{device.endpoint}</a></dd></div>}
            {device.group && <div><dt>Group</dt><dd><a href={groupHref(device.group)}>{device.group}</a></dd></div>}
            {device.plan && <div><dt>Plan when it comes</dt><dd><PlanOf of={device} /></dd></div>}
            {device.registers_at && <div><dt>Next registration (TO0)</dt><dd><Ago at={device.registers_at} /></dd></div>}
            {device.replaced_by && <div><dt>Goes on as</dt><dd><a class="mono" href={onboardingHref(device.replaced_by)}>{guidText(device.replaced_by)}</a></dd></div>}
          </dl>
          {device.plan && <GroupForm key={device.group ?? ""} of={device} onDone={() => void load()} />}
          <Times of={device} registeredAt={registeredAt} />
        </>
      )}
      {voucher && <Voucher of={voucher} onExtend={() => setExtending(true)} />}
      {device && <Results guid={guid} />}
      {extending && <ExtendDialog guid={guid} onClose={() => setExtending(false)} onDone={() => { setExtending(false); void load(); }} />}
    </>
  );
}
