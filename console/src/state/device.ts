// SPDX-License-Identifier: Apache-2.0
// Everything the page of one device knows.
import { batch, signal } from "@preact/signals";
import { api, ApiProblem, type ApiEvent, type Attributes, type DeviceDetail, type Link, type Model,
  type NewValue, type Observation, type QueuedRequest, type Scalar, type Value } from "../api/client";
import { addPoint, canDraw, numberOf, parentOf, type Row, type Series } from "../model";
import { onEvents, onGap } from "./live";
import { fail, toast } from "./toasts";

const models = new Map<number, Promise<Model | undefined>>();

function modelOf(object: number): Promise<Model | undefined> {
  let model = models.get(object);
  if (!model) {
    model = api.model(object).catch(() => undefined);
    models.set(object, model);
  }
  return model;
}

export class DeviceStore {
  readonly device = signal<DeviceDetail | undefined>(undefined);
  /** Set when the device is not registered, or not any more. */
  readonly gone = signal<string | undefined>(undefined);
  readonly model = signal<Model | undefined>(undefined);
  readonly values = signal<ReadonlyMap<string, Value>>(new Map());
  readonly links = signal<ReadonlyMap<string, Link>>(new Map());
  readonly observations = signal<ReadonlyMap<string, Observation>>(new Map());
  /** What waits on the server for this device, oldest first. */
  readonly waiting = signal<readonly QueuedRequest[]>([]);
  readonly series = signal<ReadonlyMap<string, Series>>(new Map());
  readonly busy = signal<ReadonlySet<string>>(new Set());
  /** When each value last changed on this page, for the short flash. */
  readonly changed = signal<ReadonlyMap<string, number>>(new Map());

