// SPDX-License-Identifier: Apache-2.0
// Groups of devices that are onboarded alike: which there are, and one of them with its members and its plan.
import { useEffect, useState } from "preact/hooks";
import { api, type FdoDevice, type FdoGroup, type FdoPlan } from "../api/client";
import { concerns, guidText } from "../fdo";
import { guidsOf, textOfPlan } from "../plan";
import { onEvents, onGap } from "../state/live";
import { groupHref, onboardingHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Confirm, Field, TextField } from "../ui/form";
import { FdoState, PlanOf } from "../ui/fdo";
import { Plus, Trash } from "../ui/icons";
import { Spinner } from "../ui/parts";
import { loadPlan, PlanDialog } from "./plans";

const messageOf = (e: unknown) => (e instanceof Error ? e.message : String(e));

/** Every device of a group, replaced ones too. */
export async function membersOf(name: string): Promise<FdoDevice[]> {
  const all: FdoDevice[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await api.fdoDevices(cursor, name);
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}

/** Its devices go first: one whose group has no plan cannot be onboarded. */
async function removeGroup(name: string, plan: boolean): Promise<void> {
  for (const d of await membersOf(name)) await api.setGroup(d.guid, null);
  if (plan) await api.deletePlan(name);
}

export function Groups({ onChange, version }: { onChange(): void; version: number }) {
  const [list, setList] = useState<FdoGroup[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<FdoGroup | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await api.groups(cursor);
      setList((old) => (cursor === undefined ? page.items : [...old, ...page.items]));
      setNext(page.next);
    } catch (e) {
      fail("The groups could not be loaded", e);
    }
  };
  useEffect(() => void load(), [version]);

  return (
    <>
      <div class="page-head section"><h2>Groups</h2>
        <div class="end"><button class="button" type="button" onClick={() => setAdding(true)}><Plus />Add a group</button></div>
      </div>
      {list.length === 0 ? <p class="muted">A group is a name for devices that get the same plan.</p> : (
        <div class="card table-wrap">
          <table class="table fdo-table">
            <caption class="visually-hidden">Groups by name</caption>
            <thead><tr><th scope="col">Group</th><th scope="col">Devices</th><th scope="col">Plan</th><th scope="col">Also for vouchers that say</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
            <tbody>
              {list.map((g) => (
                <tr class="row" key={g.name}>
                  <td><a class="device-name" href={groupHref(g.name)}>{g.name}</a></td>
                  <td class="num">{g.devices}</td>
                  <td>{g.plan ? <span class="badge ok">Yes</span> : <span class="badge bad">Missing</span>}</td>
                  <td class="mono what">{g.device_info ?? ""}</td>
                  <td class="right">
                    <button class="button small danger" type="button" aria-label={`Remove the group ${g.name}`} onClick={() => setDeleting(g)}><Trash />Remove</button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more groups</button></p>}
      {adding && (
        <PlanDialog title="Add a group" name="" text={textOfPlan({ steps: [] })} onClose={() => setAdding(false)}
          onDone={(name) => { window.location.hash = groupHref(name); }} />
      )}
      {deleting !== undefined && (
        <Confirm title={`Remove the group ${deleting.name}?`} hint="Its devices are in no group then, and its plan goes. Devices that were onboarded keep what they have." action="Remove"
          done="Group removed" detail={deleting.name} failed="The group could not be removed" run={() => removeGroup(deleting.name, deleting.plan)}
          onClose={() => setDeleting(undefined)} onDone={() => { setDeleting(undefined); onChange(); }} />
      )}
    </>
  );
}

/** Devices into the group, by GUID. Those that are refused stay in the form, each with its reason. */
function AddForm({ name, onDone }: { name: string; onDone(): void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const add = async () => {
    const { guids, wrong } = guidsOf(text);
    const left = [...wrong];
    const reasons = wrong.map((w) => `${w}: a GUID has 32 hexadecimal digits`);
    setBusy(true);
    for (const guid of guids)
      try {
        await api.setGroup(guid, name);
      } catch (e) {
        left.push(guid);
        reasons.push(messageOf(e).startsWith(guid) ? messageOf(e) : `${guid}: ${messageOf(e)}`);
      }
    setBusy(false);
    setText(left.join("\n"));
    setError(reasons.join("; "));
    const added = guids.length - left.length + wrong.length;
    if (added > 0) {
      toast("ok", added === 1 ? "1 device added" : `${added} devices added`, name);
      onDone();
    }
  };
  return (
    <form class="card card-body stack" onSubmit={(e) => { e.preventDefault(); void add(); }}>
      <Field id="g-add" label="Add devices by GUID" error={error} hint="One a line, with or without hyphens. A device of another group changes over.">
        <textarea id="g-add" class="input mono code-area short" spellcheck={false} value={text} aria-invalid={error !== ""} aria-describedby="g-add-hint"
          onInput={(e) => { setText(e.currentTarget.value); setError(""); }} />
      </Field>
      <div><button class="button primary" type="submit" disabled={busy || text.trim() === ""}>{busy ? <Spinner /> : null}Add to the group</button></div>
    </form>
  );
}

/** Which devices besides get the plan, by what their vouchers say. */
function InfoForm({ name, plan, onDone }: { name: string; plan: FdoPlan; onDone(): void }) {
  const [text, setText] = useState(plan.device_info ?? "");
  const [error, setError] = useState<string | undefined>(undefined);

  const store = async () => {
    const { device_info: _old, ...rest } = plan;
    try {
      await api.setPlan(name, text === "" ? rest : { ...rest, device_info: text });
      toast("ok", "Plan stored", name);
      onDone();
    } catch (e) {
      setError(messageOf(e));
    }
  };
  return (
    <form class="card card-body stack" onSubmit={(e) => { e.preventDefault(); void store(); }}>
      <TextField id="g-info" label="Also devices whose voucher says" mono max={255} value={text} error={error} onValue={(t) => { setText(t); setError(undefined); }}
        hint="* stands for any characters; empty: none. It counts for devices that are in no group." />
      <div><button class="button" type="submit" disabled={text === (plan.device_info ?? "")}>Store the pattern</button></div>
    </form>
  );
}

function Members({ list, onOut }: { list: FdoDevice[]; onOut(guid: string): void }) {
  return (
    <div class="card table-wrap">
      <table class="table fdo-table">
        <caption class="visually-hidden">Devices of the group</caption>
        <thead><tr><th scope="col">Device</th><th scope="col">Serial number, info</th><th scope="col">State</th><th scope="col">Plan</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
        <tbody>
          {list.map((d) => (
            <tr class="row" key={d.guid}>
              <td><a class="device-name mono" href={onboardingHref(d.guid)}>{guidText(d.guid)}</a></td>
              <td class="what">{d.serial} <span class="muted">{d.device_info}</span></td>
              <td><FdoState of={d} /></td>
              <td class="what"><PlanOf of={d} /></td>
              <td class="right"><button class="button small" type="button" aria-label={`Take out ${guidText(d.guid)}`} onClick={() => onOut(d.guid)}>Take out</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function GroupPage({ name }: { name: string }) {
  const [members, setMembers] = useState<FdoDevice[] | undefined>(undefined);
  const [plan, setPlan] = useState<FdoPlan | null | undefined>(undefined);
  const [editing, setEditing] = useState<string | undefined>(undefined);

  const load = async () => {
    try {
      const [list, there] = await Promise.all([membersOf(name), api.planOrNone(name)]);
      setMembers(list.filter((d) => d.state !== "replaced"));
      setPlan(there);
    } catch (e) {
      fail("The group could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    const offEvents = onEvents((events) => {
      if (events.some((e) => concerns(e, []))) void load();
    });
    const offGap = onGap(() => void load());
    return () => {
      offEvents();
      offGap();
    };
  }, [name]);
  const out = async (guid: string) => {
    try {
      await api.setGroup(guid, null);
      toast("ok", "Taken out of the group", guidText(guid));
    } catch (e) {
      fail("The device could not be taken out", e);
    }
    void load();
  };
  const edit = async () => {
    const text = plan ? await loadPlan(name) : textOfPlan({ steps: [] });
    if (text !== undefined) setEditing(text);
  };

  return (
    <>
      <div class="crumbs"><a href="#/onboarding">Onboarding</a><span>/</span></div>
      <div class="page-head"><h1>Group {name}</h1>
        {plan === null && <span class="badge bad">No plan</span>}
        <div class="end"><button class="button" type="button" disabled={plan === undefined} onClick={() => void edit()}>{plan === null ? "Give it a plan" : "Change the plan"}</button></div>
      </div>
      {members === undefined && <div class="card empty"><Spinner /></div>}
      <div class="stack">
        {plan === null && <p class="muted">Devices of a group without a plan are not onboarded, and none can be added.</p>}
        {plan && <p>{plan.steps.length === 0 ? "The plan has no steps." : `Steps: ${plan.steps.map((s) => s.module).join(", ")}.`}</p>}
        {members?.length === 0 && <p class="muted">No device is in this group.</p>}
        {members !== undefined && members.length > 0 && <Members list={members} onOut={(guid) => void out(guid)} />}
        {plan && (
          <div class="fields-2">
            <AddForm name={name} onDone={() => void load()} />
            <InfoForm key={plan.device_info ?? ""} name={name} plan={plan} onDone={() => void load()} />
          </div>
        )}
      </div>
      {editing !== undefined && <PlanDialog name={name} text={editing} onClose={() => setEditing(undefined)} onDone={() => { setEditing(undefined); void load(); }} />}
    </>
  );
}
