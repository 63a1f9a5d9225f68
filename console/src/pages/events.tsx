// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import type { ApiEvent } from "../api/client";
import { isFdoEvent } from "../fdo";
import { clock, fullTime, unitText, valueText } from "../format";
import { events } from "../state/live";
import { deviceHref, onboardingHref } from "../state/router";
import { Pause, Play, Pulse, Search } from "../ui/icons";

const KINDS: { label: string; types: ApiEvent["type"][] }[] = [
  { label: "Registrations", types: ["registered", "updated", "deregistered", "expired", "online", "offline"] },
  { label: "Notifications", types: ["notification", "sent"] },
  { label: "Operations", types: ["response", "observing", "observe-ended", "request"] },
  { label: "Failures", types: ["failure", "refused"] },
  { label: "Credentials", types: ["credential"] },
  { label: "Bootstrap", types: ["bootstrap-started", "bootstrap-finished", "bootstrap-failed"] },
  { label: "Onboarding", types: ["fdo-made", "fdo-imported", "fdo-extended", "fdo-announced", "fdo-accepted", "fdo-redirected", "fdo-proved",
    "fdo-onboarded", "fdo-replaced", "fdo-failed"] },
];

export function toneOf(type: ApiEvent["type"]): string {
  switch (type) {
    case "registered":
    case "online":
    case "bootstrap-finished":
    case "fdo-onboarded":
      return "ok";
    case "failure":
    case "refused":
    case "bootstrap-failed":
    case "fdo-failed":
      return "bad";
    case "deregistered":
    case "expired":
    case "offline":
    case "observe-ended":
      return "warn";
    case "notification":
    case "sent":
      return "accent";
    case "response":
    case "observing":
    case "bootstrap-started":
    case "fdo-proved":
    case "fdo-redirected":
      return "info";
    default:
      return "";
  }
}

/** The event in words, without its endpoint. */
export function describe(event: ApiEvent): string {
  const parts: string[] = [];
  if (event.operation) parts.push(event.operation.replace("-", " "));
  if (event.path) parts.push(event.path);
  if (event.coap_code) parts.push(event.coap_code);
  const values = event.values ?? [];
  const shown = values.slice(0, 3).map((v) => {
    const unit = unitText(v.units);
    return `${v.name ?? v.path} = ${valueText(v.value, v.type)}${unit ? ` ${unit}` : ""}`;
  });
  if (shown.length > 0) parts.push(shown.join(", ") + (values.length > 3 ? `, and ${values.length - 3} more` : ""));
  if (event.detail) parts.push(event.detail);
  return parts.join("  ·  ");
}

export function filterEvents(
  list: ApiEvent[],
  kinds: ReadonlySet<string>,
  text: string,
  endpoint: string | undefined,
): ApiEvent[] {
  const types = new Set(KINDS.filter((k) => kinds.has(k.label)).flatMap((k) => k.types));
  const wanted = text.toLowerCase();
  return list.filter((e) =>
    (endpoint === undefined || e.endpoint === endpoint) &&
    (types.size === 0 || types.has(e.type)) &&
    (wanted === "" || `${e.endpoint} ${e.type} ${describe(e)}`.toLowerCase().includes(wanted)));
}

const SHOWN = 250;

export function EventsPage({ endpoint }: { endpoint: string | undefined }) {
  const [kinds, setKinds] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState("");
  const [frozen, setFrozen] = useState<ApiEvent[] | undefined>(undefined);
  const list = filterEvents(frozen ?? events.value, kinds, text, endpoint);
  const behind = frozen ? events.value.filter((e) => e.id > (frozen[0]?.id ?? 0)).length : 0;

  const flip = (label: string) => {
    const next = new Set(kinds);
    if (!next.delete(label)) next.add(label);
    setKinds(next);
  };
  return (
    <>
      <div class="page-head">
        <h1>Events</h1>
        {endpoint !== undefined && (
          <span class="badge info">{endpoint}<a href="#/events" aria-label="Show the events of all devices">×</a></span>
        )}
        <div class="end">
          <label class="search">
            <Search /><span class="visually-hidden">Filter events by text</span>
            <input class="input" type="search" placeholder="Filter by text" value={text}
              onInput={(e) => setText(e.currentTarget.value)} />
          </label>
          <button class="button" type="button" aria-pressed={frozen !== undefined}
            onClick={() => setFrozen(frozen ? undefined : events.value)}>
            {frozen ? <><Play />Resume{behind > 0 ? ` (${behind} new)` : ""}</> : <><Pause />Pause</>}
          </button>
        </div>
      </div>
      <div class="chips" role="group" aria-label="Kinds of events" style={{ marginBottom: "14px" }}>
        {KINDS.map((k) => (
          <button class="chip" type="button" key={k.label} aria-pressed={kinds.has(k.label)} onClick={() => flip(k.label)}>{k.label}</button>
        ))}
      </div>
      {list.length === 0 ? (
        <div class="card empty"><Pulse /><h2>No event yet</h2><p>What happens with your devices appears here as it happens.</p></div>
      ) : (
        <div class="card table-wrap">
          <table class="table event-table">
            <caption class="visually-hidden">Events, newest first</caption>
            <thead><tr><th scope="col">Time</th><th scope="col">Event</th><th scope="col">Device</th><th scope="col">What</th></tr></thead>
            <tbody>
              {list.slice(0, SHOWN).map((e) => (
                <tr class="row" key={e.id}>
                  <td class="time"><time dateTime={e.at} title={fullTime(e.at)}>{clock(e.at)}</time></td>
                  <td><span class={`badge ${toneOf(e.type)}`}>{e.type.replace("-", " ")}</span></td>
                  <td>{e.endpoint ? <a href={isFdoEvent(e) ? onboardingHref(e.endpoint) : deviceHref(e.endpoint)}>{e.endpoint}</a> : <span class="muted">unknown</span>}</td>
                  <td class="what">{describe(e)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="visually-hidden" role="status">{frozen ? `Paused, ${behind} new events` : ""}</p>
    </>
  );
}
