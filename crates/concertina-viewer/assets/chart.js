// @ts-check
/** Charts as SVG, so that what is shown is what is saved. */

import { g, short } from "./common.js";

/**
 * @typedef {{ name: string, x: (number | null)[], y: (number | null)[], colour: string, dash?: boolean,
 *   low?: (number | null)[], high?: (number | null)[], faint?: boolean }} Series
 * @typedef {{ series: Series[], xLabel: string, yLabel: string, yFrom?: number, yTo?: number, log?: boolean,
 *   mark?: number | null, dots?: boolean, square?: boolean, circle?: boolean, height?: number,
 *   onpick?: (x: number) => void }} Chart
 * @typedef {{ ink: string, soft: string, grid: string, paper: string }} Inks
 */

/** The colours of a page in print. */
export const PRINT = {
  ink: "#000000",
  soft: "#333333",
  grid: "#e6eaee",
  paper: "#ffffff",
};
export const SCREEN = {
  ink: "var(--ink)",
  soft: "var(--soft)",
  grid: "var(--grid)",
  paper: "var(--paper)",
};

/** About `count` round numbers from `low` to `high`. @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const all = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) {
    all.push(Math.abs(tick) < step * 1e-9 ? 0 : Number(tick.toPrecision(12)));
  }
  return all;
}

/** Powers of ten between two logarithms; or round numbers, where there are fewer than two. @param {number} low @param {number} high */
function powers(low, high) {
  const whole = ticks(Math.floor(low), Math.ceil(high), 4).filter(
    (tick) => Number.isInteger(tick) && tick >= low && tick <= high,
  );
  return whole.length > 1 ? whole : ticks(10 ** low, 10 ** high, 3).map(Math.log10);
}

/** @param {(number | null | undefined)[]} values @returns {number[]} */
const numbers = (values) => /** @type {number[]} */ (values.filter((value) => Number.isFinite(value)));

/** @param {number[]} values @returns {[number, number]} */
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

/**
 * Draws a chart. @param {Chart} chart @param {number} width @param {Inks} [inks] @returns {SVGElement}
 */
