// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, type Credential } from "../api/client";
import { onEvents } from "../state/live";
import { deviceHref } from "../state/router";
import { fail, toast } from "../state/toasts";
import { Key, Plus, Trash } from "../ui/icons";
import { Ago, Dialog, Spinner } from "../ui/parts";

/** A key of 32 random bytes, in the notation that devices are configured with. */
export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** The digits alone, or undefined when they are no key. */
export function cleanHex(text: string): string | undefined {
  const clean = text.replace(/[\s:]/g, "");
  return /^([0-9a-f]{2}){1,64}$/i.test(clean) ? clean : undefined;
}

const KINDS = { psk: "Pre-shared key", x509: "Certificate", oscore: "OSCORE" };

function SetDialog({ onClose, onDone }: { onClose(): void; onDone(): void }) {
  const [endpoint, setEndpoint] = useState("");
  const [identity, setIdentity] = useState("");
  const [key, setKey] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const save = async () => {
    const digits = cleanHex(key);
    if (digits === undefined) {
      setError("Enter 1 to 64 bytes as hexadecimal digits.");
      return;
    }
    setBusy(true);
    try {
      await api.setCredential(endpoint, { mode: "psk", identity: identity || endpoint, key: digits });
      toast("ok", "Credential stored", `${endpoint} can connect now.`);
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
        <button class="button primary" type="submit" disabled={busy || endpoint === "" || key === ""}>{busy ? <Spinner /> : null}Store</button>
      </>}>
      <div class="field">
        <label for="c-endpoint">Endpoint name</label>
        <input id="c-endpoint" class="input" required maxLength={255} value={endpoint} autocomplete="off" onInput={(e) => setEndpoint(e.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="c-identity">PSK identity</label>
        <input id="c-identity" class="input" maxLength={128} placeholder={endpoint || "as the endpoint name"} value={identity} autocomplete="off" onInput={(e) => setIdentity(e.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="c-key">Key (hexadecimal)</label>
        <div class="edit">
          <input id="c-key" class="input mono" required value={key} autocomplete="off" spellcheck={false}
            aria-invalid={error !== ""} aria-describedby="c-key-hint" style={{ maxWidth: "none" }}
            onInput={(e) => { setKey(e.currentTarget.value); setError(""); }} />
          <button class="button small" type="button" onClick={() => setKey(toHex(crypto.getRandomValues(new Uint8Array(32))))}>Generate</button>
        </div>
        {error ? <span class="error" role="alert">{error}</span> : <span class="hint" id="c-key-hint">Give the same key to the device. This is the only time you see it.</span>}
      </div>
    </Dialog>
  );
}

function DeleteDialog({ credential, onClose, onDone }: { credential: Credential; onClose(): void; onDone(): void }) {
  const remove = async () => {
    try {
      await api.deleteCredential(credential.endpoint);
      toast("ok", "Credential deleted", credential.endpoint);
      onDone();
    } catch (e) {
      fail("The credential could not be deleted", e);
    }
  };
  return (
    <Dialog title={`Delete the credential of ${credential.endpoint}?`} onClose={onClose} onSubmit={() => void remove()}
      hint="The device cannot connect any more until it gets a new one."
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button danger" type="submit"><Trash />Delete</button>
      </>} />
  );
}

export function CredentialsPage() {
  const [list, setList] = useState<Credential[] | undefined>(undefined);
  const [next, setNext] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<Credential | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await api.credentials(cursor);
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
  }, []);

  return (
    <>
      <div class="page-head">
        <h1>Credentials</h1>
        <div class="end"><button class="button primary" type="button" onClick={() => setAdding(true)}><Plus />Set a credential</button></div>
      </div>
      {list === undefined && <div class="card empty"><Spinner /></div>}
      {list?.length === 0 && (
        <div class="card empty"><Key /><h2>No credential yet</h2><p>A device needs one to connect over DTLS.</p></div>
      )}
      {list !== undefined && list.length > 0 && (
        <div class="card table-wrap">
          <table class="table">
            <caption class="visually-hidden">Credentials by endpoint</caption>
            <thead><tr><th scope="col">Endpoint</th><th scope="col">Kind</th><th scope="col">Identity</th><th scope="col">Key</th><th scope="col">Changed</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
            <tbody>
              {list.map((c) => (
                <tr class="row" key={c.endpoint}>
                  <td><a class="device-name" href={deviceHref(c.endpoint)}>{c.endpoint}</a></td>
                  <td><span class="badge accent"><Key />{KINDS[c.mode]}</span></td>
                  <td class="mono">{c.identity}</td>
                  <td class="muted">{c.mode === "x509" ? "held by the device" : `${c.key_bytes * 8} bits, never shown`}</td>
                  <td><Ago at={c.changed_at} /></td>
                  <td class="right"><button class="button small danger" type="button" aria-label={`Delete the credential of ${c.endpoint}`} onClick={() => setDeleting(c)}><Trash />Delete</button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more</button></p>}
      {adding && <SetDialog onClose={() => setAdding(false)} onDone={() => { setAdding(false); void load(); }} />}
      {deleting && <DeleteDialog credential={deleting} onClose={() => setDeleting(undefined)} onDone={() => { setDeleting(undefined); void load(); }} />}
    </>
  );
}
