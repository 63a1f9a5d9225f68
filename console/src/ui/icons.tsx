// SPDX-License-Identifier: Apache-2.0
// Line icons, 24 by 24; decoration only, so hidden from screen readers.
import type { ComponentChildren } from "preact";

function icon(children: ComponentChildren) {
  return () => (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const Search = icon(<><circle cx="11" cy="11" r="7" /><path d="m20 20-3.6-3.6" /></>);
export const Sun = icon(<><circle cx="12" cy="12" r="4" /><path d="M12 2v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4" /></>);
export const Moon = icon(<path d="M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z" />);
export const Auto = icon(<><circle cx="12" cy="12" r="9" /><path d="M12 3v18a9 9 0 0 0 0-18Z" fill="currentColor" /></>);
export const Lock = icon(<><rect x="4" y="11" width="16" height="10" rx="2" /><path d="M8 11V7a4 4 0 0 1 8 0v4" /></>);
export const Unlock = icon(<><rect x="4" y="11" width="16" height="10" rx="2" /><path d="M8 11V7a4 4 0 0 1 7.6-1.7" /></>);
export const Refresh = icon(<><path d="M20 11a8 8 0 0 0-14.3-4L3 9.5" /><path d="M3 4v5.5h5.5M4 13a8 8 0 0 0 14.3 4l2.7-2.5" /><path d="M21 20v-5.5h-5.5" /></>);
export const Pencil = icon(<path d="m4 20 1-4.5L16.5 4a2.1 2.1 0 0 1 3 3L8 18.5 4 20Z" />);
export const Play = icon(<path d="M7 4.5v15l12-7.5-12-7.5Z" />);
export const Pause = icon(<path d="M8 5v14m8-14v14" />);
export const Sliders = icon(<path d="M4 7h9m5 0h2M4 17h3m5 0h8M15.5 4.5v5M9.5 14.5v5" />);
export const Clock = icon(<><circle cx="12" cy="12" r="9" /><path d="M12 7v5l3.5 2" /></>);
export const Close = icon(<path d="M6 6l12 12M18 6 6 18" />);
export const Check = icon(<path d="m4.5 12.5 5 5 10-11" />);
export const Alert = icon(<><path d="M12 3 2.5 20h19L12 3Z" /><path d="M12 10v4.5M12 17.5v.01" /></>);
export const Chip = icon(<><rect x="6" y="6" width="12" height="12" rx="2" /><path d="M9 2v4m6-4v4M9 18v4m6-4v4M2 9h4m-4 6h4m12-6h4m-4 6h4" /></>);
export const Trash = icon(<><path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13" /></>);
export const Key = icon(<><circle cx="8" cy="15" r="4.5" /><path d="m11.5 11.5 8-8M16 7l3 3" /></>);
export const Pulse = icon(<path d="M2 12h5l2.5-7 5 14 2.5-7h5" />);
export const Moonlet = icon(<path d="M19 15A8 8 0 0 1 9 5a7.5 7.5 0 1 0 10 10Z" />);
export const Plus = icon(<path d="M12 5v14M5 12h14" />);

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect x="2" y="2" width="13" height="13" rx="3" fill="#2fbfa7" />
      <rect x="17" y="2" width="13" height="13" rx="3" fill="#7fdccc" />
      <rect x="2" y="17" width="13" height="13" rx="3" fill="#178a79" />
      <rect x="17" y="17" width="13" height="13" rx="3" fill="#f2b544" />
    </svg>
  );
}
