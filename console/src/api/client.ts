// SPDX-License-Identifier: Apache-2.0
// The REST interface, typed by docs/openapi.yaml.
import { signal } from "@preact/signals";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Device = Schemas["Device"];
export type DeviceList = Schemas["DeviceList"];
export type DeviceDetail = Schemas["DeviceDetail"];
export type DeviceObject = Schemas["DeviceObject"];
export type Value = Schemas["Value"];
export type Values = Schemas["Values"];
export type Done = Schemas["Done"];
export type Created = Schemas["Created"];
export type Link = Schemas["Link"];
export type Links = Schemas["Links"];
export type Attributes = Schemas["Attributes"];
export type Observation = Schemas["Observation"];
export type Model = Schemas["Model"];
export type ModelResource = Schemas["ModelResource"];
export type Credential = Schemas["Credential"];
export type CredentialList = Schemas["CredentialList"];
export type NewCredential = Schemas["NewCredential"];
/** What has a default may be missing. */
export type BootstrapServer = Partial<Schemas["BootstrapServer"]> & Pick<Schemas["BootstrapServer"], "uri" | "security">;
export type BootstrapProfile = Partial<Omit<Schemas["BootstrapProfile"], "servers">> & { servers?: BootstrapServer[] };
export type BootstrapProfileList = { items: BootstrapProfile[]; next: string | null };
export type BootstrapState = Schemas["BootstrapState"];
export type BootstrapStateList = Schemas["BootstrapStateList"];
export type Certificate = Schemas["Certificate"];
export type CertificateList = Schemas["CertificateList"];
export type NewValue = { path: string; value: Scalar; type?: Value["type"] };
export type QueuedRequest = Schemas["Request"];
export type RequestList = Schemas["RequestList"];
export type ApiEvent = Schemas["Event"];
export type EventList = Schemas["EventList"];
export type Problem = Schemas["Problem"];
export type FdoService = Schemas["FdoService"];
export type FdoDevice = Schemas["FdoDevice"];
export type FdoDeviceList = Schemas["FdoDeviceList"];
export type FdoStage = Schemas["FdoStage"];
export type FdoKey = Schemas["FdoKey"];
export type FdoVoucher = Schemas["FdoVoucher"];
export type FdoRedirect = Schemas["FdoRedirect"];
export type FdoRedirectList = Schemas["FdoRedirectList"];
export type FdoNameList = Schemas["FdoNameList"];
export type FdoName = FdoNameList["items"][number];
/** What has a default may be left out. */
export type FdoPlan = Partial<Schemas["FdoPlan"]> & Pick<Schemas["FdoPlan"], "steps">;
export type FdoPlanList = Schemas["FdoPlanList"];
export type FdoPlanItem = FdoPlanList["items"][number];
export type FdoGroup = Schemas["FdoGroup"];
export type FdoGroupList = Schemas["FdoGroupList"];
export type FdoResult = Schemas["FdoResult"];
export type Operator = Schemas["Operator"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditList = Schemas["AuditList"];
export type Scalar = Schemas["Scalar"];

const BASE = "/api/v1";
const TOKEN_KEY = "tessera.token";

/** Kept for this browser tab only. */
export const token = signal<string>(readToken());
/** True when the server refused the token, or asks for one. */
export const tokenNeeded = signal(false);

function readToken(): string {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? "";
  } catch {
    return "";
  }
}

export function setToken(text: string): void {
  token.value = text;
  tokenNeeded.value = false;
  sessionStorage.setItem(TOKEN_KEY, text);
}

/** What the server says when it does not do as it was told. */
export class ApiProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

export function headers(more: Record<string, string> = {}): Record<string, string> {
  return token.value === "" ? more : { ...more, Authorization: `Bearer ${token.value}` };
}

async function problemOf(response: Response): Promise<Problem> {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.startsWith("application/problem+json")) return (await response.json()) as Problem;
  return { type: "about:blank", title: `HTTP ${response.status}`, status: response.status };
}

