// SPDX-License-Identifier: Apache-2.0
// One clock for all relative times of the page.
import { signal } from "@preact/signals";

export const nowMs = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1000);
}
