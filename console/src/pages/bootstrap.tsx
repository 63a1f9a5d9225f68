// SPDX-License-Identifier: Apache-2.0
// What devices get from the bootstrap server, and how it went.
import { useEffect, useState } from "preact/hooks";
import { api, ApiProblem, bootstrapCredentials, type BootstrapProfile, type BootstrapServer, type BootstrapState } from "../api/client";
import { onEvents } from "../state/live";
import { deviceHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Confirm, Field, TextField } from "../ui/form";
import { Pencil, Plus, Refresh, Trash } from "../ui/icons";
import { Ago, Dialog, SecurityBadge, Spinner } from "../ui/parts";
import { AccountFields } from "./account";
import { Certificates } from "./certificates";
import { Credentials } from "./credentials";

const EXAMPLE: BootstrapProfile = {
  servers: [{ uri: "coaps://192.0.2.1:5684", security: "psk", generate: true, short_server_id: 1, lifetime: 300 }],
};

/** A profile as the editor shows it: what the server adds is left out. */
export function textOf(profile: BootstrapProfile | undefined): string {
  const { name: _name, changed_at: _changed, ...rest } = profile ?? EXAMPLE;
  return JSON.stringify(rest, null, 2);
}

/** The profile, or in words why the text is none. */
export function parseProfile(text: string): { profile: unknown } | { error: string } {
  try {
    const profile: unknown = JSON.parse(text);
    if (typeof profile !== "object" || profile === null || Array.isArray(profile)) return { error: "The profile must be a JSON object." };
    return { profile };
  } catch (e) {
    return { error: `This is not JSON: ${e instanceof Error ? e.message : String(e)}` };
  }
}

/** The text with one more account; a text that is no profile stays as it is. */
export function withServer(text: string, server: BootstrapServer): string {
  const read = parseProfile(text);
  if ("error" in read) return text;
  const profile = read.profile as BootstrapProfile;
  return JSON.stringify({ ...profile, servers: [...(profile.servers ?? []), server] }, null, 2);
}

export function serversText(profile: BootstrapProfile): string {
  const uris = (profile.servers ?? []).map((s) => s.uri + (s.generate ? " (fresh key)" : ""));
  return uris.length === 0 ? "none" : uris.join(", ");
}

function EditDialog({ profile, onClose, onDone }: { profile: BootstrapProfile | undefined; onClose(): void; onDone(): void }) {
  const [name, setName] = useState(profile?.name ?? "");
  const [text, setText] = useState(textOf(profile));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  /** Nothing but the example stands there. */
  const pristine = profile === undefined && text === textOf(undefined);

  const save = async () => {
    const read = parseProfile(text);
    if ("error" in read) {
      setError(read.error);
      return;
    }
    setBusy(true);
    try {
      await api.setProfile(name, read.profile);
      toast("ok", "Profile stored", `${name} gets it at its next bootstrap.`);
      onDone();
    } catch (e) {
      if (e instanceof ApiProblem && e.problem.status === 422) setError(e.message);
      else fail("The profile could not be stored", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={profile ? `Change the profile ${profile.name}` : "Add a profile"} onClose={onClose} onSubmit={() => void save()}
      hint="Keys are never shown again; one of which only the length stands here stays as it is."
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy || name === ""}>{busy ? <Spinner /> : null}Store</button>
      </>}>
      <TextField id="b-name" label="Endpoint or pattern" required max={255} value={name} readOnly={profile !== undefined} onValue={setName}
        hint="* stands for any characters; the most specific profile applies." />
      <Field id="b-text" label="Profile (JSON)" error={error}>
        <textarea id="b-text" class="input mono code-area" spellcheck={false} value={text} aria-invalid={error !== ""}
          aria-describedby={error ? "b-text-hint" : undefined}
          onInput={(e) => { setText(e.currentTarget.value); setError(""); }} />
      </Field>
      <AccountFields onAdd={(server) => {
        const read = parseProfile(text);
        if ("error" in read) setError(read.error);
        else setText(withServer(pristine ? "{}" : text, server));
      }} />
    </Dialog>
  );
}

function StateLabel({ state }: { state: BootstrapState["state"] }) {
  if (state === "finished") return <span class="badge ok"><span class="dot" />Finished</span>;
  if (state === "failed") return <span class="badge bad"><span class="dot" />Failed</span>;
  return <span class="badge info"><span class="dot" />Running</span>;
}

