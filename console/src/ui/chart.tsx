// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { rangeOf, type Series } from "../model";
import { dark } from "../state/theme";

interface ChartProps {
  series: Series;
  label: string;
  unit: string;
  height?: number;
  /** Steps instead of lines: booleans and switches. */
  stepped?: boolean;
}

// 24 hours; the date only where the day changes.
const TIMES: uPlot.Axis.Values = [
  [3600 * 24 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [3600 * 24, "{D} {MMM}", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM}", null, null, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

/** The colours of the style sheet, as the canvas needs them. */
function colour(of: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  of.append(probe);
  const text = getComputedStyle(probe).color;
  probe.remove();
  return text;
}

/** "rgb(1, 2, 3)" at a quarter of its strength. */
export function faded(rgb: string): string {
  return rgb.replaceAll(",", "").replace(")", " / 0.26)");
}

function options(box: HTMLElement, height: number, stepped: boolean): uPlot.Options {
  const muted = colour(box, "--muted");
  const line = colour(box, "--line");
  const accent = colour(box, "--accent");
  const font = "11px system-ui, sans-serif";
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const series: uPlot.Series = {
    stroke: accent,
    width: 2,
    fill: (u) => {
      const shade = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
      shade.addColorStop(0, faded(accent));
      shade.addColorStop(1, "transparent");
      return shade;
    },
    points: { show: false },
  };
  const steps = uPlot.paths.stepped?.({ align: 1 });
  if (stepped && steps) series.paths = steps;
  return {
    width: box.clientWidth,
    height,
    padding: [12, 24, 0, 0],
    cursor: { y: false, points: { size: 8 } },
    legend: { show: false },
    scales: {
      x: { time: true },
      y: {
        range: (_, min, max) => {
          const room = max > min ? (max - min) * 0.15 : Math.max(Math.abs(max) * 0.05, 0.5);
          return [min - room, max + room];
        },
      },
    },
    axes: [{ ...axis, space: 70, size: 30, values: TIMES }, { ...axis, size: 52, space: 36 }],
    series: [{}, series],
  };
}

export function Chart({ series, label, unit, height = 180, stepped = false }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const isDark = dark.value;

  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const made = new uPlot(options(at, height, stepped), [series.t, series.v], at);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (at.clientWidth > 0) made.setSize({ width: at.clientWidth, height });
    });
    observer.observe(at);
    return () => {
      observer.disconnect();
      made.destroy();
    };
    // The data follows below; only looks need a new plot.
  }, [isDark, height, stepped]);

  useEffect(() => {
    plot.current?.setData([series.t, series.v]);
  }, [series]);

  const range = rangeOf(series);
  const text = range
    ? `${label}: now ${range.last} ${unit}, lowest ${range.min}, highest ${range.max}, ${series.v.length} values`
    : `${label}: no values yet`;
  return <div class="chart" ref={box} role="img" aria-label={text} />;
}
