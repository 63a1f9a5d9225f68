// SPDX-License-Identifier: Apache-2.0
// FIDO Device Onboard as the pages show it: stages in their order, vouchers as files, what modules brought.
import { api, type ApiEvent, type FdoDevice, type FdoStage } from "./api/client";

export interface Step {
  stage: FdoStage["stage"] | "registered";
  label: string;
  at: string | undefined;
  detail: string;
}

/** What a device goes through, in this order; some are of other services than this one. */
const PATH: { stage: Step["stage"]; label: string }[] = [
  { stage: "made", label: "DI" },
  { stage: "imported", label: "Imported" },
  { stage: "extended", label: "Extended" },
  { stage: "accepted", label: "TO0 accepted" },
  { stage: "announced", label: "TO0" },
  { stage: "redirected", label: "TO1" },
  { stage: "proved", label: "TO2 begun" },
  { stage: "onboarded", label: "TO2 done" },
  { stage: "registered", label: "LwM2M" },
];

/** The stages of a device in the order of the protocol. Those that this server never sees are left out, but for what is to come. */
export function stepsOf(device: FdoDevice, registeredAt?: string): Step[] {
  const seen = new Map((device.stages ?? []).map((s) => [s.stage, s]));
  const gone = seen.get("replaced"); // it is done, and what follows belongs to the next GUID
  return PATH.filter((s) => !gone || s.stage !== "registered").map(({ stage, label }) => {
    const s = stage === "registered" ? undefined : stage === "onboarded" ? seen.get(stage) ?? gone : seen.get(stage);
    const at = stage === "registered" ? registeredAt : s?.at;
    return { stage, label, at, detail: s?.detail ?? "" };
  }).filter((s) => s.at !== undefined || (s.stage !== "made" && s.stage !== "imported" && s.stage !== "accepted"));
}

/** Why the last run failed, unless the device came further since. */
export function failureOf(device: FdoDevice): FdoStage | undefined {
  const stages = device.stages ?? [];
  const failed = stages.find((s) => s.stage === "failed");
  const later = stages.some((s) => s.stage !== "failed" && s.stage !== "announced" && failed !== undefined && s.at > failed.at);
  return later ? undefined : failed;
}

/** An onboarding under way: the device came and is not done. */
export function isRunning(device: FdoDevice): boolean {
  const at = (stage: string) => (device.stages ?? []).find((s) => s.stage === stage)?.at ?? "";
  return at("proved") > at("onboarded") && at("proved") >= at("failed");
}

/** When the device registered with the endpoint name that it was given here; undefined: not now. */
export async function registrationOf(device: FdoDevice): Promise<string | undefined> {
  if (!device.endpoint) return undefined;
  try {
    return (await api.device(device.endpoint)).registered_at;
  } catch {
    return undefined; // it is not registered
  }
}

/** Whether an event changes what the pages of onboarding show. */
export function concerns(e: ApiEvent, devices: FdoDevice[]): boolean {
  return isFdoEvent(e) || (["registered", "deregistered", "expired"].includes(e.type) && devices.some((d) => d.endpoint === e.endpoint));
}

export const isFdoEvent = (e: ApiEvent): boolean => e.type.startsWith("fdo-");

export function guidText(guid: string): string {
  return guid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The bytes of a voucher in PEM. */
export function bytesOfPem(pem: string): Uint8Array<ArrayBuffer> {
  return bytesOfBase64(pem.replace(/-----[^-]*-----/g, ""));
}

export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replace(/\s+/g, ""));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

/** A file's content as the server takes it: PEM as it is; CBOR becomes PEM. */
export function pemOfFile(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  if (text.includes("-----BEGIN OWNERSHIP VOUCHER-----")) return text;
  let binary = "";
  for (const b of bytes) binary += String.fromCharCode(b);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN OWNERSHIP VOUCHER-----\n${lines.join("\n")}\n-----END OWNERSHIP VOUCHER-----\n`;
}

/** What a module brought, as text where it is text. */
export function textOfResult(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Hands bytes to the browser as a file. */
export function save(name: string, bytes: Uint8Array<ArrayBuffer>, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
