// SPDX-License-Identifier: Apache-2.0
// The audit log, newest first: what was done, and what peers were refused.
import { useEffect, useState } from "preact/hooks";
import { api, type AuditEntry } from "../api/client";
import { fullTime } from "../format";
import { onEvents } from "../state/live";
import { onboardingHref } from "../state/router";
import { fail } from "../state/toasts";
import { Refresh } from "../ui/icons";

const isGuid = (text: string) => /^[0-9a-f]{32}$/.test(text);

function About({ of }: { of: string }) {
  if (isGuid(of)) return <a class="mono" href={onboardingHref(of)}>{of}</a>;
  return <span class="mono">{of}</span>;
}

export function AuditPage() {
  const [refused, setRefused] = useState(false);
  const [list, setList] = useState<AuditEntry[]>([]);
  const [next, setNext] = useState<string | null>(null);

  const load = async (cursor?: string) => {
    try {
      const page = await api.audit(refused, cursor);
      setList((old) => (cursor === undefined ? page.items : [...old, ...page.items]));
      setNext(page.next);
    } catch (e) {
      fail("The audit log could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    return onEvents((events) => {
      if (events.some((e) => e.type.startsWith("fdo-") || e.type === "credential")) void load();
    });
  }, [refused]);

  return (
    <>
      <div class="page-head"><h1>Audit</h1>
        <div class="end"><button class="button" type="button" onClick={() => void load()}><Refresh />Load anew</button></div>
      </div>
      <div class="chips" role="group" aria-label="Books" style={{ marginBottom: "14px" }}>
        <button class="chip" type="button" aria-pressed={!refused} onClick={() => setRefused(false)}>What was done</button>
        <button class="chip" type="button" aria-pressed={refused} onClick={() => setRefused(true)}>What peers were refused</button>
      </div>
      {list.length === 0 ? <div class="card empty"><h2>Nothing yet</h2></div> : (
        <div class="card table-wrap">
          <table class="table event-table">
            <caption class="visually-hidden">Entries of the audit log, newest first</caption>
            <thead><tr><th scope="col">Time</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">About</th><th scope="col">Detail</th></tr></thead>
            <tbody>
              {list.map((e) => (
                <tr class="row" key={e.id}>
                  <td class="time"><time dateTime={e.at}>{fullTime(e.at)}</time></td>
                  <td class="mono">{e.who}</td>
                  <td><span class={refused || e.detail.startsWith("refused") ? "badge bad" : "badge"}>{e.what}</span></td>
                  <td class="what"><About of={e.about} /></td>
                  <td class="what">{e.detail}{e.left_out ? ` (and ${e.left_out} before it that were not written down)` : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show older ones</button></p>}
    </>
  );
}
