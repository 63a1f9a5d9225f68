// SPDX-License-Identifier: Apache-2.0
// One resource of an instance: its value and what can be done with it.
import { useEffect, useRef, useState } from "preact/hooks";
import { unitText, valueText } from "../format";
import { parseInput, type Row } from "../model";
import type { DeviceStore } from "../state/device";
import { Check, Clock, Close, Pencil, Play, Refresh, Sliders } from "../ui/icons";
import { Spinner } from "../ui/parts";
import { AttributesDialog, ExecuteDialog, HistoryDialog } from "./dialogs";

interface ResourceProps {
  store: DeviceStore;
  row: Row;
}

interface EditorProps extends ResourceProps {
  path: string;
  start: string;
  onDone(): void;
}

function Editor({ store, row, path, start, onDone }: EditorProps) {
  const [text, setText] = useState(start);
  const [error, setError] = useState("");
  const field = useRef<HTMLInputElement & HTMLSelectElement>(null);
  const busy = store.busy.value.has(path);
  const label = `New value of ${row.name}`;

  useEffect(() => {
    field.current?.focus();
    if (row.type !== "boolean") field.current?.select();
  }, []);
  const save = async () => {
    const parsed = parseInput(text, row.type);
    if (!parsed.ok) {
      setError(parsed.error);
      field.current?.focus();
      return;
    }
    setError("");
    if (await store.write(path, parsed.value)) onDone();
  };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void save(); }}
      onKeyDown={(e) => { if (e.key === "Escape") { e.stopPropagation(); onDone(); } }}>
      <div class="edit">
        {row.type === "boolean" ? (
          <select class="select" aria-label={label} ref={field} value={text}
            onChange={(e) => setText(e.currentTarget.value)}>
            <option value="true">true</option><option value="false">false</option>
          </select>
        ) : (
          <input class="input mono" aria-label={label} ref={field} value={text} autocomplete="off"
            inputMode={row.type === "float" || row.type === "integer" ? "decimal" : "text"}
            aria-invalid={error !== ""} aria-describedby={error ? `error-${path}` : undefined}
            onInput={(e) => setText(e.currentTarget.value)} />
        )}
        <button class="button primary small icon" type="submit" disabled={busy} aria-label="Write" title="Write (Enter)">
          {busy ? <Spinner /> : <Check />}
        </button>
        <button class="button small icon" type="button" aria-label="Cancel" title="Cancel (Esc)" onClick={onDone}><Close /></button>
      </div>
      {error && <div class="field"><span class="error" id={`error-${path}`} role="alert">{error}</span></div>}
      {!error && row.range && <div class="field"><span class="hint">Range: {row.range}</span></div>}
    </form>
  );
}

/** What the editor begins with. */
function startOf(row: Row): string {
  const value = row.values[0]?.value.value;
  if (value === undefined || value === null) return row.type === "boolean" ? "true" : "";
  if (typeof value === "boolean") return String(!value); // what one wants to write is the other one
  return String(value);
}

function ValueCell({ row, flash }: { row: Row; flash: number | undefined }) {
  if (row.values.length === 0) return <span class="muted">{row.readable ? "–" : ""}</span>;
  const unit = unitText(row.units);
  return (
    <div class={`value-list value ${flash ? "flash" : ""}`} key={flash}>
      {row.values.map(({ ri, value }) => (
        <div key={ri ?? -1} title={typeof value.value === "string" ? value.value : undefined}>
          {ri !== undefined && <span class="ri">{ri}</span>}
          {valueText(value.value, value.type)}
          {unit && value.value !== null && <span class="unit">{unit}</span>}
        </div>
      ))}
    </div>
  );
}

/** Shows at once what was asked for; the device may take a while. */
function ObserveSwitch({ store, row }: ResourceProps) {
  const [wanted, setWanted] = useState<boolean | undefined>(undefined);
  const observation = store.observedBy(row.path);
  const inherited = observation !== undefined && observation.path !== row.path;
  return (
    <label class="toggle" title={inherited ? `Observed with ${observation.path}` : "Observe"}>
      <input type="checkbox" role="switch" checked={wanted ?? observation !== undefined}
        disabled={wanted !== undefined || inherited}
        onChange={async (e) => {
          const on = e.currentTarget.checked;
          setWanted(on);
          await store.observe(row.path, on);
          setWanted(undefined);
        }} />
      <span class="visually-hidden">Observe {row.name}</span>
    </label>
  );
}

type Open = "edit" | "execute" | "attributes" | "history" | undefined;

export function Resource({ store, row }: ResourceProps) {
  const [open, setOpen] = useState<Open>(undefined);
  const busy = store.busy.value.has(row.path);
  const close = () => setOpen(undefined);
  const flash = store.changed.value.get(row.path);
  // A multiple resource is edited one instance at a time; the first one is what a click edits.
  const target = row.multiple ? row.values[0]?.value.path ?? `${row.path}/0` : row.path;

  return (
    <tr class="row">
      <td class="id">{row.path}</td>
      <td class="resource-name" title={row.description}>{row.name}</td>
      <td>
        {open === "edit"
          ? <Editor store={store} row={row} path={target} start={startOf(row)} onDone={close} />
          : <ValueCell row={row} flash={flash} />}
      </td>
      <td>
        {row.readable && <ObserveSwitch store={store} row={row} />}
      </td>
      <td>
        <div class="actions">
          {row.readable && (
            <button class="button small icon" type="button" disabled={busy} title="Read"
              aria-label={`Read ${row.name}`} onClick={() => void store.read(row.path)}>
              {busy ? <Spinner /> : <Refresh />}
            </button>
          )}
          {row.writable && (
            <button class="button small icon" type="button" title="Write" aria-label={`Write ${row.name}`}
              onClick={() => setOpen("edit")}><Pencil /></button>
          )}
          {row.readable && (
            <>
              <button class="button small icon" type="button" title="Attributes"
                aria-label={`Attributes of ${row.name}`} onClick={() => setOpen("attributes")}><Sliders /></button>
              <button class="button small icon" type="button" title="History"
                aria-label={`History of ${row.name}`} onClick={() => setOpen("history")}><Clock /></button>
            </>
          )}
          {row.executable && (
            <button class="button small" type="button" aria-label={`Execute ${row.name}`}
              onClick={() => setOpen("execute")}><Play />Execute</button>
          )}
        </div>
        {open === "execute" && <ExecuteDialog store={store} row={row} onClose={close} />}
        {open === "attributes" && <AttributesDialog store={store} row={row} onClose={close} />}
        {open === "history" && <HistoryDialog store={store} row={row} onClose={close} />}
      </td>
    </tr>
  );
}
