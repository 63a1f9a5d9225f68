// SPDX-License-Identifier: Apache-2.0
// A server account of a bootstrap profile, by a form: what most accounts need. The text of the profile takes the rest.
import { useState } from "preact/hooks";
import type { BootstrapServer } from "../api/client";
import { SelectField, TextField } from "../ui/form";
import { Plus } from "../ui/icons";
import { cleanHex, randomKey } from "./credentials";

const SECURITY = {
  psk: "Pre-shared key", oscore: "OSCORE", x509: "Certificate, given with its key", est: "Certificate that the device enrols for",
  nosec: "Not secured",
};
const SOURCES = { generate: "A fresh one for each device", given: "This one, the same for all" };

export interface AccountForm {
  uri: string;
  id: string;
  lifetime: string;
  security: keyof typeof SECURITY;
  source: keyof typeof SOURCES;
  identity: string;
  key: string;
  deviceId: string;
  serverId: string;
  certificate: string;
  privateKey: string;
  serverCertificate: string;
}

export type AccountErrors = Partial<Record<keyof AccountForm, string>>;

/** Base64 of DER, out of what people have: that, or PEM. */
export function derOf(text: string): string | undefined {
  const inner = /-----BEGIN [^-]+-----([^-]*)-----END/.exec(text)?.[1] ?? text;
  const clean = inner.replace(/\s/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(clean) && clean.length % 4 === 0 ? clean : undefined;
}

/** The account as the profile has it, or which fields are wrong. */
export function accountOf(form: AccountForm): { server: BootstrapServer } | { errors: AccountErrors } {
  const errors: AccountErrors = {};
  const hex = (name: "key" | "deviceId" | "serverId", least: number, most: number) => {
    const digits = cleanHex(form[name], least, most);
    if (digits === undefined) errors[name] = `Enter ${least} to ${most} bytes as hexadecimal digits.`;
    return digits ?? "";
  };
  const der = (name: "certificate" | "privateKey" | "serverCertificate") => {
    const text = derOf(form[name]);
    if (text === undefined) errors[name] = "Paste PEM, or Base64 of DER.";
    return text ?? "";
  };
  const whole = (name: "id" | "lifetime", most: number) => {
    const n = Number(form[name]);
    if (!/^\d+$/.test(form[name].trim()) || n < 1 || n > most) errors[name] = `Enter a number from 1 to ${most}.`;
    return n;
  };
  if (!/^coaps?(\+tcp)?:\/\/[^/\s]+$/.test(form.uri)) errors.uri = "Enter a URI like coaps://192.0.2.1:5684.";
  const server: BootstrapServer = {
    uri: form.uri, security: form.security, short_server_id: whole("id", 65534), lifetime: whole("lifetime", 4294967295),
  };
  if (form.security === "psk" || form.security === "oscore") {
    if (form.source === "generate") server.generate = true;
    else server.key = hex("key", 1, 64);
  }
  if (form.security === "psk" && form.identity !== "") server.identity = form.identity;
  if (form.security === "oscore" && form.source === "given") {
    server.device_id = hex("deviceId", 0, 7);
    server.server_id = hex("serverId", 0, 7);
    if (!errors.deviceId && !errors.serverId && server.device_id.toLowerCase() === server.server_id.toLowerCase())
      errors.serverId = "The two Sender IDs must differ.";
  }
  if (form.security === "x509") {
    server.certificate = der("certificate");
    server.private_key = der("privateKey");
  }
  if (form.security === "x509" || form.security === "est") server.server_certificate = der("serverCertificate");
  return Object.keys(errors).length > 0 ? { errors } : { server };
}

const BLANK: AccountForm = { uri: "", id: "1", lifetime: "300", security: "psk", source: "generate", identity: "", key: "",
  deviceId: "", serverId: "", certificate: "", privateKey: "", serverCertificate: "" };

export function AccountFields({ onAdd }: { onAdd(server: BootstrapServer): void }) {
  const [form, setForm] = useState(BLANK);
  const [errors, setErrors] = useState<AccountErrors>({});
  const field = (name: keyof AccountForm) => ({
    id: `a-${name}`, value: form[name], error: errors[name],
    onValue: (text: string) => { setForm({ ...form, [name]: text }); setErrors({ ...errors, [name]: undefined }); },
  });
  const keyed = form.security === "psk" || form.security === "oscore";
  const given = keyed && form.source === "given";

  const add = () => {
    const read = accountOf(form);
    if ("errors" in read) {
      setErrors(read.errors);
      return;
    }
    onAdd(read.server);
    setForm(BLANK);
  };
  return (
    <details class="more">
      <summary>Add a server by a form</summary>
      <div class="content">
        <TextField {...field("uri")} label="Server URI" max={255} placeholder="coaps://192.0.2.1:5684" />
        <div class="fields-2">
          <TextField {...field("id")} label="Short server ID" />
          <TextField {...field("lifetime")} label="Lifetime (s)" />
        </div>
        <SelectField id="a-security" label="Security" value={form.security} options={SECURITY}
          onValue={(security) => { setForm({ ...form, security }); setErrors({}); }} />
        {keyed && (
          <SelectField id="a-source" label={form.security === "psk" ? "Key" : "Master Secret"} value={form.source} options={SOURCES}
            onValue={(source) => setForm({ ...form, source })}
            hint={form.source === "generate" ? "It becomes the device's credential at this server, too." : undefined} />
        )}
        {form.security === "psk" && <TextField {...field("identity")} label="Identity of the device" placeholder="{endpoint}" hint="{endpoint} in it becomes the device's name." />}
        {given && (
          <TextField {...field("key")} label="Its bytes (hexadecimal)" mono
            beside={<button class="button small" type="button" onClick={() => field("key").onValue(randomKey())}>Generate</button>} />
        )}
        {given && form.security === "oscore" && (
          <div class="fields-2">
            <TextField {...field("deviceId")} label="Sender ID of the device" mono placeholder="empty" />
            <TextField {...field("serverId")} label="Sender ID of the server" mono placeholder="empty" />
          </div>
        )}
        {form.security === "x509" && <TextField {...field("certificate")} label="Certificate of the device" mono hint="PEM, or Base64 of DER" />}
        {form.security === "x509" && <TextField {...field("privateKey")} label="Its private key" mono hint="Kept for the device, and never shown again" />}
        {(form.security === "x509" || form.security === "est") && (
          <TextField {...field("serverCertificate")} label="Certificate that the server is checked by" mono hint="PEM, or Base64 of DER" />
        )}
        <div><button class="button" type="button" onClick={add}><Plus />Add to the profile</button></div>
      </div>
    </details>
  );
}
