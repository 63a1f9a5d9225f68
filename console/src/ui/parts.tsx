// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Device } from "../api/client";
import { fullTime, relativeTime } from "../format";
import { nowMs } from "../state/clock";
import { dismiss, toasts } from "../state/toasts";
import { Alert, Check, Close, Lock, Moonlet, Unlock } from "./icons";

/** "12 s ago", kept up to date, with the exact time in the tooltip. */
export function Ago({ at }: { at: string | undefined | null }) {
  const iso = at ?? undefined;
  return <time dateTime={iso} title={fullTime(iso)}>{relativeTime(iso, nowMs.value)}</time>;
}

export function StateBadge({ device }: { device: Pick<Device, "online" | "queue_mode"> }) {
  if (device.online) return <span class="badge ok"><span class="dot" />Online</span>;
  if (device.queue_mode) return <span class="badge info"><Moonlet />Asleep</span>;
  return <span class="badge warn"><span class="dot" />Not answering</span>;
}

export function securityText(security: Device["security"]): string {
  return security === "psk" ? "DTLS, PSK" : security === "x509" ? "DTLS, certificate" : security === "oscore" ? "OSCORE" : "Not secured";
}

export function SecurityBadge({ security }: { security: Device["security"] }) {
  if (security === "nosec") return <span class="badge warn"><Unlock />Not secured</span>;
  return <span class="badge accent"><Lock />{securityText(security)}</span>;
}

export function Spinner() {
  return <span class="spinner" role="status"><span class="visually-hidden">Working</span></span>;
}

export function Toasts() {
  return (
    <div class="toasts" aria-live="polite" aria-relevant="additions">
      {toasts.value.map((t) => (
        <div class={`toast ${t.kind}`} key={t.id} role={t.kind === "error" ? "alert" : "status"}>
          {t.kind === "error" ? <Alert /> : <Check />}
          <div>
            <strong>{t.title}</strong>
            {t.detail !== "" && <p>{t.detail}</p>}
          </div>
          <button class="button icon small" type="button" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
            <Close />
          </button>
        </div>
      ))}
    </div>
  );
}

interface DialogProps {
  title: string;
  hint?: string;
  onClose(): void;
  onSubmit?(): void;
  children?: ComponentChildren;
  footer: ComponentChildren;
}

/** The browser's own modal dialog: it keeps the focus inside and closes on Escape. */
export function Dialog({ title, hint, onClose, onSubmit, children, footer }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog class="dialog" ref={ref} aria-labelledby="dialog-title" onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          onSubmit?.();
        }}
      >
        <header>
          <h2 id="dialog-title">{title}</h2>
          {hint && <p>{hint}</p>}
        </header>
        <div class="content">{children}</div>
        <footer>{footer}</footer>
      </form>
    </dialog>
  );
}
