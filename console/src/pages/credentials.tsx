// SPDX-License-Identifier: Apache-2.0
// Credentials of devices, at the management server and at the bootstrap server alike.
import { useEffect, useState } from "preact/hooks";
import { managementCredentials, type Credential, type CredentialApi, type NewCredential } from "../api/client";
import { onEvents } from "../state/live";
import { deviceHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Confirm, SelectField, TextField } from "../ui/form";
import { Key, Plus, Trash } from "../ui/icons";
import { Ago, Dialog, Spinner } from "../ui/parts";

/** A key of 32 random bytes, in the notation that devices are configured with. */
export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** The digits alone, or undefined when they are not as many bytes as there may be. */
export function cleanHex(text: string, least = 1, most = 64): string | undefined {
  const clean = text.replace(/[\s:]/g, "");
  const bytes = clean.length / 2;
  return /^([0-9a-f]{2})*$/i.test(clean) && bytes >= least && bytes <= most ? clean : undefined;
}

export const randomKey = () => toHex(crypto.getRandomValues(new Uint8Array(32)));

const KINDS = { psk: "Pre-shared key", x509: "Certificate", oscore: "OSCORE" };
type Mode = keyof typeof KINDS;

export interface CredentialForm {
  mode: Mode;
  endpoint: string;
  identity: string;
  key: string;
  deviceId: string;
  serverId: string;
  salt: string;
  context: string;
}

export type FormErrors = Partial<Record<keyof CredentialForm, string>>;

/** What goes to the server, or which fields are wrong. */
export function credentialOf(form: CredentialForm): { credential: NewCredential } | { errors: FormErrors } {
  const errors: FormErrors = {};
  const hex = (name: keyof CredentialForm, least: number, most: number) => {
    const digits = cleanHex(form[name], least, most);
    if (digits === undefined) errors[name] = `Enter ${least} to ${most} bytes as hexadecimal digits.`;
    return digits ?? "";
  };
  if (form.mode === "x509") return { credential: { mode: "x509", identity: form.identity || form.endpoint } };
  const key = hex("key", 1, 64);
  if (form.mode === "psk")
    return errors.key ? { errors } : { credential: { mode: "psk", identity: form.identity || form.endpoint, key } };
  const device_id = hex("deviceId", 0, 7);
  const server_id = hex("serverId", 0, 7);
  const salt = hex("salt", 0, 64);
  const id_context = hex("context", 0, 64);
  if (!errors.deviceId && !errors.serverId && device_id.toLowerCase() === server_id.toLowerCase())
    errors.serverId = "The two Sender IDs must differ.";
  if (Object.keys(errors).length > 0) return { errors };
  return { credential: { mode: "oscore", key, device_id, server_id, ...(salt && { salt }), ...(id_context && { id_context }) } };
}

const BLANK: CredentialForm = { mode: "psk", endpoint: "", identity: "", key: "", deviceId: "", serverId: "", salt: "", context: "" };

