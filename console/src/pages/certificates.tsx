// SPDX-License-Identifier: Apache-2.0
// Certificates that devices enrolled for at this server, and taking them back.
import { useEffect, useState } from "preact/hooks";
import { api, type Certificate } from "../api/client";
import { fullTime } from "../format";
import { nowMs } from "../state/clock";
import { onEvents } from "../state/live";
import { deviceHref } from "../state/router";
import { fail } from "../state/toasts";
import { Confirm } from "../ui/form";
import { Trash } from "../ui/icons";
import { Ago } from "../ui/parts";

/** Groups of four digits, as serial numbers are read aloud. */
export function serialText(serial: string): string {
  return serial.match(/.{1,4}/g)?.join(" ") ?? serial;
}

function State({ of }: { of: Certificate }) {
  if (of.revoked_at) return <span class="badge bad"><span class="dot" />Revoked <Ago at={of.revoked_at} /></span>;
  if (Date.parse(of.not_after) < nowMs.value) return <span class="badge"><span class="dot" />Over</span>;
  return <span class="badge ok"><span class="dot" />Valid</span>;
}

export function Certificates() {
  const [list, setList] = useState<Certificate[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<Certificate | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await api.certificates(cursor);
      setList((old) => (cursor === undefined ? page.items : [...old, ...page.items]));
      setNext(page.next);
    } catch (e) {
      fail("The certificates could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    return onEvents((events) => {
      if (events.some((e) => e.type === "credential")) void load();
    });
  }, []);
  const done = () => {
    setRevoking(undefined);
    void load();
  };

  if (list.length === 0) return null;
  return (
    <>
      <div class="page-head section"><h2>Certificates</h2></div>
      <div class="card table-wrap">
        <table class="table">
          <caption class="visually-hidden">Certificates that devices enrolled for</caption>
          <thead><tr><th scope="col">Device</th><th scope="col">Serial number</th><th scope="col">Asked for with</th><th scope="col">Valid until</th><th scope="col">State</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
          <tbody>
            {list.map((c) => (
              <tr class="row" key={c.serial}>
                <td><a class="device-name" href={deviceHref(c.endpoint)}>{c.endpoint}</a></td>
                <td class="mono">{serialText(c.serial)}</td>
                <td class="mono muted">{c.requested_by}</td>
                <td class="num">{fullTime(c.not_after)}</td>
                <td><State of={c} /></td>
                <td class="right">
                  {!c.revoked_at && (
                    <button class="button small danger" type="button" aria-label={`Revoke the certificate ${c.serial} of ${c.endpoint}`}
                      onClick={() => setRevoking(c)}><Trash />Revoke</button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more certificates</button></p>}
      {revoking && (
        <Confirm title={`Revoke the certificate of ${revoking.endpoint}?`}
          hint={`Serial number ${serialText(revoking.serial)}. It opens no session any more, and sessions of the device end. This cannot be taken back.`}
          action="Revoke" done="Certificate revoked" detail={revoking.endpoint} failed="The certificate could not be revoked"
          run={() => api.revoke(revoking.serial)} onClose={() => setRevoking(undefined)} onDone={done} />
      )}
    </>
  );
}
