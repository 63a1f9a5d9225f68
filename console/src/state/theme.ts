// SPDX-License-Identifier: Apache-2.0
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "tessera.theme";

export const theme = signal<Theme>("auto");
/** True while the page is shown dark, whoever decided so. */
export const dark = signal(false);

export function nextTheme(now: Theme): Theme {
  return now === "auto" ? "light" : now === "light" ? "dark" : "auto";
}

export function startTheme(): void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = localStorage.getItem(KEY);
  if (stored === "light" || stored === "dark") theme.value = stored;
  const apply = () => {
    dark.value = theme.value === "dark" || (theme.value === "auto" && system.matches);
  };
  system.addEventListener("change", apply);
  effect(() => {
    apply();
    if (theme.value === "auto") {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, theme.value);
      document.documentElement.dataset.theme = theme.value;
    }
  });
}