export async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401) tokenNeeded.value = true;
  throw new ApiProblem(problem);
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: headers() };
  if (body !== undefined) {
    init.headers = headers({ "Content-Type": "application/json" });
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch {
    throw new Error("The server cannot be reached. Is it running?");
  }
  await checked(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const of = (endpoint: string) => `/devices/${encodeURIComponent(endpoint)}`;

export interface DeviceQuery {
  q?: string;
  online?: boolean;
  cursor?: string;
  limit?: number;
}

export function queryString(query: Record<string, string | number | boolean | undefined>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== "" && value !== false) params.set(key, String(value));
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

export const api = {
  operator: () => call<Operator>("GET", "/operator"),
  devices: (query: DeviceQuery) => call<DeviceList>("GET", `/devices${queryString({ ...query })}`),
  device: (endpoint: string) => call<DeviceDetail>("GET", of(endpoint)),
  drop: (endpoint: string) => call<void>("DELETE", of(endpoint)),
  read: (endpoint: string, path: string) => call<Values>("GET", `${of(endpoint)}/objects${path}`),
  write: (endpoint: string, path: string, value: Scalar, queue: boolean) =>
    call<Done | QueuedRequest>("PUT", `${of(endpoint)}/objects${path}${queryString({ queue })}`, { value }),
  execute: (endpoint: string, path: string, args: string, queue: boolean) =>
    call<Done | QueuedRequest>("POST", `${of(endpoint)}/objects${path}/execute${queryString({ queue })}`,
      args === "" ? {} : { arguments: args }),
  discover: (endpoint: string, path: string) =>
    call<Links>("GET", `${of(endpoint)}/objects${path}/discover`),
  attributes: (endpoint: string, path: string, attributes: Attributes, queue: boolean) =>
    call<Done | QueuedRequest>("PUT", `${of(endpoint)}/objects${path}/attributes${queryString({ queue })}`,
      attributes),
  waiting: (endpoint: string) =>
    call<RequestList>("GET", `/requests${queryString({ endpoint, waiting: true })}`),
  cancelRequest: (id: number) => call<QueuedRequest>("DELETE", `/requests/${id}`),
  remove: (endpoint: string, path: string) =>
    call<Done>("DELETE", `${of(endpoint)}/objects${path}`),
  lastValues: (endpoint: string, path: string) =>
    call<Values>("GET", `${of(endpoint)}/values${queryString({ path })}`),
  history: (endpoint: string, path: string, limit: number) =>
    call<Values>("GET", `${of(endpoint)}/history${queryString({ path, limit })}`),
  observations: (endpoint: string) =>
    call<{ items: Observation[] }>("GET", `${of(endpoint)}/observations`),
  observe: (endpoint: string, path: string) =>
    call<Values>("PUT", `${of(endpoint)}/observations${path}`, {}),
  unobserve: (endpoint: string, path: string) =>
    call<Done>("DELETE", `${of(endpoint)}/observations${path}`),
  model: (object: number) => call<Model>("GET", `/models/${object}`),
  create: (endpoint: string, object: number, instance: number | undefined, values: NewValue[]) =>
    call<Created>("POST", `${of(endpoint)}/objects/${object}`, instance === undefined ? { values } : { instance, values }),
  profiles: (cursor?: string) =>
    call<BootstrapProfileList>("GET", `/bootstrap/profiles${queryString({ cursor })}`),
  setProfile: (name: string, profile: unknown) =>
    call<BootstrapProfile>("PUT", `/bootstrap/profiles/${encodeURIComponent(name)}`, profile),
  deleteProfile: (name: string) =>
    call<void>("DELETE", `/bootstrap/profiles/${encodeURIComponent(name)}`),
  bootstraps: (cursor?: string) =>
    call<BootstrapStateList>("GET", `/bootstrap/devices${queryString({ cursor })}`),
  certificates: (cursor?: string) =>
    call<CertificateList>("GET", `/bootstrap/certificates${queryString({ cursor })}`),
  fdo: () => call<FdoService>("GET", "/fdo"),
  fdoDevices: (cursor?: string, group?: string) => call<FdoDeviceList>("GET", `/fdo/devices${queryString({ cursor, group })}`),
  fdoDevice: (guid: string) => call<FdoDevice>("GET", `/fdo/devices/${guid}`),
  fdoRedirects: (cursor?: string) => call<FdoRedirectList>("GET", `/fdo/redirects${queryString({ cursor })}`),
  voucher: (guid: string) => call<FdoVoucher>("GET", `/fdo/devices/${guid}/voucher`),
  importVoucher: (voucher: string) => call<FdoDevice>("POST", "/fdo/vouchers", { voucher }),
  extendVoucher: (guid: string, to: string) => call<FdoDevice>("POST", `/fdo/devices/${guid}/extend`, { to }),
  groups: (cursor?: string) => call<FdoGroupList>("GET", `/fdo/groups${queryString({ cursor })}`),
  setGroup: (guid: string, group: string | null) => call<FdoDevice>("PUT", `/fdo/devices/${guid}/group`, { group }),
  plans: (cursor?: string) => call<FdoPlanList>("GET", `/fdo/plans${queryString({ cursor })}`),
  plan: (name: string) => call<FdoPlan>("GET", `/fdo/plans/${encodeURIComponent(name)}`),
  planOrNone: (name: string) => api.plan(name).catch((e: unknown) => {
    if (e instanceof ApiProblem && e.problem.type.endsWith(":unknown-plan")) return null;
    throw e;
  }),
  checkPlan: (name: string, plan: unknown) => call<void>("POST", `/fdo/plans/${encodeURIComponent(name)}/check`, plan),
  setPlan: (name: string, plan: unknown) => call<void>("PUT", `/fdo/plans/${encodeURIComponent(name)}`, plan),
  deletePlan: (name: string) => call<void>("DELETE", `/fdo/plans/${encodeURIComponent(name)}`),
  results: (cursor?: string) => call<FdoNameList>("GET", `/fdo/results${queryString({ cursor })}`),
  result: (name: string) => call<FdoResult>("GET", `/fdo/results/${encodeURIComponent(name)}`),
  audit: (refused: boolean, cursor?: string) => call<AuditList>("GET", `/audit${queryString({ refused, cursor })}`),
  revoke: (serial: string) => call<void>("DELETE", `/bootstrap/certificates/${encodeURIComponent(serial)}`),
};

/** Credentials of devices at one of the two servers. */
export interface CredentialApi {
  list(cursor?: string): Promise<CredentialList>;
  set(endpoint: string, credential: NewCredential): Promise<Credential>;
  remove(endpoint: string): Promise<void>;
}

function credentialsAt(base: string): CredentialApi {
  return {
    list: (cursor) => call<CredentialList>("GET", `${base}${queryString({ cursor })}`),
    set: (endpoint, credential) => call<Credential>("PUT", `${base}/${encodeURIComponent(endpoint)}`, credential),
    remove: (endpoint) => call<void>("DELETE", `${base}/${encodeURIComponent(endpoint)}`),
  };
}

export const managementCredentials = credentialsAt("/credentials");
export const bootstrapCredentials = credentialsAt("/bootstrap/credentials");

export async function recentEvents(after: number, limit: number): Promise<EventList> {
  const response = await fetch(`${BASE}/events${queryString({ after, limit })}`, {
    headers: headers({ Accept: "application/json" }),
  });
  return (await checked(response)).json() as Promise<EventList>;
}

export const EVENTS_URL = `${BASE}/events`;
