// SPDX-License-Identifier: Apache-2.0
// Instances of an object that come and go by the server's will.
import { useState } from "preact/hooks";
import type { DeviceObject, Model, ModelResource, NewValue } from "../api/client";
import { unitText } from "../format";
import { parseInput } from "../model";
import type { DeviceStore } from "../state/device";
import { Field, TextField } from "../ui/form";
import { Plus } from "../ui/icons";
import { Dialog, Spinner } from "../ui/parts";

export interface NewInstance {
  instance: number | undefined;
  values: NewValue[];
}

/** What a person may give a new instance: writable, and one value each. */
export function fieldsOf(model: Model | undefined): ModelResource[] {
  return (model?.resources ?? []).filter((r) => r.operations.includes("W") && !r.multiple);
}

/** The new instance, or which fields are wrong: "instance", or a resource's number. */
export function newInstance(object: number, instance: string, texts: Readonly<Record<number, string>>,
  fields: readonly ModelResource[]): { made: NewInstance } | { errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const number = instance.trim();
  if (number !== "" && (!/^\d+$/.test(number) || Number(number) > 65534)) errors["instance"] = "Enter a number from 0 to 65534, or nothing.";
  const values: NewValue[] = [];
  for (const field of fields) {
    const text = texts[field.id] ?? "";
    if (text === "") {
      if (field.mandatory) errors[field.id] = "The object requires this.";
      continue;
    }
    const parsed = parseInput(text, field.type);
    if (parsed.ok) values.push({ path: `/${object}/${number === "" ? 65535 : Number(number)}/${field.id}`, value: parsed.value });
    else errors[field.id] = parsed.error;
  }
  if (Object.keys(errors).length > 0) return { errors };
  return { made: { instance: number === "" ? undefined : Number(number), values } };
}

export function CreateDialog({ store, object, onClose }: { store: DeviceStore; object: DeviceObject; onClose(): void }) {
  const [instance, setInstance] = useState("");
  const [texts, setTexts] = useState<Record<number, string>>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const fields = fieldsOf(store.model.value);
  const busy = store.busy.value.has(`/${object.object}`);
  const set = (id: number, text: string) => {
    setTexts({ ...texts, [id]: text });
    setErrors({ ...errors, [id]: "" });
  };

  const create = async () => {
    const read = newInstance(object.object, instance, texts, fields);
    if ("errors" in read) {
      setErrors(read.errors);
      return;
    }
    if (await store.create(object.object, read.made)) onClose();
  };
  return (
    <Dialog title={`Add an instance of ${object.name ?? `object ${object.object}`}`} hint={`/${object.object} on ${store.endpoint}`} onClose={onClose}
      onSubmit={() => void create()}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button primary" type="submit" disabled={busy}>{busy ? <Spinner /> : <Plus />}Create</button>
      </>}>
      <TextField id="n-instance" label="Instance number" value={instance} error={errors["instance"]} placeholder="the device chooses"
        onValue={(text) => { setInstance(text); setErrors({ ...errors, instance: "" }); }} />
      {fields.map((f) => f.type === "boolean" ? (
        <Field key={f.id} id={`n-${f.id}`} label={f.name} error={errors[f.id]}>
          <select id={`n-${f.id}`} class="select" value={texts[f.id] ?? ""} onChange={(e) => set(f.id, e.currentTarget.value)}>
            <option value="">not given</option><option value="true">true</option><option value="false">false</option>
          </select>
        </Field>
      ) : (
        <TextField key={f.id} id={`n-${f.id}`} label={f.units ? `${f.name} (${unitText(f.units)})` : f.name} mono value={texts[f.id] ?? ""}
          error={errors[f.id]} placeholder={f.mandatory ? "required" : "not given"} hint={f.range ? `Range: ${f.range}` : undefined}
          onValue={(text) => set(f.id, text)} />
      ))}
      {fields.length === 0 && <p class="muted">No model tells of resources to give; the device begins with its own values.</p>}
    </Dialog>
  );
}
