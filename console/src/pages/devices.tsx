// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import type { Device } from "../api/client";
import { plural } from "../format";
import { devices, followDevices, loadDevices, loading, loadMore, nextCursor, onlineOnly, search,
  total } from "../state/devices";
import { events } from "../state/live";
import { deviceHref } from "../state/router";
import { Chip, Lock, Moonlet, Pulse, Search } from "../ui/icons";
import { Ago, SecurityBadge, Spinner, StateBadge } from "../ui/parts";

const ROW = 49; /* pixels, with its border */
const OVERSCAN = 10;

/** Which rows of a long table are drawn. */
export function visibleRange(top: number, height: number, count: number): [number, number] {
  const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
  return [first, Math.min(count, Math.ceil((top + height) / ROW) + OVERSCAN)];
}

function Tiles() {
  const list = devices.value;
  const whole = nextCursor.value === null && search.value === "" && !onlineOnly.value;
  const online = list.filter((d) => d.online).length;
  const asleep = list.filter((d) => !d.online && d.queue_mode).length;
  const secured = list.filter((d) => d.security !== "nosec").length;
  const note = whole ? null : <small> of {list.length} shown</small>;
  const newest = events.value[0];
  return (
    <dl class="tiles" aria-label="Fleet">
      <div class="card tile"><dt><Chip />Devices</dt><dd>{total.value ?? "–"}</dd></div>
      <div class="card tile"><dt><Pulse />Online</dt><dd>{online}{note}</dd></div>
      <div class="card tile"><dt><Moonlet />Asleep</dt><dd>{asleep}{note}</dd></div>
      <div class="card tile"><dt><Lock />Secured</dt><dd>{secured}{note}</dd></div>
      <div class="card tile">
        <dt><Pulse />Last event</dt>
        <dd class="text">{newest ? <Ago at={newest.at} /> : "–"}</dd>
      </div>
    </dl>
  );
}

function DeviceRow({ device, index }: { device: Device; index: number }) {
  return (
    <tr class="row" aria-rowindex={index + 2}>
      <td>
        <a class="device-name" href={deviceHref(device.endpoint)} data-row={index}>{device.endpoint}</a>
      </td>
      <td><StateBadge device={device} /></td>
      <td><SecurityBadge security={device.security} /></td>
      <td><span class="num">LwM2M {device.version}</span> <span class="muted">{device.binding}{device.queue_mode ? ", queue" : ""}</span></td>
      <td class="mono muted">{device.address}</td>
      <td class="right num">{device.observations > 0 ? device.observations : <span class="muted">0</span>}</td>
      <td class="right"><Ago at={device.seen_at} /></td>
    </tr>
  );
}

/** Arrow keys go from row to row, as in every list. */
function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
  const link = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
  if (step === undefined || !link) return;
  const table = link.closest("table");
  const rows = [...(table?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const next = rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(link) + step))];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Table() {
  const list = devices.value;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<[number, number]>([0, 40]);

  const look = () => {
    const at = box.current;
    if (!at) return;
    const next = visibleRange(at.scrollTop, at.clientHeight, devices.value.length);
    setView((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
    if (next[1] >= devices.value.length - OVERSCAN) void loadMore();
  };
  useEffect(look, [list.length]);
  useEffect(() => {
    window.addEventListener("resize", look);
    return () => window.removeEventListener("resize", look);
  }, []);

  const [first, end] = [Math.min(view[0], list.length), Math.min(view[1], list.length)];
  const rows = nextCursor.value === null ? list.length + 1 : -1;
  return (
    <div class="card">
      <div class="scroller table-wrap" ref={box} onScroll={look} tabIndex={-1}>
        <table class="table" aria-rowcount={rows} onKeyDown={moveFocus}>
          <caption class="visually-hidden">Registered devices, sorted by endpoint name</caption>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">Endpoint</th>
              <th scope="col">State</th>
              <th scope="col">Security</th>
              <th scope="col">Protocol</th>
              <th scope="col">Address</th>
              <th scope="col" class="right">Observed</th>
              <th scope="col" class="right">Last seen</th>
            </tr>
          </thead>
          <tbody>
            {first > 0 && <tr class="pad-row" aria-hidden="true"><td colSpan={7} style={{ height: `${first * ROW}px` }} /></tr>}
            {list.slice(first, end).map((d, i) => <DeviceRow key={d.endpoint} device={d} index={first + i} />)}
            {end < list.length && <tr class="pad-row" aria-hidden="true"><td colSpan={7} style={{ height: `${(list.length - end) * ROW}px` }} /></tr>}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Nothing() {
  if (loading.value || total.value === undefined)
    return <div class="card empty"><Spinner /></div>;
  if (search.value !== "" || onlineOnly.value)
    return (
      <div class="card empty">
        <Search /><h2>No device matches</h2>
        <p>{plural(total.value, "device")} registered in all.</p>
        <button class="button" type="button" onClick={() => {
          search.value = "";
          onlineOnly.value = false;
          void loadDevices();
        }}>Clear the filter</button>
      </div>
    );
  return (
    <div class="card empty">
      <Chip /><h2>No device is registered yet</h2>
      <p>Give a device its credential, then let it register. It appears here at once.</p>
      <a class="button primary" href="#/credentials">Add a credential</a>
    </div>
  );
}

export function DevicesPage() {
  const field = useRef<HTMLInputElement>(null);
  const wait = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    void loadDevices();
    const off = followDevices();
    const slash = (e: KeyboardEvent) => {
      if (e.key !== "/" || (e.target as HTMLElement).closest("input, textarea, dialog")) return;
      e.preventDefault();
      field.current?.focus();
    };
    window.addEventListener("keydown", slash);
    return () => {
      off();
      window.removeEventListener("keydown", slash);
    };
  }, []);

  return (
    <>
      <div class="page-head">
        <h1>Devices</h1>
        <div class="end">
          <label class="search">
            <Search /><span class="visually-hidden">Filter by endpoint name</span>
            <input class="input" type="search" placeholder="Filter by endpoint ( / )" ref={field}
              value={search.value} aria-keyshortcuts="/"
              onInput={(e) => {
                search.value = e.currentTarget.value;
                clearTimeout(wait.current);
                wait.current = setTimeout(() => void loadDevices(), 200);
              }} />
          </label>
          <button class="chip" type="button" aria-pressed={onlineOnly.value} onClick={() => {
            onlineOnly.value = !onlineOnly.value;
            void loadDevices();
          }}>Online only</button>
        </div>
      </div>
      <Tiles />
      {devices.value.length === 0 ? <Nothing /> : <Table />}
      <p class="visually-hidden" role="status">
        {loading.value ? "Loading" : `${plural(devices.value.length, "device")} shown`}
      </p>
    </>
  );
}