export function draw(chart, width, inks = SCREEN) {
  const height = chart.square
    ? width
    : (chart.height ?? Math.round(Math.max(170, Math.min(260, width * 0.6))));
  const { series, log = false } = chart;
  const onY = (/** @type {number} */ y) => (log ? Math.log10(y) : y);
  const ys = series.flatMap((one) => numbers([...one.y, ...(one.low ?? []), ...(one.high ?? [])]));
  let [x0, x1] = extent(series.flatMap((one) => numbers(one.x)));
  let [y0, y1] = extent((log ? ys.filter((y) => y > 0) : ys).map(onY));
  if (chart.yFrom !== undefined && !log) y0 = Math.min(y0, chart.yFrom);
  if (chart.yTo !== undefined && !log) y1 = Math.max(y1, chart.yTo);
  if (chart.square) {
    const reach =
      Math.max(Math.abs(x0), Math.abs(x1), Math.abs(y0), Math.abs(y1), chart.circle ? 1 : 0) * 1.08;
    [x0, x1, y0, y1] = [-reach, reach, -reach, reach];
  } else {
    if (x1 === x0) [x0, x1] = [x0 - 0.5, x1 + 0.5];
    if (y1 === y0) [y0, y1] = [y0 - 0.5, y1 + 0.5];
    const room = (y1 - y0) * 0.06;
    y1 += chart.yTo === undefined || y1 > chart.yTo ? room : 0;
    y0 -= y0 === chart.yFrom ? 0 : room;
  }
  const [left, right, top, bottom] = [58, 10, 8, 38];
  const toX = (/** @type {number} */ x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
  const toY = (/** @type {number} */ y) => height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
  const text = {
    "font-family": "Liberation Sans, Helvetica, Arial, sans-serif",
    "font-size": 12,
    fill: inks.soft,
  };
  const svg = g("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": describe(chart),
  });
  const yTicks = log ? powers(y0, y1) : ticks(y0, y1, height < 200 ? 3 : 4);
  for (const tick of yTicks) {
    svg.append(
      g("path", {
        d: `M${left} ${toY(tick).toFixed(1)}H${width - right}`,
        stroke: inks.grid,
        fill: "none",
      }),
      g(
        "text",
        { ...text, x: left - 6, y: toY(tick) + 4, "text-anchor": "end" },
        log ? short(Number((10 ** tick).toPrecision(12))) : short(tick),
      ),
    );
  }
  for (const tick of ticks(x0, x1, Math.max(2, Math.floor(width / 90)))) {
    svg.append(
      g("path", {
        d: `M${toX(tick).toFixed(1)} ${height - bottom}v4`,
        stroke: inks.soft,
        fill: "none",
      }),
      g(
        "text",
        {
          ...text,
          x: toX(tick),
          y: height - bottom + 17,
          "text-anchor": "middle",
        },
        short(tick),
      ),
    );
  }
  svg.append(
    g("path", {
      d: `M${left} ${top}V${height - bottom}H${width - right}`,
      stroke: inks.soft,
      fill: "none",
    }),
    g(
      "text",
      {
        ...text,
        x: (left + width - right) / 2,
        y: height - 5,
        "text-anchor": "middle",
      },
      chart.xLabel,
    ),
    g(
      "text",
      {
        ...text,
        transform: `translate(12 ${((top + height - bottom) / 2).toFixed(1)}) rotate(-90)`,
        "text-anchor": "middle",
      },
      chart.yLabel,
    ),
  );
  if (chart.circle) {
    svg.append(
      g("ellipse", {
        cx: toX(0),
        cy: toY(0),
        rx: toX(1) - toX(0),
        ry: toY(0) - toY(1),
        fill: "none",
        stroke: inks.soft,
        "stroke-dasharray": "3 3",
      }),
    );
  }
  for (const one of series) {
    const points = one.x.map((x, place) => [x, one.y[place]]);
    const { low, high } = one;
    if (low && high) {
      const upper = one.x.map(
        (x, place) => `${toX(x ?? 0).toFixed(1)} ${toY(onY(high[place] ?? 0)).toFixed(1)}`,
      );
      const lower = one.x.map(
        (x, place) => `${toX(x ?? 0).toFixed(1)} ${toY(onY(low[place] ?? 0)).toFixed(1)}`,
      );
      svg.append(
        g("path", {
          d: `M${[...upper, ...lower.reverse()].join("L")}Z`,
          fill: one.colour,
          "fill-opacity": 0.18,
        }),
      );
    }
    if (chart.dots) {
      for (const [x, y] of points) {
        if (x === null || y === null) continue;
        svg.append(
          g("circle", {
            cx: toX(x),
            cy: toY(onY(y)),
            r: 2.2,
            fill: one.colour,
            "fill-opacity": 0.75,
          }),
        );
      }
      continue;
    }
    let path = "";
    let pen = "M";
    for (const [x, y] of points) {
      if (x === null || y === null || y === undefined || !Number.isFinite(onY(y))) {
        pen = "M";
        continue;
      }
      path += `${pen}${toX(x).toFixed(1)} ${toY(onY(y)).toFixed(1)}`;
      pen = "L";
    }
    const line = g("path", {
      d: path,
      fill: "none",
      stroke: one.colour,
      "stroke-width": one.faint ? 1 : 2,
      "stroke-linejoin": "round",
      "stroke-opacity": one.faint ? 0.5 : 1,
      "data-series": one.name,
    });
    if (one.dash) line.setAttribute("stroke-dasharray", "5 4");
    svg.append(line);
    if (points.length === 1 && points[0][1] !== null) {
      svg.append(
        g("circle", {
          cx: toX(points[0][0] ?? 0),
          cy: toY(onY(points[0][1] ?? 0)),
          r: 3,
          fill: one.colour,
        }),
      );
    }
  }
  if (chart.mark !== null && chart.mark !== undefined && chart.mark >= x0 && chart.mark <= x1) {
    svg.append(
      g("path", {
        d: `M${toX(chart.mark).toFixed(1)} ${top}V${height - bottom}`,
        stroke: inks.ink,
        "stroke-opacity": 0.55,
        fill: "none",
      }),
    );
  }
  const pick = chart.onpick;
  if (pick && inks === SCREEN) {
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      const { clientX } = /** @type {MouseEvent} */ (event);
      const x = ((clientX - box.left) / box.width) * width;
      pick(x0 + ((x - left) / (width - left - right)) * (x1 - x0));
    });
  }
  return svg;
}

/** What a chart shows, for those who do not see it. @param {Chart} chart */
function describe(chart) {
  const parts = chart.series.slice(0, 6).map((one) => {
    const known = numbers(one.y);
    if (chart.dots) return `${known.length} points`;
    return known.length
      ? `${one.name} from ${short(known[0])} to ${short(known[known.length - 1])}`
      : `${one.name}, no values`;
  });
  return `${chart.yLabel} over ${chart.xLabel}: ${parts.join("; ")}`;
}

/** A chart that fits its place and is drawn again when that changes. */
export class Plot {
  /** @param {() => Chart} chart */
  constructor(chart) {
    this.chart = chart;
    this.element = document.createElement("div");
    this.width = 0;
    this.waiting = false;
    this.observer = new ResizeObserver(() => {
      const width = Math.round(this.element.clientWidth);
      if (width && width !== this.width) this.draw();
    });
    this.observer.observe(this.element);
  }

  /** Draws it before the next frame, however often it is asked. */
  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    this.width = Math.round(this.element.clientWidth);
    if (this.width) this.element.replaceChildren(draw(this.chart(), this.width));
  }

  /** For a file. */
  svg() {
    return draw(this.chart(), 420, PRINT);
  }

  /** @returns {[string, any[]][]} */
  table() {
    const chart = this.chart();
    const names = chart.series.flatMap((one) => one.x.map(() => one.name));
    return [
      ["series", names],
      [chart.xLabel, chart.series.flatMap((one) => one.x)],
      [chart.yLabel, chart.series.flatMap((one) => one.y)],
    ];
  }
}
