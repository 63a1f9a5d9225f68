// SPDX-License-Identifier: Apache-2.0
// The list of devices: loaded page by page as the user scrolls, filtered by the server, kept up to
// date by events.
import { batch, signal } from "@preact/signals";
import { api, ApiProblem, type ApiEvent, type Device } from "../api/client";
import { onEvents, onGap } from "./live";
import { fail } from "./toasts";

const PAGE = 100;
/** More changes at once than this are cheaper as a new page. */
const ONE_BY_ONE = 12;

export const search = signal("");
export const onlineOnly = signal(false);
export const devices = signal<Device[]>([]);
export const total = signal<number | undefined>(undefined);
export const nextCursor = signal<string | null>(null);
export const loading = signal(false);

let generation = 0;

/** Bytewise, as the server sorts. */
export function before(a: string, b: string): boolean {
  const left = new TextEncoder().encode(a);
  const right = new TextEncoder().encode(b);
  for (let i = 0; i < left.length && i < right.length; i++)
    if (left[i] !== right[i]) return left[i]! < right[i]!;
  return left.length < right.length;
}

export function upsert(list: Device[], device: Device, complete: boolean): Device[] {
  const at = list.findIndex((d) => !before(d.endpoint, device.endpoint));
  if (at >= 0 && list[at]!.endpoint === device.endpoint)
    return list.map((d, i) => (i === at ? device : d));
  if (at < 0) return complete ? [...list, device] : list; // beyond what is loaded
  return [...list.slice(0, at), device, ...list.slice(at)];
}

export function matches(device: Device, text: string, online: boolean): boolean {
  if (online && !device.online) return false;
  return device.endpoint.toLowerCase().includes(text.toLowerCase());
}

export async function loadDevices(): Promise<void> {
  const mine = ++generation;
  loading.value = true;
  try {
    const page = await api.devices({ q: search.value, online: onlineOnly.value, limit: PAGE });
    if (mine !== generation) return;
    batch(() => {
      devices.value = page.items;
      nextCursor.value = page.next;
      total.value = page.total;
    });
  } catch (error) {
    if (mine === generation) fail("The devices could not be loaded", error);
  } finally {
    if (mine === generation) loading.value = false;
  }
}

export async function loadMore(): Promise<void> {
  const cursor = nextCursor.value;
  if (cursor === null || loading.value) return;
  const mine = generation;
  loading.value = true;
  try {
    const page = await api.devices({
      q: search.value,
      online: onlineOnly.value,
      limit: PAGE,
      cursor,
    });
    if (mine !== generation) return;
    batch(() => {
      devices.value = [...devices.value, ...page.items];
      nextCursor.value = page.next;
      total.value = page.total;
    });
  } catch (error) {
    fail("More devices could not be loaded", error);
  } finally {
    if (mine === generation) loading.value = false;
  }
}

const stale = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

async function refresh(endpoint: string): Promise<void> {
  try {
    const device = await api.device(endpoint);
    if (matches(device, search.value, onlineOnly.value))
      devices.value = upsert(devices.value, device, nextCursor.value === null);
    else devices.value = devices.value.filter((d) => d.endpoint !== endpoint);
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 404)
      devices.value = devices.value.filter((d) => d.endpoint !== endpoint);
  }
}

async function refreshStale(): Promise<void> {
  timer = undefined;
  const names = [...stale];
  stale.clear();
  if (names.length > ONE_BY_ONE) return loadDevices();
  await Promise.all(names.map(refresh));
  try {
    total.value = (await api.devices({ limit: 1 })).total;
  } catch {
    // The next event tries again.
  }
}

const CHANGES = new Set(["registered", "updated", "deregistered", "expired", "online", "offline",
  "observing", "observe-ended"]);

function follow(list: ApiEvent[]): void {
  for (const event of list) {
    if (event.endpoint === "") continue;
    if (CHANGES.has(event.type)) stale.add(event.endpoint);
    else if (["notification", "sent", "response"].includes(event.type)) touch(event);
  }
  if (stale.size > 0) timer ??= setTimeout(() => void refreshStale(), 250);
}

function touch(event: ApiEvent): void {
  const known = devices.value.find((d) => d.endpoint === event.endpoint);
  if (!known || known.seen_at >= event.at) return;
  devices.value = devices.value.map((d) => (d === known ? { ...d, seen_at: event.at } : d));
}

/** Keeps the list alive until the returned function is called. */
export function followDevices(): () => void {
  const offEvents = onEvents(follow);
  const offGap = onGap(() => void loadDevices());
  return () => {
    offEvents();
    offGap();
  };
}
