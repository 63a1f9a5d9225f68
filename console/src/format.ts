// SPDX-License-Identifier: Apache-2.0
// Words and figures for people.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "12 s ago", "3 min ago", "5 h ago", "2 d ago"; "in 40 s" for what is to come. */
export function relativeTime(iso: string | undefined, nowMs: number): string {
  if (!iso) return "never";
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return "unknown";
  const seconds = Math.round((nowMs - at) / 1000);
  if (Math.abs(seconds) < 2) return "just now";
  const text = duration(Math.abs(seconds));
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** The largest fitting unit only: readable at a glance, exact in the tooltip. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * MINUTE) return `${Math.round(seconds / MINUTE)} min`;
  if (seconds < 36 * HOUR) return `${Math.round(seconds / HOUR)} h`;
  return `${Math.round(seconds / DAY)} d`;
}

export function clock(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (n: number) => String(n).padStart(2, "0");
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

/** Local time, in the order that no country misreads. */
export function fullTime(iso: string | undefined): string {
  if (!iso) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const numberFormat = new Intl.NumberFormat("en", { maximumSignificantDigits: 15 });
const shortFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

export type Scalar = string | number | boolean | null;

/** A resource value as the value column shows it. */
export function valueText(value: Scalar | undefined, type?: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") {
    if (type === "float") return shortFormat.format(value);
    return numberFormat.format(value);
  }
  if (type === "time") return fullTime(value);
  if (type === "opaque") return `${base64Bytes(value)} bytes`;
  return value;
}

export function base64Bytes(text: string): number {
  const pads = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - pads;
}

/** The units of the OMA tables, as people write them. */
export function unitText(units: string | undefined): string {
  switch (units) {
    case undefined:
    case "":
      return "";
    case "Cel":
      return "°C";
    case "/100":
      return "%";
    case "%RH":
      return "% RH";
    case "W/m2":
      return "W/m²";
    default:
      return units;
  }
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${numberFormat.format(n)} ${n === 1 ? one : many}`;
}
