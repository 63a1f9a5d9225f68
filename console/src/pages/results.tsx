// SPDX-License-Identifier: Apache-2.0
// What the steps of plans brought from devices: files, and what commands printed.
import { useEffect, useState } from "preact/hooks";
import { api, type FdoName } from "../api/client";
import { bytesOfBase64, guidText, isFdoEvent, save, textOfResult } from "../fdo";
import { onEvents } from "../state/live";
import { onboardingHref } from "../state/router";
import { fail } from "../state/toasts";
import { Dialog, Spinner } from "../ui/parts";

/** "GUID/name": the device, and what it is called there. */
export function splitName(name: string): { guid: string; file: string } {
  const at = name.indexOf("/");
  return at < 0 ? { guid: "", file: name } : { guid: name.slice(0, at), file: name.slice(at + 1) };
}

function ResultDialog({ name, onClose }: { name: string; onClose(): void }) {
  const [bytes, setBytes] = useState<Uint8Array<ArrayBuffer> | undefined>(undefined);
  const { guid, file } = splitName(name);
  const text = bytes && textOfResult(bytes);

  useEffect(() => {
    api.result(name).then((r) => setBytes(bytesOfBase64(r.data))).catch((e: unknown) => {
      fail("The result could not be loaded", e);
      onClose();
    });
  }, []);
  return (
    <Dialog title={file} hint={`From ${guidText(guid)}`} onClose={onClose}
      footer={<>
        <button class="button" type="button" disabled={!bytes} onClick={() => bytes && save(file.replace(/[^\w.-]/g, "_"), bytes, "application/octet-stream")}>Download</button>
        <button class="button primary" type="button" onClick={onClose}>Close</button>
      </>}>
      {bytes === undefined ? <Spinner />
        : text === undefined ? <p>{bytes.length} bytes that are no text.</p>
        : <pre class="input mono code-area" style={{ margin: 0 }} tabIndex={0} aria-label={`Content of ${file}`}>{text}</pre>}
    </Dialog>
  );
}

/** All of them, or those of one device. */
export function Results({ guid }: { guid?: string }) {
  const [list, setList] = useState<FdoName[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [showing, setShowing] = useState<string | undefined>(undefined);

  const load = async (cursor?: string) => {
    try {
      const page = await api.results(cursor ?? (guid ? `${guid}/` : undefined));
      const items = guid ? page.items.filter((r) => r.name.startsWith(`${guid}/`)) : page.items;
      setList((old) => (cursor === undefined ? items : [...old, ...items]));
      setNext(items.length === page.items.length ? page.next : null);
    } catch (e) {
      fail("The results could not be loaded", e);
    }
  };
  useEffect(() => {
    void load();
    return onEvents((events) => {
      if (events.some(isFdoEvent)) void load();
    });
  }, [guid]);

  if (list.length === 0) return null;
  return (
    <>
      <div class="page-head section"><h2>What devices brought</h2></div>
      <div class="card table-wrap">
        <table class="table">
          <caption class="visually-hidden">Results of plans by device</caption>
          <thead><tr><th scope="col">Name</th>{!guid && <th scope="col">Device</th>}<th scope="col">Size</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
          <tbody>
            {list.map((r) => {
              const at = splitName(r.name);
              return (
                <tr class="row" key={r.name}>
                  <td class="mono">{at.file}</td>
                  {!guid && <td><a class="mono" href={onboardingHref(at.guid)}>{guidText(at.guid)}</a></td>}
                  <td class="muted">{r.bytes} bytes</td>
                  <td class="right"><button class="button small" type="button" aria-label={`Show ${at.file} of ${guidText(at.guid)}`} onClick={() => setShowing(r.name)}>Show</button></td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {next !== null && <p style={{ marginTop: "14px" }}><button class="button" type="button" onClick={() => void load(next)}>Show more results</button></p>}
      {showing !== undefined && <ResultDialog name={showing} onClose={() => setShowing(undefined)} />}
    </>
  );
}
