// SPDX-License-Identifier: Apache-2.0
// What is done with devices when they come: plans by GUID, group, what vouchers say, or for all.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiProblem, type FdoDevice, type FdoPlanItem } from "../api/client";
import { guidText } from "../fdo";
import { complaintOf, isGuid, parsePlan, TEMPLATES, textOfPlan, withStep, type Complaint, type Template } from "../plan";
import { groupHref, onboardingHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Confirm, Field, SelectField, TextField } from "../ui/form";
import { Pencil, Plus, Trash } from "../ui/icons";
import { Dialog, Spinner } from "../ui/parts";

const STEPS = Object.fromEntries(Object.entries(TEMPLATES).map(([name, { label }]) => [name, label])) as Record<Template, string>;

interface PlanProps {
  /** "": a new one. */
  name: string;
  /** What is there now. */
  text: string;
  title?: string;
  onClose(): void;
  onDone(name: string): void;
}

export function PlanDialog({ name: given, text: before, title, onClose, onDone }: PlanProps) {
  const [name, setName] = useState(given);
  const [text, setText] = useState(before);
  const [error, setError] = useState<Complaint | undefined>(undefined);
  const [step, setStep] = useState<Template>("download");
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);

  /** The words, and what they are about, in sight and selected. */
  const complain = (what: Complaint) => {
    setError(what);
    const at = area.current;
    if (!at || !what.place) return;
    at.focus();
    at.setSelectionRange(what.place.from, what.place.to);
    at.scrollTop = Math.max(0, (at.value.slice(0, what.place.from).split("\n").length - 3) * parseFloat(getComputedStyle(at).lineHeight));
  };
  const send = async (how: (name: string, plan: unknown) => Promise<void>, then: () => void) => {
    const read = parsePlan(text);
    if (!("plan" in read)) {
      complain(read);
      return;
    }
    setBusy(true);
    try {
      await how(name, read.plan);
      then();
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 422) complain(complaintOf(text, e.message));
      else fail("The plan could not be sent", e);
    } finally {
      setBusy(false);
    }
  };
  const store = () => send(api.setPlan, () => {
    toast("ok", "Plan stored", name);
    onDone(name);
  });
  const check = () => send(api.checkPlan, () => toast("ok", "The plan would be taken", "Nothing was stored."));
  const add = () => {
    const read = parsePlan(text);
    if ("plan" in read) {
      setText(withStep(text, step));
      setError(undefined);
    } else {
      complain(read);
    }
  };
  const problem = error !== undefined;
  return (
    <Dialog title={title ?? (given ? `Change the plan ${given}` : "Add a plan")} onClose={onClose} onSubmit={() => void store()}
      hint="Files in a plan are never shown again; one of which only file_bytes stands here stays as it is."
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button" type="button" disabled={busy || name === ""} onClick={() => void check()}>Check</button>
        <button class="button primary" type="submit" disabled={busy || name === ""}>{busy ? <Spinner /> : null}Store</button>
      </>}>
      <TextField id="p-name" label="For" required max={64} value={name} readOnly={given !== ""} onValue={setName}
        hint="A GUID of 32 hexadecimal digits, a group, or default: all that have no other. device_info in the plan: those whose vouchers say so." />
      <Field id="p-text" label="Plan (JSON)" error={error?.words}>
        <textarea id="p-text" ref={area} class="input mono code-area" spellcheck={false} value={text} aria-invalid={problem}
          aria-describedby={problem ? "p-text-hint" : undefined}
          onInput={(e) => { setText(e.currentTarget.value); setError(undefined); }} />
      </Field>
      <SelectField id="p-step" label="Another step" value={step} options={STEPS} onValue={setStep} />
      <div><button class="button small" type="button" onClick={add}><Plus />Add the step</button></div>
    </Dialog>
  );
}

/** A plan as it is, for a dialog; undefined: it was said why not. */
export async function loadPlan(name: string): Promise<string | undefined> {
  try {
    return textOfPlan(await api.plan(name));
  } catch (e) {
    fail("The plan could not be loaded", e);
    return undefined;
  }
}

function For({ plan }: { plan: FdoPlanItem }) {
  const info = plan.device_info === undefined ? null : <> <span class="muted">and vouchers that say</span> <span class="mono">{plan.device_info}</span></>;
  if (plan.name === "default") return <>All devices that have no other{info}</>;
  if (isGuid(plan.name)) return <>The device <a class="mono" href={onboardingHref(plan.name)}>{guidText(plan.name).slice(0, 13)}…</a>{info}</>;
  return <>The group <a href={groupHref(plan.name)}>{plan.name}</a>{info}</>;
}

interface ListProps {
  /** All devices, or undefined when there are more than are known here. */
  devices: FdoDevice[] | undefined;
  /** After a change. */
  onChange(): void;
  /** Grows when the list has to be loaded anew. */
  version: number;
}

export function Plans({ devices, onChange, version }: ListProps) {
  const [list, setList] = useState<FdoPlanItem[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [editing, setEditing] = useState<{ name: string; text: string } | undefined>(undefined);
  const [deleting, setDeleting] = useState<string | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await api.plans(cursor);
      setList((old) => (cursor === undefined ? page.items : [...old, ...page.items]));
      setNext(page.next);
    } catch (e) {
      fail("The plans could not be loaded", e);
    }
  };
  useEffect(() => void load(), [version]);
  const edit = async (name: string) => {
    const text = await loadPlan(name);
    if (text !== undefined) setEditing({ name, text });
  };
  const done = () => {
    setEditing(undefined);
    setDeleting(undefined);
    onChange();
  };
  const count = (name: string) => devices?.filter((d) => d.state !== "replaced" && d.plan?.name === name && !d.plan.missing).length;

  return (
    <>
      <div class="page-head section"><h2>Plans</h2>
        <div class="end"><button class="button" type="button" onClick={() => setEditing({ name: "", text: textOfPlan({ steps: [] }) })}><Plus />Add a plan</button></div>
      </div>
      {list.length === 0 ? <p class="muted">Without a plan a device is onboarded and nothing more.</p> : (
        <div class="card table-wrap">
          <table class="table fdo-table">
            <caption class="visually-hidden">Plans by name</caption>
            <thead><tr><th scope="col">Plan</th><th scope="col">For</th>{devices && <th scope="col">Devices</th>}<th scope="col">Steps</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
            <tbody>
              {list.map((p) => (
                <tr class="row" key={p.name}>
                  <td class="mono">{p.name}</td>
                  <td class="what prose"><For plan={p} /></td>
                  {devices && <td class="num">{count(p.name)}</td>}
                  <td class="what muted">{p.steps.join(", ") || "none"}</td>
                  <td class="right">
                    <button class="button small" type="button" aria-label={`Change the plan ${p.name}`} onClick={() => void edit(p.name)}><Pencil />Change</button>{" "}
                    <button class="button small danger" type="button" aria-label={`Remove the plan ${p.name}`} onClick={() => setDeleting(p.name)}><Trash />Remove</button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more plans</button></p>}
      {editing !== undefined && <PlanDialog {...editing} onClose={() => setEditing(undefined)} onDone={done} />}
      {deleting !== undefined && (
        <Confirm title={`Remove the plan ${deleting}?`} hint="Devices that were onboarded keep what they have. Devices of a group without a plan are not onboarded." action="Remove" done="Plan removed"
          detail={deleting} failed="The plan could not be removed" run={() => api.deletePlan(deleting)} onClose={() => setDeleting(undefined)} onDone={done} />
      )}
    </>
  );
}
