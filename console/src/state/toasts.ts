// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { ApiProblem } from "../api/client";

export interface Toast {
  id: number;
  kind: "error" | "ok";
  title: string;
  detail: string;
}

export const toasts = signal<Toast[]>([]);
let last = 0;

const OK_MS = 4000;

export function toast(kind: Toast["kind"], title: string, detail = ""): number {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, kind, title, detail }];
  // An error stays until it was dismissed: nobody reads at a fixed speed.
  if (kind === "ok") setTimeout(() => dismiss(id), OK_MS);
  return id;
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

/** Shows why something failed, in the server's words where it has some. */
export function fail(what: string, error: unknown): void {
  if (error instanceof ApiProblem) {
    const code = error.problem.coap_code ? ` (device answered ${error.problem.coap_code})` : "";
    toast("error", `${what}: ${error.problem.title}${code}`, error.problem.detail ?? "");
  } else {
    toast("error", what, error instanceof Error ? error.message : String(error));
  }
}
