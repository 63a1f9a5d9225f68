// SPDX-License-Identifier: Apache-2.0
import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { startClock } from "./state/clock";
import { startLive } from "./state/live";
import { route, startRouter } from "./state/router";
import { startTheme } from "./state/theme";
import "./style.css";

startTheme();
startRouter();
startClock();
void startLive();

effect(() => {
  const at = route.value;
  const name = at.page === "device" ? at.endpoint
    : at.page === "unknown" ? "Not found" : at.page[0]!.toUpperCase() + at.page.slice(1);
  document.title = `${name} · Tessera`;
});

const root = document.getElementById("app");
if (root) render(<App />, root);