function Profiles({ list, onEdit, onDelete }: { list: BootstrapProfile[]; onEdit(p: BootstrapProfile): void; onDelete(name: string): void }) {
  return (
    <div class="card table-wrap">
      <table class="table">
        <caption class="visually-hidden">Profiles by name</caption>
        <thead><tr><th scope="col">For</th><th scope="col">Servers</th><th scope="col">Changed</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
        <tbody>
          {list.map((p) => (
            <tr class="row" key={p.name}>
              <td class="mono">{p.name}</td>
              <td>{serversText(p)}{p.plain && <> <span class="badge warn">also without DTLS</span></>}</td>
              <td><Ago at={p.changed_at} /></td>
              <td class="right">
                <button class="button small" type="button" aria-label={`Change the profile ${p.name}`} onClick={() => onEdit(p)}><Pencil />Change</button>{" "}
                <button class="button small danger" type="button" aria-label={`Remove the profile ${p.name}`} onClick={() => onDelete(p.name ?? "")}><Trash />Remove</button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function States({ list }: { list: BootstrapState[] }) {
  return (
    <div class="card table-wrap">
      <table class="table">
        <caption class="visually-hidden">The last bootstrap of each device</caption>
        <thead><tr><th scope="col">Device</th><th scope="col">State</th><th scope="col">Profile</th><th scope="col">Security</th><th scope="col">Started</th><th scope="col">Cause</th></tr></thead>
        <tbody>
          {list.map((s) => (
            <tr class="row" key={s.endpoint}>
              <td><a class="device-name" href={deviceHref(s.endpoint)}>{s.endpoint}</a></td>
              <td><StateLabel state={s.state} /></td>
              <td class="mono">{s.profile}</td>
              <td><SecurityBadge security={s.security} /></td>
              <td><Ago at={s.started_at} /></td>
              <td class="muted">{s.cause}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function BootstrapPage() {
  const [profiles, setProfiles] = useState<BootstrapProfile[] | undefined>(undefined);
  const [states, setStates] = useState<BootstrapState[]>([]);
  const [next, setNext] = useState<{ profiles: string | null; states: string | null }>({ profiles: null, states: null });
  const [editing, setEditing] = useState<BootstrapProfile | "new" | undefined>(undefined);
  const [deleting, setDeleting] = useState<string | undefined>(undefined);

  const load = async () => {
    try {
      const [p, s] = await Promise.all([api.profiles(), api.bootstraps()]);
      setProfiles(p.items);
      setStates(s.items);
      setNext({ profiles: p.next, states: s.next });
    } catch (e) {
      fail("The profiles could not be loaded", e);
      setProfiles((old) => old ?? []);
    }
  };
  const more = async () => {
    try {
      const p = next.profiles === null ? undefined : await api.profiles(next.profiles);
      const s = next.states === null ? undefined : await api.bootstraps(next.states);
      setProfiles((old) => [...(old ?? []), ...(p?.items ?? [])]);
      setStates((old) => [...old, ...(s?.items ?? [])]);
      setNext({ profiles: p?.next ?? null, states: s?.next ?? null });
    } catch (e) {
      fail("More could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    return onEvents((events) => {
      if (events.some((e) => e.type.startsWith("bootstrap-"))) void load();
    });
  }, []);
  const done = () => {
    setEditing(undefined);
    setDeleting(undefined);
    void load();
  };

  return (
    <>
      <div class="page-head">
        <h1>Bootstrap</h1>
        <div class="end"><button class="button primary" type="button" onClick={() => setEditing("new")}><Plus />Add a profile</button></div>
      </div>
      {profiles === undefined && <div class="card empty"><Spinner /></div>}
      {profiles?.length === 0 && (
        <div class="card empty"><Refresh /><h2>No profile yet</h2><p>A profile says which servers and keys a device gets when it comes to the bootstrap server.</p></div>
      )}
      {profiles !== undefined && profiles.length > 0 && <Profiles list={profiles} onEdit={setEditing} onDelete={setDeleting} />}
      {states.length > 0 && <><div class="page-head section"><h2>Devices</h2></div><States list={states} /></>}
      {(next.profiles !== null || next.states !== null) && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void more()}>Show more</button></p>}
      {editing !== undefined && <EditDialog profile={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} onDone={done} />}
      {deleting !== undefined && (
        <Confirm title={`Remove the profile ${deleting}?`} hint="Devices that were bootstrapped keep what they have." action="Remove"
          done="Profile removed" detail={deleting} failed="The profile could not be removed"
          run={() => api.deleteProfile(deleting)} onClose={() => setDeleting(undefined)} onDone={done} />
      )}
      <Credentials at={bootstrapCredentials} heading="Credentials at the bootstrap server"
        hint="A device needs one to come to the bootstrap server over DTLS or with OSCORE." />
      <Certificates />
    </>
  );
}
