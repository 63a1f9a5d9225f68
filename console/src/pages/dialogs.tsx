// SPDX-License-Identifier: Apache-2.0
// The dialogs of the device page: execute, attributes, history.
import { useEffect, useState } from "preact/hooks";
import { api, type Attributes, type Link, type Value } from "../api/client";
import { fullTime, plural, unitText, valueText } from "../format";
import { addPoint, canDraw, numberOf, type Row, type Series } from "../model";
import type { DeviceStore } from "../state/device";
import { fail } from "../state/toasts";
import { Chart } from "../ui/chart";
import { Dialog, Spinner } from "../ui/parts";

interface RowDialog {
  store: DeviceStore;
  row: Row;
  onClose(): void;
}

export function ExecuteDialog({ store, row, onClose }: RowDialog) {
  const [args, setArgs] = useState("");
  const busy = store.busy.value.has(row.path);
  return (
    <Dialog title={`Execute ${row.name}?`} hint={row.description || `${row.path} on ${store.endpoint}`}
      onClose={onClose}
      onSubmit={async () => {
        if (await store.execute(row, args)) onClose();
      }}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy}>{busy ? <Spinner /> : null}Execute</button>
      </>}>
      <div class="field">
        <label for="args">Arguments</label>
        <input id="args" class="input mono" value={args} placeholder="none" autocomplete="off"
          onInput={(e) => setArgs(e.currentTarget.value)} />
        <span class="hint">Optional: digits with an optional text each, like 0='left',1</span>
      </div>
    </Dialog>
  );
}

const FIELDS: { key: keyof Attributes & string; label: string; hint: string; numeric?: boolean }[] = [
  { key: "pmin", label: "Minimum period (s)", hint: "Notify no sooner than this" },
  { key: "pmax", label: "Maximum period (s)", hint: "Notify at the latest after this" },
  { key: "gt", label: "Above", hint: "Notify when this is crossed", numeric: true },
  { key: "lt", label: "Below", hint: "Notify when this is crossed", numeric: true },
  { key: "st", label: "Step", hint: "Notify on a change by this much", numeric: true },
];

/** What changed between the form and what the device has: numbers set, null clears. */
export function attributeChanges(
  before: Record<string, string>,
  after: Record<string, string>,
): Attributes {
  const changes: Record<string, number | null> = {};
  for (const [key, text] of Object.entries(after)) {
    const old = before[key] ?? "";
    if (text.trim() === old) continue;
    changes[key] = text.trim() === "" ? null : Number(text);
  }
  return changes as Attributes;
}

export function attributesOf(link: Link | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(link?.attributes ?? {}))
    if (typeof value === "string") out[key] = value;
  return out;
}

export function AttributesDialog({ store, row, onClose }: RowDialog) {
  const before = attributesOf(store.links.value.get(row.path));
  const [form, setForm] = useState<Record<string, string>>(before);
  const changes = attributeChanges(before, form);
  const none = Object.keys(changes).length === 0;
  const fields = FIELDS.filter((f) => !f.numeric || canDraw(row.type));
  return (
    <Dialog title={`Notification attributes`} hint={`${row.name} (${row.path})`} onClose={onClose}
      onSubmit={async () => {
        if (none) onClose();
        else if (await store.setAttributes(row.path, changes)) onClose();
      }}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={none || store.busy.value.has(row.path)}>Set</button>
      </>}>
      <div class="fields-2">
        {fields.map((f) => (
          <div class="field" key={f.key}>
            <label for={`attr-${f.key}`}>{f.label}</label>
            <input id={`attr-${f.key}`} class="input num" type="number" step={f.numeric ? "any" : "1"}
              min={f.key === "gt" || f.key === "lt" ? undefined : "0"} value={form[f.key] ?? ""} placeholder="not set"
              aria-describedby={`hint-${f.key}`}
              onInput={(e) => setForm({ ...form, [f.key]: e.currentTarget.value })} />
            <span class="hint" id={`hint-${f.key}`}>{f.hint}</span>
          </div>
        ))}
      </div>
      <p class="muted">Empty fields clear the attribute on the device.</p>
    </Dialog>
  );
}

export function HistoryDialog({ store, row, onClose }: RowDialog) {
  const [values, setValues] = useState<Value[] | undefined>(undefined);
  useEffect(() => {
    api.history(store.endpoint, row.path, 500)
      .then((r) => setValues(r.values))
      .catch((error: unknown) => {
        fail("The history could not be loaded", error);
        setValues([]);
      });
  }, []);
  let series: Series = { t: [], v: [] };
  for (const v of values ?? []) {
    const n = numberOf(v);
    const at = Date.parse(v.measured_at ?? v.received_at ?? "");
    if (n !== undefined && !Number.isNaN(at)) series = addPoint(series, at / 1000, n);
  }
  return (
    <Dialog title={`History of ${row.name}`} hint={values ? plural(values.length, "value") : "Loading"}
      onClose={onClose}
      footer={<button class="button" type="button" onClick={onClose}>Close</button>}>
      {values === undefined && <Spinner />}
      {series.t.length > 1 && <Chart series={series} label={row.name} unit={unitText(row.units)} stepped={row.type !== "float"} />}
      {values !== undefined && values.length > 0 && (
        <div class="table-wrap" style={{ maxHeight: "260px" }} tabIndex={0} role="region" aria-label="Values">
          <table class="table event-table">
            <thead><tr><th scope="col">Received</th><th scope="col">Value</th></tr></thead>
            <tbody>
              {[...values].reverse().map((v, i) => (
                <tr key={`${v.received_at}-${i}`}>
                  <td class="muted num">{fullTime(v.received_at)}</td>
                  <td class="value">{valueText(v.value, v.type)} <span class="unit">{unitText(row.units)}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {values?.length === 0 && <p class="muted">Nothing is kept yet. Values are kept when they are read or observed.</p>}
    </Dialog>
  );
}
