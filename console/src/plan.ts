// SPDX-License-Identifier: Apache-2.0
// Owners' plans as texts: where in them something stands, steps to begin with, and which devices they are for.
import type { FdoDevice, FdoPlan } from "./api/client";

export interface Place {
  from: number;
  to: number;
}

class Wrong extends Error {
  constructor(readonly at: number) {
    super();
  }
}

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y; // eslint-disable-line no-control-regex
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/** A walk over JSON (RFC 8259) that remembers where the steps of the plan stand. */
class Walk {
  at = 0;
  steps: Place[] = [];
  constructor(readonly text: string) {}

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private need(char: string): void {
    if (this.text[this.at] !== char) throw new Wrong(this.at);
    this.at++;
  }

  /** Members or items up to the bracket. */
  private list(end: string, one: () => void): void {
    this.at++;
    this.take(SPACE);
    if (this.text[this.at] !== end) {
      for (one(); this.text[this.at] === ","; one()) this.at++;
    }
    this.need(end);
  }

  private item(path: string): void {
    this.take(SPACE);
    const from = this.at;
    this.value(path);
    if (path === "steps[]") this.steps.push({ from, to: this.at });
    this.take(SPACE);
  }

  private member(path: string): void {
    this.take(SPACE);
    const key = this.take(STRING);
    if (key === undefined) throw new Wrong(this.at);
    this.take(SPACE);
    this.need(":");
    if (path === "" && key === '"steps"') this.steps = []; // the last one counts
    this.item(path === "" ? JSON.parse(key) as string : `${path}.`);
  }

  private value(path: string): void {
    const char = this.text[this.at];
    if (char === "{") this.list("}", () => this.member(path));
    else if (char === "[") this.list("]", () => this.item(`${path}[]`));
    else if (char === '"' ? this.take(STRING) === undefined : this.take(SCALAR) === undefined) throw new Wrong(this.at);
  }

  whole(): void {
    this.item("");
    if (this.at < this.text.length) throw new Wrong(this.at);
  }
}

/** Where each step stands; where the text stops being JSON, if it does. */
export function scan(text: string): { steps: Place[]; wrong?: number } {
  const walk = new Walk(text);
  try {
    walk.whole();
    return { steps: walk.steps };
  } catch (e) {
    return { steps: walk.steps, wrong: e instanceof Wrong ? e.at : walk.at };
  }
}

/** "Line 3, column 5" */
export function lineColumn(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `Line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

export interface Complaint {
  words: string;
  place?: Place;
}

/** The plan, or in words why the text is none, and where. */
export function parsePlan(text: string): { plan: FdoPlan } | Complaint {
  const { wrong } = scan(text);
  if (wrong !== undefined) return { words: `${lineColumn(text, wrong)}: this is not JSON.`, place: { from: wrong, to: Math.min(wrong + 1, text.length) } };
  const plan: unknown = JSON.parse(text);
  if (typeof plan !== "object" || plan === null || Array.isArray(plan)) return { words: "The plan must be a JSON object." };
  return { plan: plan as FdoPlan };
}

/** What the server said of the plan, at its place in the text. */
export function complaintOf(text: string, detail: string): Complaint {
  const step = /^steps\[(\d+)\]/.exec(detail);
  const place = step ? scan(text).steps[Number(step[1])] : undefined;
  return place ? { words: `${lineColumn(text, place.from)}: ${detail}`, place } : { words: detail };
}

export const textOfPlan = (plan: FdoPlan): string => JSON.stringify(plan, null, 2);

/** Steps to begin with, by what they do. */
export const TEMPLATES = {
  download: { label: "Give the device a file (fdo.download)", step: { module: "fdo.download", name: "hello.txt", text: "Welcome\n" } },
  upload: { label: "Take a file from it (fdo.upload)", step: { module: "fdo.upload", name: "log.txt" } },
  command: { label: "Run a program and keep what it prints (fdo.command)", step: { module: "fdo.command", command: "setup", args: ["--now"], save: "setup.out" } },
  wget: { label: "Let it fetch a file (fdo.wget)", step: { module: "fdo.wget", name: "firmware.bin", url: "https://files.example/firmware.bin" } },
  csr: { label: "Give it a certificate (fdo.csr)", step: { module: "fdo.csr" } },
  management: {
    label: "Account for LwM2M, managing server (tessera.lwm2m)",
    step: { module: "tessera.lwm2m", account: "management", uri: "coaps://192.0.2.1:5684", security: "psk", short_server_id: 1, lifetime: 300 },
  },
  bootstrap: {
    label: "Account for LwM2M, bootstrap server (tessera.lwm2m)",
    step: { module: "tessera.lwm2m", account: "bootstrap", uri: "coaps://192.0.2.1:5784", security: "psk" },
  },
} as const satisfies Record<string, { label: string; step: FdoPlan["steps"][number] }>;
export type Template = keyof typeof TEMPLATES;

/** The text with one more step; a text that is no plan stays as it is. */
export function withStep(text: string, name: Template): string {
  const read = parsePlan(text);
  if (!("plan" in read) || (read.plan.steps !== undefined && !Array.isArray(read.plan.steps))) return text;
  return textOfPlan({ ...read.plan, steps: [...(read.plan.steps ?? []), TEMPLATES[name].step as unknown as FdoPlan["steps"][number]] });
}

export const isGuid = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

/** Why a device gets its plan, behind the plan's name. */
export function reasonOf(plan: NonNullable<FdoDevice["plan"]>): string {
  if (plan.missing) return "its group has no plan, so it is not onboarded";
  switch (plan.by) {
    case "guid": return "named by its GUID";
    case "group": return "its group";
    case "device_info": return "what its voucher says";
    case "default": return "no other fits";
    case "none": return "onboarded and nothing more";
  }
}

/** The GUIDs in a text, one a line or otherwise apart, and what is none. */
export function guidsOf(text: string): { guids: string[]; wrong: string[] } {
  const words = text.split(/[\s,;]+/).filter((w) => w !== "");
  const read = words.map((w) => ({ word: w, guid: w.replace(/-/g, "").toLowerCase() }));
  return { guids: [...new Set(read.filter((r) => isGuid(r.guid)).map((r) => r.guid))], wrong: read.filter((r) => !isGuid(r.guid)).map((r) => r.word) };
}
