// SPDX-License-Identifier: Apache-2.0
// The address bar is the state of the page: #/devices, #/devices/NAME/OBJECT, #/events, #/credentials, #/bootstrap,
// #/onboarding, #/onboarding/GUID, #/onboarding/groups/NAME, #/audit.
import { signal } from "@preact/signals";

export type Route =
  | { page: "devices" }
  | { page: "device"; endpoint: string; object: number | undefined }
  | { page: "events"; endpoint: string | undefined }
  | { page: "credentials" }
  | { page: "bootstrap" }
  | { page: "onboarding" }
  | { page: "voucher"; guid: string }
  | { page: "group"; name: string }
  | { page: "audit" }
  | { page: "unknown"; hash: string };

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter((p) => p !== "");
  const [page, name, object] = parts;

  if (page === undefined) return { page: "devices" };
  if (page === "devices" && name === undefined) return { page: "devices" };
  if (page === "devices" && name !== undefined && parts.length <= 3) {
    const endpoint = decode(name);
    if (endpoint !== undefined && (object === undefined || /^\d{1,5}$/.test(object)))
      return { page: "device", endpoint, object: object === undefined ? undefined : Number(object) };
  }
  if (page === "events" && parts.length === 1)
    return { page: "events", endpoint: new URLSearchParams(query).get("endpoint") ?? undefined };
  if (page === "credentials" && parts.length === 1) return { page: "credentials" };
  if (page === "bootstrap" && parts.length === 1) return { page: "bootstrap" };
  if (page === "onboarding" && parts.length === 1) return { page: "onboarding" };
  if (page === "onboarding" && parts.length === 2 && name !== undefined && /^[0-9a-f]{32}$/.test(name)) return { page: "voucher", guid: name };
  if (page === "onboarding" && name === "groups" && parts.length === 3 && object !== undefined && /^[A-Za-z0-9._-]{1,64}$/.test(object))
    return { page: "group", name: object };
  if (page === "audit" && parts.length === 1) return { page: "audit" };
  return { page: "unknown", hash };
}

/** A device of FIDO Device Onboard. */
export function onboardingHref(guid: string): string {
  return `#/onboarding/${encodeURIComponent(guid)}`;
}

export function groupHref(name: string): string {
  return `#/onboarding/groups/${encodeURIComponent(name)}`;
}

export function deviceHref(endpoint: string, object?: number): string {
  const base = `#/devices/${encodeURIComponent(endpoint)}`;
  return object === undefined ? base : `${base}/${object}`;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const route = signal<Route>({ page: "devices" });

export function startRouter(): void {
  const follow = () => {
    route.value = parseRoute(window.location.hash);
  };
  window.addEventListener("hashchange", follow);
  follow();
}
