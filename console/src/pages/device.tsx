// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, type DeviceDetail, type DeviceObject } from "../api/client";
import { duration, plural, unitText, valueText } from "../format";
import { canDraw, comparePaths, parentOf, purposeOf, rangeOf, rowsOf, unitsOf } from "../model";
import { DeviceStore } from "../state/device";
import { deviceHref } from "../state/router";
import { Chart } from "../ui/chart";
import { Confirm } from "../ui/form";
import { Chip, Plus, Pulse, Refresh, Trash } from "../ui/icons";
import { Ago, SecurityBadge, Spinner, StateBadge } from "../ui/parts";
import { CreateDialog } from "./instances";
import { Resource } from "./resource";

function Facts({ device }: { device: DeviceDetail }) {
  return (
    <dl class="card facts">
      <div><dt>Address</dt><dd class="mono">{device.address}</dd></div>
      {device.identity && <div><dt>Identity</dt><dd class="mono">{device.identity}</dd></div>}
      <div><dt>Protocol</dt><dd>LwM2M {device.version}, {device.binding}{device.queue_mode ? ", queue mode" : ""}</dd></div>
      <div><dt>Registered</dt><dd><Ago at={device.registered_at} /></dd></div>
      <div><dt>Last update</dt><dd><Ago at={device.updated_at} /></dd></div>
      <div><dt>Last seen</dt><dd><Ago at={device.seen_at} /></dd></div>
      <div><dt>Lifetime</dt><dd>{device.lifetime_s === 0 ? "without end" : duration(device.lifetime_s)}</dd></div>
      {device.expires_at && <div><dt>Expires</dt><dd><Ago at={device.expires_at} /></dd></div>}
    </dl>
  );
}

