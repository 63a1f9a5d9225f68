// SPDX-License-Identifier: Apache-2.0
// What is done with devices when they come: plans by GUID, group, or for all.
import { useEffect, useState } from "preact/hooks";
import { api, ApiProblem, type FdoName } from "../api/client";
import { fail, toast } from "../state/toasts";
import { Confirm, Field, TextField } from "../ui/form";
import { Plus, Trash } from "../ui/icons";
import { Dialog, Spinner } from "../ui/parts";
import { parseProfile } from "./bootstrap";

const EXAMPLE = JSON.stringify({ steps: [{ module: "fdo.download", name: "hello.txt", text: "Welcome\n" }] }, null, 2);

function PlanDialog({ name: given, onClose, onDone }: { name: string; onClose(): void; onDone(): void }) {
  const [name, setName] = useState(given);
  const [text, setText] = useState(EXAMPLE);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const store = async () => {
    const read = parseProfile(text);
    if ("error" in read) {
      setError(read.error.replace("The profile", "The plan"));
      return;
    }
    setBusy(true);
    try {
      await api.setPlan(name, read.profile);
      toast("ok", "Plan stored", name);
      onDone();
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 422) setError(e.message);
      else fail("The plan could not be stored", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={given ? `Replace the plan ${given}` : "Add a plan"} onClose={onClose} onSubmit={() => void store()}
      hint="Plans may hold keys, so what is stored is not shown again: this text replaces all of it."
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy || name === ""}>{busy ? <Spinner /> : null}Store</button>
      </>}>
      <TextField id="p-name" label="For" required max={255} value={name} readOnly={given !== ""} onValue={setName}
        hint="A GUID of 32 hexadecimal digits, a group, or default: all that have no other." />
      <Field id="p-text" label="Plan (JSON)" error={error}>
        <textarea id="p-text" class="input mono code-area" spellcheck={false} value={text} aria-invalid={error !== ""}
          aria-describedby={error ? "p-text-hint" : undefined}
          onInput={(e) => { setText(e.currentTarget.value); setError(""); }} />
      </Field>
    </Dialog>
  );
}

export function Plans() {
  const [list, setList] = useState<FdoName[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [editing, setEditing] = useState<string | undefined>(undefined);
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
  useEffect(() => void load(), []);
  const done = () => {
    setEditing(undefined);
    setDeleting(undefined);
    void load();
  };

  return (
    <>
      <div class="page-head section"><h2>Plans</h2>
        <div class="end"><button class="button" type="button" onClick={() => setEditing("")}><Plus />Add a plan</button></div>
      </div>
      {list.length === 0 ? <p class="muted">Without a plan a device is onboarded and nothing more.</p> : (
        <div class="card table-wrap">
          <table class="table">
            <caption class="visually-hidden">Plans by name</caption>
            <thead><tr><th scope="col">For</th><th scope="col">Size</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
            <tbody>
              {list.map((p) => (
                <tr class="row" key={p.name}>
                  <td class="mono">{p.name}</td>
                  <td class="muted">{p.bytes} bytes</td>
                  <td class="right">
                    <button class="button small" type="button" aria-label={`Replace the plan ${p.name}`} onClick={() => setEditing(p.name)}>Replace</button>{" "}
                    <button class="button small danger" type="button" aria-label={`Remove the plan ${p.name}`} onClick={() => setDeleting(p.name)}><Trash />Remove</button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more plans</button></p>}
      {editing !== undefined && <PlanDialog name={editing} onClose={() => setEditing(undefined)} onDone={done} />}
      {deleting !== undefined && (
        <Confirm title={`Remove the plan ${deleting}?`} hint="Devices that were onboarded keep what they have." action="Remove" done="Plan removed"
          detail={deleting} failed="The plan could not be removed" run={() => api.deletePlan(deleting)} onClose={() => setDeleting(undefined)} onDone={done} />
      )}
    </>
  );
}
