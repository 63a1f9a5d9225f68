// SPDX-License-Identifier: Apache-2.0
// The one event stream of the page, and what everyone may know from it.
import { batch, signal } from "@preact/signals";
import { recentEvents, type ApiEvent } from "../api/client";
import { EventStream, type Connection } from "../api/stream";

const KEPT = 1000;
const BACKLOG = 200;

export const connection = signal<Connection>("connecting");
/** Newest first. */
export const events = signal<ApiEvent[]>([]);

type Listener = (events: ApiEvent[]) => void;
const listeners = new Set<Listener>();
const gapListeners = new Set<() => void>();

let queue: ApiEvent[] = [];
let scheduled = false;

/** Newest first, without doubles, at most `kept`. Both lists are in themselves in order. */
export function merge(known: ApiEvent[], fresh: ApiEvent[], kept = KEPT): ApiEvent[] {
  const newest = known[0]?.id ?? 0;
  const added = fresh.filter((e) => e.id > newest).reverse();
  return added.length === 0 ? known : [...added, ...known].slice(0, kept);
}

function flush(): void {
  scheduled = false;
  const fresh = queue;
  queue = [];
  batch(() => {
    events.value = merge(events.value, fresh);
    for (const listener of listeners) listener(fresh);
  });
}

/** Many events within one frame are one change of the page. */
function take(event: ApiEvent): void {
  queue.push(event);
  if (scheduled) return;
  scheduled = true;
  setTimeout(flush, 40);
}

export function onEvents(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onGap(listener: () => void): () => void {
  gapListeners.add(listener);
  return () => gapListeners.delete(listener);
}

const stream = new EventStream({
  onEvent: take,
  onGap: () => {
    for (const listener of gapListeners) listener();
  },
  onState: (state) => {
    connection.value = state;
  },
});

/** Begins a little before now, so that the events page is not empty. */
async function startingPoint(): Promise<string | undefined> {
  try {
    const { oldest, latest } = await recentEvents(0, 1);
    return String(Math.max(0, oldest - 1, latest - BACKLOG));
  } catch {
    return undefined; // the stream itself shows that the server is away
  }
}

export async function startLive(): Promise<void> {
  stream.start(await startingPoint());
}

export function retryLive(): void {
  stream.retry();
}