function SetDialog({ at, onClose, onDone }: { at: CredentialApi; onClose(): void; onDone(): void }) {
  const [form, setForm] = useState(BLANK);
  const [errors, setErrors] = useState<FormErrors>({});
  const [busy, setBusy] = useState(false);
  const field = (name: keyof CredentialForm) => ({
    id: `c-${name}`, value: form[name], error: errors[name],
    onValue: (text: string) => { setForm({ ...form, [name]: text }); setErrors({ ...errors, [name]: undefined }); },
  });

  const save = async () => {
    const read = credentialOf(form);
    if ("errors" in read) {
      setErrors(read.errors);
      return;
    }
    setBusy(true);
    try {
      await at.set(form.endpoint, read.credential);
      toast("ok", "Credential stored", `${form.endpoint} can connect now.`);
      onDone();
    } catch (e) {
      fail("The credential could not be stored", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Set a credential" hint="The key is stored for the server's use and never shown again." onClose={onClose} onSubmit={() => void save()}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy || form.endpoint === "" || (form.mode !== "x509" && form.key === "")}>{busy ? <Spinner /> : null}Store</button>
      </>}>
      <TextField {...field("endpoint")} label="Endpoint name" required max={255} />
      <SelectField id="c-mode" label="Kind" value={form.mode} options={KINDS} onValue={(mode) => { setForm({ ...form, mode }); setErrors({}); }}
        hint={form.mode === "x509" ? "The device shows a certificate that this server's trust anchors vouch for; certificates that were enrolled for here need no more."
          : form.mode === "oscore" ? "Messages are protected end to end over plain CoAP." : undefined} />
      {form.mode !== "oscore" && (
        <TextField {...field("identity")} label={form.mode === "psk" ? "PSK identity" : "Common name"} max={128}
          placeholder={form.endpoint || "as the endpoint name"} />
      )}
      {form.mode !== "x509" && (
        <TextField {...field("key")} label={form.mode === "psk" ? "Key (hexadecimal)" : "Master Secret (hexadecimal)"} required mono
          hint="Give the same key to the device. This is the only time you see it."
          beside={<button class="button small" type="button" onClick={() => field("key").onValue(randomKey())}>Generate</button>} />
      )}
      {form.mode === "oscore" && (
        <div class="fields-2">
          <TextField {...field("deviceId")} label="Sender ID of the device" mono placeholder="empty" hint="0 to 7 bytes" />
          <TextField {...field("serverId")} label="Sender ID of the server" mono placeholder="empty" hint="0 to 7 bytes, another" />
          <TextField {...field("salt")} label="Master Salt" mono placeholder="none" />
          <TextField {...field("context")} label="ID Context" mono placeholder="none" />
        </div>
      )}
    </Dialog>
  );
}

function Table({ list, onDelete }: { list: Credential[]; onDelete(c: Credential): void }) {
  return (
    <div class="card table-wrap">
      <table class="table">
        <caption class="visually-hidden">Credentials by endpoint</caption>
        <thead><tr><th scope="col">Endpoint</th><th scope="col">Kind</th><th scope="col">Identity</th><th scope="col">Key</th><th scope="col">Changed</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
        <tbody>
          {list.map((c) => (
            <tr class="row" key={c.endpoint}>
              <td><a class="device-name" href={deviceHref(c.endpoint)}>{c.endpoint}</a></td>
              <td><span class="badge accent"><Key />{KINDS[c.mode]}</span></td>
              <td class="mono">{c.identity || (c.mode === "oscore" ? "empty Sender ID" : "")}</td>
              <td class="muted">{c.mode === "x509" ? "held by the device" : `${c.key_bytes * 8} bits, never shown`}</td>
              <td><Ago at={c.changed_at} /></td>
              <td class="right"><button class="button small danger" type="button" aria-label={`Delete the credential of ${c.endpoint}`} onClick={() => onDelete(c)}><Trash />Delete</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The credentials of one server. `heading` is the page's own, or a section's. */
export function Credentials({ at, heading, hint, page }: { at: CredentialApi; heading: string; hint: string; page?: boolean }) {
  const [list, setList] = useState<Credential[] | undefined>(undefined);
  const [next, setNext] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<Credential | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await at.list(cursor);
      setList((old) => (cursor === undefined ? page.items : [...(old ?? []), ...page.items]));
      setNext(page.next);
    } catch (e) {
      fail("The credentials could not be loaded", e);
      setList((old) => old ?? []);
    }
  };
  useEffect(() => {
    void load();
    return onEvents((events) => {
      if (events.some((e) => e.type === "credential")) void load();
    });
  }, [at]);
  const done = () => {
    setAdding(false);
    setDeleting(undefined);
    void load();
  };

  return (
    <>
      <div class={page ? "page-head" : "page-head section"}>
        {page ? <h1>{heading}</h1> : <h2>{heading}</h2>}
        <div class="end"><button class={page ? "button primary" : "button"} type="button" onClick={() => setAdding(true)}><Plus />Set a credential</button></div>
      </div>
      {list === undefined && <div class="card empty"><Spinner /></div>}
      {list?.length === 0 && (
        <div class="card empty"><Key />{page ? <h2>No credential yet</h2> : <h3>No credential yet</h3>}<p>{hint}</p></div>
      )}
      {list !== undefined && list.length > 0 && <Table list={list} onDelete={setDeleting} />}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more</button></p>}
      {adding && <SetDialog at={at} onClose={() => setAdding(false)} onDone={done} />}
      {deleting && (
        <Confirm title={`Delete the credential of ${deleting.endpoint}?`} hint="The device cannot connect any more until it gets a new one."
          action="Delete" done="Credential deleted" detail={deleting.endpoint} failed="The credential could not be deleted"
          run={() => at.remove(deleting.endpoint)} onClose={() => setDeleting(undefined)} onDone={done} />
      )}
    </>
  );
}

export function CredentialsPage() {
  return <Credentials page at={managementCredentials} heading="Credentials" hint="A device needs one to connect over DTLS." />;
}