  private off: (() => void)[] = [];
  private reload: ReturnType<typeof setTimeout> | undefined;
  private recount: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly endpoint: string) {}

  open(): void {
    this.off = [
      onEvents((list) => this.follow(list)),
      onGap(() => {
        this.values.value = new Map();
        void this.load();
      }),
    ];
    void this.load();
  }

  close(): void {
    for (const off of this.off) off();
    clearTimeout(this.reload);
    clearTimeout(this.recount);
  }

  async load(): Promise<void> {
    try {
      const device = await api.device(this.endpoint);
      batch(() => {
        this.device.value = device;
        this.gone.value = undefined;
      });
    } catch (error) {
      if (error instanceof ApiProblem && error.problem.status === 404)
        this.gone.value = error.problem.detail ?? error.problem.title;
      else fail("The device could not be loaded", error);
      return;
    }
    await Promise.all([this.loadObservations(), this.loadLastValues(), this.loadWaiting()]);
  }

  private async loadWaiting(): Promise<void> {
    try {
      const { items } = await api.waiting(this.endpoint);
      this.waiting.value = [...items].reverse();
    } catch (error) {
      fail("The requests that wait could not be loaded", error);
    }
  }

  async cancelRequest(id: number): Promise<void> {
    await this.doing(`request ${id}`, `Cancelling request ${id} failed`, async () => {
      await api.cancelRequest(id);
      toast("ok", "Cancelled", `request ${id}`);
    });
    await this.loadWaiting();
  }

  /** A device that sleeps is not waited for: the server keeps the request until it wakes. */
  private get asleep(): boolean {
    const device = this.device.value;
    return device !== undefined && device.queue_mode && !device.online;
  }

  private async loadObservations(): Promise<void> {
    try {
      const { items } = await api.observations(this.endpoint);
      this.observations.value = new Map(items.map((o) => [o.paths?.join(" ") ?? o.path, o]));
      for (const o of items) for (const path of o.paths ?? [o.path]) void this.loadSeries(path);
    } catch (error) {
      fail("The observations could not be loaded", error);
    }
  }

  private async loadLastValues(): Promise<void> {
    try {
      // What this page has heard itself is never older than what the server has stored.
      const { values } = await api.lastValues(this.endpoint, "/");
      this.take(values.filter((v) => !this.values.value.has(v.path)), false);
    } catch {
      // They are a convenience: the device itself can be read.
    }
  }

  /** The kept history of what is observed and can be drawn. */
  private async loadSeries(path: string): Promise<void> {
    if (path.split("/").length < 4) return;
    try {
      const { values } = await api.history(this.endpoint, path, 1000);
      let series: Series = { t: [], v: [] };
      for (const value of values) {
        const n = numberOf(value);
        const at = Date.parse(value.measured_at ?? value.received_at ?? "");
        if (n !== undefined && !Number.isNaN(at)) series = addPoint(series, at / 1000, n);
      }
      if (series.t.length > 0)
        this.series.value = new Map(this.series.value).set(path, series);
    } catch {
      // Without history the chart begins now.
    }
  }

  /** Shows an object: its model at once; what the device has, when it can be asked. */
  async show(object: number): Promise<void> {
    this.model.value = undefined;
    const model = await modelOf(object);
    this.model.value = model;
    const device = this.device.value;
    if (!device || !device.online) return;
    await Promise.all([this.discover(object), this.read(`/${object}`)]);
  }

  private async discover(object: number): Promise<void> {
    try {
      const { links } = await api.discover(this.endpoint, `/${object}`);
      const next = new Map([...this.links.value].filter(([p]) => !p.startsWith(`/${object}/`)));
      for (const link of links) next.set(link.path, link);
      this.links.value = next;
    } catch {
      // Not every device can; values tell what is there.
    }
  }

  private async doing<T>(key: string, what: string, work: () => Promise<T>): Promise<T | undefined> {
    this.busy.value = new Set(this.busy.value).add(key);
    try {
      return await work();
    } catch (error) {
      fail(what, error);
      return undefined;
    } finally {
      const rest = new Set(this.busy.value);
      rest.delete(key);
      this.busy.value = rest;
    }
  }

  async read(path: string): Promise<void> {
    await this.doing(path, `Reading ${path} failed`, async () => {
      const { values } = await api.read(this.endpoint, path);
      const inside = (p: string) => p === path || p.startsWith(`${path}/`);
      this.values.value = new Map([...this.values.value].filter(([p]) => !inside(p)));
      this.take(values, true);
    });
  }

  async write(path: string, value: Scalar): Promise<boolean> {
    const done = await this.doing(path, `Writing ${path} failed`, async () => {
      const queue = this.asleep;
      await api.write(this.endpoint, path, value, queue);
      toast("ok", queue ? "Queued until the device wakes" : "Written", `${path} = ${String(value)}`);
      return queue ? "queued" : "written";
    });
    if (done === "written") void this.read(path);
    return done !== undefined;
  }

  async create(object: number, made: { instance: number | undefined; values: NewValue[] }): Promise<boolean> {
    const done = await this.doing(`/${object}`, `Creating an instance of /${object} failed`, async () => {
      const created = await api.create(this.endpoint, object, made.instance, made.values);
      toast("ok", "Instance created", created.path);
      return true;
    });
    if (done) await this.changedInstances(object);
    return done ?? false;
  }

  /** Throws what went wrong: the question that it answers says it. */
  async remove(path: string): Promise<void> {
    await api.remove(this.endpoint, path);
    this.values.value = new Map([...this.values.value].filter(([p]) => !p.startsWith(`${path}/`)));
    await this.changedInstances(Number(path.split("/")[1]));
  }

  /** The device tells of its instances by an Update, which may be a while under way: ask for them. */
  private async changedInstances(object: number): Promise<void> {
    await Promise.all([this.load(), this.discover(object), this.read(`/${object}`)]);
  }

  async execute(row: Row, args: string): Promise<boolean> {
    const done = await this.doing(row.path, `Executing ${row.name} failed`, async () => {
      const queue = this.asleep;
      await api.execute(this.endpoint, row.path, args, queue);
      toast("ok", queue ? "Queued until the device wakes" : "Executed", `${row.name} (${row.path})`);
      return true;
    });
    return done ?? false;
  }

  async setAttributes(path: string, attributes: Attributes): Promise<boolean> {
    const done = await this.doing(path, `Setting attributes of ${path} failed`, async () => {
      const queue = this.asleep;
      await api.attributes(this.endpoint, path, attributes, queue);
      toast("ok", queue ? "Queued until the device wakes" : "Attributes set", path);
      return queue ? "queued" : "set";
    });
    if (done === "set") await this.discover(Number(path.split("/")[1]));
    return done !== undefined;
  }

  async observe(path: string, on: boolean): Promise<void> {
    await this.doing(path, on ? `Observing ${path} failed` : `Ending the observation of ${path} failed`,
      async () => {
        if (on) this.take((await api.observe(this.endpoint, path)).values, true);
        else await api.unobserve(this.endpoint, path);
      });
    await this.loadObservations();
  }

  private take(values: Value[], fresh: boolean): void {
    const next = new Map(this.values.value);
    const changed = new Map(this.changed.value);
    for (const value of values) {
      const before = next.get(value.path);
      next.set(value.path, value);
      if (fresh && before && before.value !== value.value) changed.set(value.path, Date.now());
    }
    batch(() => {
      this.values.value = next;
      this.changed.value = changed;
    });
  }

  private follow(list: ApiEvent[]): void {
    const mine = list.filter((e) => e.endpoint === this.endpoint);
    for (const event of mine) {
      if (event.values && ["notification", "sent", "response"].includes(event.type))
        this.takeEvent(event, event.values);
      if (event.type === "request")
        this.recount ??= setTimeout(() => {
          this.recount = undefined;
          void this.loadWaiting();
        }, 250);
      if (["registered", "updated", "deregistered", "expired", "online", "offline", "observing",
        "observe-ended"].includes(event.type))
        this.reload ??= setTimeout(() => {
          this.reload = undefined;
          void this.load();
        }, 250);
    }
  }

  private takeEvent(event: ApiEvent, values: Value[]): void {
    this.take(values.map((v) => ({ received_at: event.at, ...v })), true);
    const device = this.device.value;
    if (device && device.seen_at < event.at) this.device.value = { ...device, seen_at: event.at };
    if (event.type !== "notification" && event.type !== "sent") return;
    const series = new Map(this.series.value);
    for (const value of values) {
      const n = numberOf(value);
      if (n === undefined || !canDraw(value.type)) continue;
      const at = Date.parse(value.measured_at ?? event.at) / 1000;
      series.set(value.path, addPoint(series.get(value.path) ?? { t: [], v: [] }, at, n));
    }
    const known = event.path ? this.observations.value.get(event.path) : undefined;
    batch(() => {
      this.series.value = series;
      if (known)
        this.observations.value = new Map(this.observations.value).set(known.path, {
          ...known,
          last_at: event.at,
          notifications: known.notifications + 1,
        });
    });
  }

  /** The observation that covers a path: its own, or one of its instance or object. */
  observedBy(path: string): Observation | undefined {
    const all = this.observations.value;
    return all.get(path) ?? all.get(parentOf(path, 2)) ?? all.get(parentOf(path, 1));
  }
}