function Objects({ device, selected }: { device: DeviceDetail; selected: number | undefined }) {
  return (
    <nav class="card sticky" aria-label="Objects">
      <ul class="object-list">
        {device.objects.map((o) => (
          <li key={o.object}>
            <a href={deviceHref(device.endpoint, o.object)} aria-current={o.object === selected}>
              <span class="id">{o.object}</span>
              <span>{o.name ?? "Unknown object"}</span>
              {o.instances.length !== 1 && <span class="count" title={plural(o.instances.length, "instance")}>{o.instances.length}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Of Security, Server, OSCORE, COSE a bootstrap server alone makes instances; of Device there is one. */
const FIXED = [0, 1, 3, 21, 23];

function Instance({ store, object, instance }: { store: DeviceStore; object: DeviceObject; instance: number }) {
  const path = `/${object.object}/${instance}`;
  const rows = rowsOf(path, store.model.value, store.links.value, store.values.value);
  const busy = store.busy.value.has(path) || store.busy.value.has(`/${object.object}`);
  const purpose = purposeOf(path, store.values.value);
  const heading = `instance-${object.object}-${instance}`;
  const [deleting, setDeleting] = useState(false);
  return (
    <section class="card" aria-labelledby={heading}>
      <div class="card-head">
        <h2 id={heading}>{object.name ?? `Object ${object.object}`}{object.instances.length > 1 ? ` ${instance}` : ""}</h2>
        {purpose && <span class="badge">{purpose}</span>}
        <span class="mono muted">{path}</span>
        <div class="end">
          <button class="button small" type="button" disabled={busy} onClick={() => void store.read(path)}>
            {busy ? <Spinner /> : <Refresh />}Read all
          </button>
          {!FIXED.includes(object.object) && (
            <button class="button small danger" type="button" aria-label={`Delete ${path}`} onClick={() => setDeleting(true)}><Trash />Delete</button>
          )}
        </div>
      </div>
      {deleting && (
        <Confirm title={`Delete ${path}?`} hint={`The device removes this instance of ${object.name ?? `object ${object.object}`}, with all it holds.`}
          action="Delete" done="Instance deleted" detail={path} failed={`Deleting ${path} failed`}
          run={() => store.remove(path)} onClose={() => setDeleting(false)} onDone={() => setDeleting(false)} />
      )}
      <div class="table-wrap">
        <table class="table resource-table">
          <caption class="visually-hidden">Resources of {path}</caption>
          <thead>
            <tr>
              <th scope="col">Path</th><th scope="col">Resource</th><th scope="col">Value</th>
              <th scope="col">Observe</th><th scope="col" class="right">Actions</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => <Resource key={row.path} store={store} row={row} />)}
            {rows.length === 0 && <tr><td colSpan={5} class="muted">Nothing is known of this instance yet.</td></tr>}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** What the server keeps for the device until it can take it. */
function Waiting({ store }: { store: DeviceStore }) {
  const list = store.waiting.value;
  if (list.length === 0) return null;
  return (
    <section class="card" aria-labelledby="waiting">
      <div class="card-head">
        <h2 id="waiting">Waiting for the device</h2>
        <span class="badge">{plural(list.length, "request")}</span>
      </div>
      <div class="table-wrap">
        <table class="table">
          <caption class="visually-hidden">Requests that wait</caption>
          <thead>
            <tr>
              <th scope="col">Request</th><th scope="col">Operation</th><th scope="col">Path</th>
              <th scope="col">State</th><th scope="col">Expires</th><th scope="col" class="right">Actions</th>
            </tr>
          </thead>
          <tbody>
            {list.map((r) => (
              <tr key={r.id}>
                <td class="mono">{r.id}</td>
                <td>{r.operation}</td>
                <td><span class="mono">{r.paths?.join(" ") ?? r.path}</span>{r.name && <span class="muted"> {r.name}</span>}</td>
                <td>{r.state}{r.attempts > 1 && <span class="muted"> ({plural(r.attempts, "try", "tries")})</span>}</td>
                <td><Ago at={r.expires_at} /></td>
                <td class="right">
                  <button class="button small" type="button" disabled={store.busy.value.has(`request ${r.id}`)}
                    onClick={() => void store.cancelRequest(r.id)}>Cancel</button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Everything observed on the device that can be drawn, whatever object is shown. */
function LiveCharts({ store }: { store: DeviceStore }) {
  const drawn = [...store.series.value.entries()]
    .filter(([path]) => store.observedBy(path) !== undefined)
    .sort(([a], [b]) => comparePaths(a, b));
  const others = [...store.observations.value.values()].filter((o) =>
    !drawn.some(([path]) => path === o.path || path.startsWith(`${o.path}/`)));
  return (
    <aside class="side sticky" aria-label="Live values" tabIndex={0}>
      {drawn.length === 0 && others.length === 0 && (
        <div class="card empty">
          <Pulse /><h2>Nothing is observed</h2>
          <p>Switch on Observe beside a resource to follow it here.</p>
        </div>
      )}
      {drawn.map(([path, series]) => {
        const value = store.values.value.get(path);
        const range = rangeOf(series);
        const type = value?.type ?? "float";
        const unit = unitText(unitsOf(path, value?.units, store.values.value));
        const purpose = purposeOf(parentOf(path, 2), store.values.value);
        const by = store.observedBy(path);
        return (
          <section class="card chart-card" key={path} aria-label={`${value?.name ?? "Value"} ${path}`}>
            <div class="chart-meta">
              <div>
                <h3>{value?.name ?? path}{purpose && <span class="muted"> {purpose}</span>}</h3>
                <div class="chart-now">{valueText(range?.last, type)}{unit && <small>{unit}</small>}</div>
              </div>
              <div class="chart-range">
                <div class="mono">{path}</div>
                {range && canDraw(type) && <div>{valueText(range.min, type)} to {valueText(range.max, type)}</div>}
                {by && <div>{plural(by.notifications, "notification")}</div>}
              </div>
            </div>
            <Chart series={series} label={value?.name ?? path} unit={unit} stepped={type !== "float"} height={150} />
          </section>
        );
      })}
      {others.map((o) => (
        <section class="card chart-card" key={o.paths?.join(" ") ?? o.path} aria-label={`${o.name ?? "Value"} ${o.path}`}>
          <div class="chart-meta">
            <h3>{o.name ?? (o.paths ? "Observed together" : o.path)}</h3>
            <span class="mono muted">{o.paths?.join(" ") ?? o.path}</span>
          </div>
          <p class="chart-text muted">
            {o.active ? plural(o.notifications, "notification") : "Being set up again"}
            {o.last_at && <>, last <Ago at={o.last_at} /></>}
          </p>
        </section>
      ))}
    </aside>
  );
}

/** The object to begin with: Device, else the first. */
export function defaultObject(objects: DeviceObject[]): number | undefined {
  return (objects.find((o) => o.object === 3) ?? objects[0])?.object;
}

export function DevicePage({ endpoint, object }: { endpoint: string; object: number | undefined }) {
  const store = useMemo(() => new DeviceStore(endpoint), [endpoint]);
  useEffect(() => {
    store.open();
    return () => store.close();
  }, [store]);

  const device = store.device.value;
  const shown = device ? object ?? defaultObject(device.objects) : undefined;
  useEffect(() => {
    if (shown !== undefined) void store.show(shown);
  }, [store, shown, device?.registration_id]);

  const found = device?.objects.find((o) => o.object === shown);
  const [creating, setCreating] = useState(false);
  const [dropping, setDropping] = useState(false);
  return (
    <>
      <nav class="crumbs" aria-label="Breadcrumb"><a href="#/devices">Devices</a><span aria-hidden="true">/</span><span>{endpoint}</span></nav>
      <div class="page-head">
        <h1>{endpoint}</h1>
        {device && !store.gone.value && <><StateBadge device={device} /><SecurityBadge security={device.security} /></>}
        {store.gone.value && <span class="badge bad"><span class="dot" />Not registered</span>}
        <div class="end">
          {device && !store.gone.value && (
            <button class="button danger" type="button" onClick={() => setDropping(true)}><Trash />Drop the registration</button>
          )}
          <a class="button" href={`#/events?endpoint=${encodeURIComponent(endpoint)}`}><Pulse />Events</a>
        </div>
      </div>
      {store.gone.value && !device && (
        <div class="card empty"><Chip /><h2>This device is not registered</h2><p>{store.gone.value}</p></div>
      )}
      {!device && !store.gone.value && <div class="card empty"><Spinner /></div>}
      {device && (
        <>
          <Facts device={device} />
          <div class="device-grid">
            <Objects device={device} selected={shown} />
            <div class="stack">
              <Waiting store={store} />
              {found?.instances.map((i) => <Instance key={i} store={store} object={found} instance={i} />)}
              {found && found.instances.length === 0 && (
                <div class="card empty"><h2>No instance of {found.name ?? `object ${found.object}`}</h2><p>The device knows this object but has none now.</p></div>
              )}
              {!found && <div class="card empty"><h2>This device has no object {shown}</h2></div>}
              {found && !FIXED.includes(found.object) && (
                <div><button class="button" type="button" onClick={() => setCreating(true)}><Plus />Add an instance</button></div>
              )}
            </div>
            <LiveCharts store={store} />
          </div>
        </>
      )}
      {creating && found && <CreateDialog store={store} object={found} onClose={() => setCreating(false)} />}
      {dropping && (
        <Confirm title={`Drop the registration of ${endpoint}?`}
          hint="The device is not told; it registers anew when its next update is refused."
          action="Drop" done="Registration dropped" detail={endpoint} failed="The registration could not be dropped"
          run={() => api.drop(endpoint)} onClose={() => setDropping(false)} onDone={() => setDropping(false)} />
      )}
    </>
  );
}

