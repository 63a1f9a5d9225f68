// SPDX-License-Identifier: Apache-2.0
// From the object model, Discover and values to the rows of a table.
import type { Link, Model, ModelResource, Scalar, Value } from "./api/client";

export interface Row {
  path: string;
  id: number;
  name: string;
  type: Value["type"];
  units: string;
  range: string;
  description: string;
  readable: boolean;
  writable: boolean;
  executable: boolean;
  multiple: boolean;
  /** One entry with `ri` undefined for a single resource; empty when nothing is known yet. */
  values: { ri: number | undefined; value: Value }[];
}

export function segments(path: string): number[] {
  return path.split("/").filter((s) => s !== "").map(Number);
}

export function parentOf(path: string, depth: number): string {
  return segments(path).slice(0, depth).map((n) => `/${n}`).join("");
}

/** Orders /3/0/9 before /3/0/10. */
export function comparePaths(a: string, b: string): number {
  const left = segments(a);
  const right = segments(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++)
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  return left.length - right.length;
}

/** The resources of an instance: what Discover lists and what has a value. Before the device has
 *  said anything, those that the model makes mandatory. */
export function rowsOf(
  instance: string,
  model: Model | undefined,
  links: ReadonlyMap<string, Link>,
  values: ReadonlyMap<string, Value>,
): Row[] {
  const ids = new Set<number>();
  const byId = new Map<number, { ri: number | undefined; value: Value }[]>();
  const inside = `${instance}/`;

  for (const path of links.keys())
    if (path.startsWith(inside)) ids.add(segments(path)[2]!);
  for (const [path, value] of values) {
    if (!path.startsWith(inside)) continue;
    const [, , id, ri] = segments(path);
    if (id === undefined) continue;
    ids.add(id);
    const list = byId.get(id) ?? [];
    list.push({ ri, value });
    byId.set(id, list);
  }
  if (ids.size === 0) for (const r of model?.resources ?? []) if (r.mandatory) ids.add(r.id);

  return [...ids]
    .sort((a, b) => a - b)
    .map((id) => {
      const known = model?.resources.find((r) => r.id === id);
      const found = (byId.get(id) ?? []).sort((a, b) => (a.ri ?? -1) - (b.ri ?? -1));
      const made = row(`${instance}/${id}`, id, known, found);
      return { ...made, units: unitsOf(made.path, made.units, values) };
    });
}

const MEASURED = new Set([5700, 5601, 5602, 5603, 5604]);

/** The unit of a value: from the model, or from the sensor itself, which says it in resource 5701. */
export function unitsOf(path: string, units: string | undefined, values: ReadonlyMap<string, Value>): string {
  if (units) return units;
  const id = segments(path)[2];
  if (id === undefined || !MEASURED.has(id)) return "";
  const own = values.get(`${parentOf(path, 2)}/5701`)?.value;
  return typeof own === "string" ? own : "";
}

/** What a sensor says it measures: its application type (5750) or its sensor type (5751). */
export function purposeOf(instance: string, values: ReadonlyMap<string, Value>): string {
  for (const id of [5750, 5751]) {
    const text = values.get(`${instance}/${id}`)?.value;
    if (typeof text === "string" && text !== "") return text;
  }
  return "";
}

function row(path: string, id: number, known: ModelResource | undefined, values: Row["values"]): Row {
  const first = values[0]?.value;
  return {
    path,
    id,
    name: known?.name ?? first?.name ?? `Resource ${id}`,
    type: known?.type ?? first?.type ?? "string",
    units: known?.units ?? first?.units ?? "",
    range: known?.range ?? "",
    description: known?.description ?? "",
    readable: known ? known.operations.includes("R") : true,
    writable: known ? known.operations.includes("W") : true,
    executable: known ? known.operations.includes("E") : false,
    multiple: known ? known.multiple : values.some((v) => v.ri !== undefined),
    values,
  };
}

export type Parsed = { ok: true; value: Scalar } | { ok: false; error: string };

/** What the user typed, as the resource's type wants it. */
export function parseInput(text: string, type: Value["type"]): Parsed {
  const trimmed = text.trim();
  switch (type) {
    case "integer":
    case "unsigned": {
      if (!/^[+-]?\d+$/.test(trimmed)) return { ok: false, error: "Enter a whole number." };
      const n = Number(trimmed);
      if (!Number.isSafeInteger(n))
        return { ok: false, error: "This number is too large for the browser; use the command line." };
      if (type === "unsigned" && n < 0) return { ok: false, error: "Enter 0 or more." };
      return { ok: true, value: n };
    }
    case "float": {
      const n = Number(trimmed.replace(",", "."));
      if (trimmed === "" || Number.isNaN(n)) return { ok: false, error: "Enter a number." };
      return { ok: true, value: Number.isFinite(n) ? n : String(n) };
    }
    case "boolean":
      if (trimmed === "true" || trimmed === "false") return { ok: true, value: trimmed === "true" };
      return { ok: false, error: "Enter true or false." };
    case "time": {
      const at = new Date(trimmed);
      if (trimmed === "" || Number.isNaN(at.getTime()))
        return { ok: false, error: "Enter a date and time like 2026-01-31T12:00:00Z." };
      return { ok: true, value: at.toISOString() };
    }
    case "opaque":
      if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(trimmed)) return { ok: false, error: "Enter Base64." };
      return { ok: true, value: trimmed };
    case "objlnk":
      if (!/^\d{1,5}:\d{1,5}$/.test(trimmed))
        return { ok: false, error: "Enter object:instance, like 3303:0." };
      return { ok: true, value: trimmed };
    default:
      return { ok: true, value: text };
  }
}

/** The number to draw, if the value can be drawn at all. */
export function numberOf(value: Value): number | undefined {
  if (typeof value.value === "number") return value.value;
  if (typeof value.value === "boolean") return value.value ? 1 : 0;
  return undefined;
}

export function canDraw(type: Value["type"]): boolean {
  return type === "float" || type === "integer" || type === "unsigned" || type === "boolean";
}

export interface Series {
  /** Seconds since 1970, rising. */
  t: number[];
  v: number[];
}

const POINTS = 2000;

/** Adds a point in its place; a second value for the same moment replaces the first. */
export function addPoint(series: Series, t: number, v: number): Series {
  const last = series.t.length - 1;
  if (last >= 0 && series.t[last]! > t) {
    const at = series.t.findIndex((x) => x >= t);
    if (series.t[at] === t) return series;
    return {
      t: [...series.t.slice(0, at), t, ...series.t.slice(at)],
      v: [...series.v.slice(0, at), v, ...series.v.slice(at)],
    };
  }
  if (last >= 0 && series.t[last] === t)
    return { t: series.t, v: [...series.v.slice(0, last), v] };
  return { t: [...series.t, t].slice(-POINTS), v: [...series.v, v].slice(-POINTS) };
}

export function rangeOf(series: Series): { min: number; max: number; last: number } | undefined {
  if (series.v.length === 0) return undefined;
  return {
    min: Math.min(...series.v),
    max: Math.max(...series.v),
    last: series.v[series.v.length - 1]!,
  };
}
