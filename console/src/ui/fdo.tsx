// SPDX-License-Identifier: Apache-2.0
// What the pages of FIDO Device Onboard share.
import type { FdoDevice, FdoKey } from "../api/client";
import { failureOf, isRunning, stepsOf } from "../fdo";
import { fullTime } from "../format";
import { isGuid, reasonOf } from "../plan";
import { groupHref } from "../state/router";

export function KeyBadge({ of }: { of: FdoKey | undefined }) {
  if (!of) return <span class="muted">unreadable</span>;
  return <span class="badge" title={`Known by the hash of its key: ${of.mark}`}>{of.type} <span class="mono">{of.mark}</span></span>;
}

export function FdoState({ of }: { of: FdoDevice }) {
  const failure = failureOf(of);
  if (of.state === "replaced") return <span class="badge">Replaced</span>;
  if (failure) return <span class="badge bad"><span class="dot" />Failed</span>;
  if (isRunning(of)) return <span class="badge info"><span class="dot" />Onboarding</span>;
  if (of.state === "onboarded") return <span class="badge ok"><span class="dot" />Onboarded</span>;
  return <span class="badge warn"><span class="dot" />{of.state === "manufactured" ? "Manufactured" : of.state === "imported" ? "Imported" : "Extended"}</span>;
}

/** Which plan the device gets, and why. */
export function PlanOf({ of }: { of: FdoDevice }) {
  const { plan } = of;
  if (!plan) return <span class="muted">another owner's</span>;
  if (plan.name === null) return <span class="muted">none: {reasonOf(plan)}</span>;
  const name = plan.by === "group" || (plan.by === "device_info" && !isGuid(plan.name) && plan.name !== "default")
    ? <a href={groupHref(plan.name)}>{plan.name}</a> : <span class="mono">{plan.by === "guid" ? "its own" : plan.name}</span>;
  return <span class="prose">{plan.missing ? <><span class="badge bad">No plan</span> </> : null}{name} <span class="muted">({reasonOf(plan)})</span></span>;
}

/** One after the other, done or to come. */
export function Stages({ of, registeredAt }: { of: FdoDevice; registeredAt?: string | undefined }) {
  return (
    <ol class="stages" aria-label="Stages">
      {stepsOf(of, registeredAt).map((s) => (
        <li key={s.stage} class={s.at ? "done" : ""} title={s.at ? `${fullTime(s.at)} ${s.detail}`.trim() : "not yet"}>
          {s.label}<span class="visually-hidden">{s.at ? ": done" : ": not yet"}</span>
        </li>
      ))}
    </ol>
  );
}
