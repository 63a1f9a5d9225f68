// SPDX-License-Identifier: Apache-2.0
// What the forms share: a field with its words, a text in it, and the question before something goes.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { fail, toast } from "../state/toasts";
import { Trash } from "./icons";
import { Dialog, Spinner } from "./parts";

interface FieldProps {
  id: string;
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: ComponentChildren;
}

export function Field({ id, label, hint, error, children }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {error ? <span class="error" id={`${id}-hint`} role="alert">{error}</span>
        : hint ? <span class="hint" id={`${id}-hint`}>{hint}</span> : null}
    </div>
  );
}

interface TextProps extends Omit<FieldProps, "children"> {
  value: string;
  onValue(text: string): void;
  required?: boolean;
  mono?: boolean;
  max?: number;
  placeholder?: string;
  readOnly?: boolean;
  /** What stands beside the input. */
  beside?: ComponentChildren;
}

export function TextField({ id, label, hint, error, value, onValue, required, mono, max, placeholder, readOnly, beside }: TextProps) {
  const input = (
    <input id={id} class={mono ? "input mono" : "input"} required={required} maxLength={max} placeholder={placeholder} value={value}
      readOnly={readOnly} autocomplete="off" spellcheck={false} aria-invalid={error !== undefined && error !== ""}
      aria-describedby={hint || error ? `${id}-hint` : undefined} onInput={(e) => onValue(e.currentTarget.value)} />
  );
  return <Field id={id} label={label} hint={hint} error={error}>{beside ? <div class="edit wide">{input}{beside}</div> : input}</Field>;
}

interface SelectProps<T extends string> extends Omit<FieldProps, "children"> {
  value: T;
  options: Record<T, string>;
  onValue(value: T): void;
}

export function SelectField<T extends string>({ id, label, hint, error, value, options, onValue }: SelectProps<T>) {
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      <select id={id} class="select" value={value} aria-describedby={hint || error ? `${id}-hint` : undefined}
        onChange={(e) => onValue(e.currentTarget.value as T)}>
        {(Object.entries(options) as [T, string][]).map(([key, text]) => <option key={key} value={key}>{text}</option>)}
      </select>
    </Field>
  );
}

interface ConfirmProps {
  title: string;
  hint: string;
  /** The word on the button. */
  action: string;
  done: string;
  detail: string;
  failed: string;
  run(): Promise<unknown>;
  onClose(): void;
  onDone(): void;
}

export function Confirm({ title, hint, action, done, detail, failed, run, onClose, onDone }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      await run();
      toast("ok", done, detail);
      onDone();
    } catch (e) {
      fail(failed, e);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} hint={hint} onClose={onClose} onSubmit={() => void go()}
      footer={<>
        <button class="button" type="button" onClick={onClose}>Cancel</button>
        <button class="button danger" type="submit" disabled={busy}>{busy ? <Spinner /> : <Trash />}{action}</button>
      </>} />
  );
}
