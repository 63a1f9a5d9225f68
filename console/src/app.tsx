// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api, setToken, tokenNeeded, type Operator } from "./api/client";
import { AuditPage } from "./pages/audit";
import { BootstrapPage } from "./pages/bootstrap";
import { CredentialsPage } from "./pages/credentials";
import { DevicePage } from "./pages/device";
import { DevicesPage } from "./pages/devices";
import { EventsPage } from "./pages/events";
import { GroupPage } from "./pages/groups";
import { OnboardingPage } from "./pages/onboarding";
import { VoucherPage } from "./pages/voucher";
import { connection, retryLive } from "./state/live";
import { route } from "./state/router";
import { nextTheme, theme } from "./state/theme";
import { Auto, Logo, Moon, Sun } from "./ui/icons";
import { Dialog, Toasts } from "./ui/parts";

function LiveBadge() {
  const state = connection.value;
  const [tone, text] = state === "live" ? ["live-on", "Live"]
    : state === "connecting" ? ["live-wait", "Connecting"] : ["live-off", "Server unreachable"];
  return <span class={`live ${tone}`} role="status"><span class="dot" aria-hidden="true" /><span class="text">{text}</span></span>;
}

/** Whose token this is, where tokens have names. */
function OperatorBadge() {
  const [operator, setOperator] = useState<Operator | undefined>(undefined);
  useEffect(() => {
    api.operator().then(setOperator).catch(() => undefined); // without a token, that is asked for elsewhere
  }, []);
  if (!operator?.name) return null;
  return (
    <span class="badge" title="Changes stand under this name in the audit log">
      <span class="visually-hidden">Operator: </span>{operator.name}{operator.role === "read" && <>, read only</>}
    </span>
  );
}

function ThemeButton() {
  const now = theme.value;
  const names = { auto: "as the system", light: "light", dark: "dark" };
  const label = `Colours: ${names[now]}. Switch to ${names[nextTheme(now)]}`;
  return (
    <button class="button icon" type="button" aria-label={label} title={label} onClick={() => { theme.value = nextTheme(now); }}>
      {now === "auto" ? <Auto /> : now === "light" ? <Sun /> : <Moon />}
    </button>
  );
}

function TokenDialog() {
  const [text, setText] = useState("");
  return (
    <Dialog title="This server asks for a token" hint="It is kept for this browser tab only." onClose={() => { tokenNeeded.value = false; }}
      onSubmit={() => {
        setToken(text.trim());
        retryLive();
        window.location.reload();
      }}
      footer={<button class="button primary" type="submit" disabled={text.trim() === ""}>Continue</button>}>
      <div class="field">
        <label for="token">Token</label>
        <input id="token" class="input mono" type="password" autocomplete="current-password" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        <span class="hint">Yours, from the token file that the server was started with.</span>
      </div>
    </Dialog>
  );
}

function Page() {
  const at = route.value;
  switch (at.page) {
    case "devices":
      return <DevicesPage />;
    case "device":
      return <DevicePage key={at.endpoint} endpoint={at.endpoint} object={at.object} />;
    case "events":
      return <EventsPage endpoint={at.endpoint} />;
    case "credentials":
      return <CredentialsPage />;
    case "bootstrap":
      return <BootstrapPage />;
    case "onboarding":
      return <OnboardingPage />;
    case "voucher":
      return <VoucherPage key={at.guid} guid={at.guid} />;
    case "group":
      return <GroupPage key={at.name} name={at.name} />;
    case "audit":
      return <AuditPage />;
    default:
      return <div class="card empty"><h2>There is no such page</h2><p><a href="#/devices">Go to the devices</a></p></div>;
  }
}

export function App() {
  const at = route.value.page;
  const current = (here: boolean) => (here ? ("page" as const) : undefined);
  return (
    <>
      <a class="skip-link" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <header class="topbar">
        <a class="brand" href="#/devices" aria-label="Tessera, to the devices"><Logo /><span>Tessera</span></a>
        <nav aria-label="Main">
          <a href="#/devices" aria-current={current(at === "devices" || at === "device")}>Devices</a>
          <a href="#/events" aria-current={current(at === "events")}>Events</a>
          <a href="#/credentials" aria-current={current(at === "credentials")}>Credentials</a>
          <a href="#/bootstrap" aria-current={current(at === "bootstrap")}>Bootstrap</a>
          <a href="#/onboarding" aria-current={current(at === "onboarding" || at === "voucher" || at === "group")}>Onboarding</a>
          <a href="#/audit" aria-current={current(at === "audit")}>Audit</a>
        </nav>
        <div class="end"><OperatorBadge /><LiveBadge /><ThemeButton /></div>
      </header>
      <main class="page" id="main" tabIndex={-1}><Page /></main>
      {tokenNeeded.value && <TokenDialog />}
      <Toasts />
    </>
  );
}
