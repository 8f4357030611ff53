// @ts-check
/** Many runs at a glance: parallel coordinates, and one column against another. Brushing sets a condition. */

import { ask, colour, complain, h, last, palette, short } from "./common.js";
import { ticks } from "./chart.js";

/** @typedef {{ name: string, names?: string[], values: (number | null)[] }} Column */
/** @typedef {{ where: () => string, brushed: (name: string, conditions: string[]) => void, columns: () => any[] }} Host */

/** Lines that are drawn before the page is given time to answer. */
const AT_ONCE = 4000;

/** @param {Column} column @returns {[number, number]} */
function range(column) {
  if (column.names) return [-0.5, column.names.length - 0.5];
  let [low, high] = [Infinity, -Infinity];
  for (const value of column.values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** A number with five digits that is not above it, or not below it: runs at the edge of a brush are selected.
 * @param {number} value @param {-1 | 1} way */
export function rounded(value, way) {
  const near = Number(value.toPrecision(5));
  if ((near - value) * way >= 0) return near;
  const digit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 4);
  return Number((near + way * digit).toPrecision(5));
}

/** The condition that a brush over part of an axis means. @param {Column} column @param {number} from @param {number} to */
export function condition(column, from, to) {
  const { name } = column;
  if (!column.names) {
    return [`${name} >= ${rounded(Math.min(from, to), -1)}`, `${name} <= ${rounded(Math.max(from, to), 1)}`];
  }
  const chosen = column.names.filter(
    (_, place) => place >= Math.min(from, to) && place <= Math.max(from, to),
  );
  if (!chosen.length || chosen.length === column.names.length) return [];
  const one = (/** @type {string} */ value) => `${name} = ${/^[\w.-]+$/.test(value) ? value : `'${value}'`}`;
  return [chosen.length === 1 ? one(chosen[0]) : `(${chosen.map(one).join(" or ")})`];
}

/** A canvas as wide as its place. @param {number} height @param {string} label @param {(pen: CanvasRenderingContext2D, width: number, height: number) => void} draw */
function canvas(height, label, draw) {
  const element = h("canvas", {
    class: "brush",
    role: "img",
    "aria-label": label,
  });
  element.style.height = `${height}px`;
  const redraw = () => {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = element.clientWidth;
    if (!width) return;
    [element.width, element.height] = [width * ratio, height * ratio];
    const pen = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(pen, width, height);
  };
  new ResizeObserver(redraw).observe(element);
  return { element, redraw };
}

/** A box that is drawn over a picture while the pointer is held. @param {HTMLElement} over @param {(x0: number, y0: number, x1: number, y1: number) => void} done */
function brush(over, done) {
  const box = h("div", { class: "box" });
  Object.assign(box.style, {
    position: "absolute",
    background: "rgb(0 114 178 / 20%)",
    border: "1px solid #0072b2",
    pointerEvents: "none",
    display: "none",
  });
  over.parentElement?.append(box);
  /** @type {[number, number] | null} */
  let start = null;
  const at = (/** @type {PointerEvent} */ event) => {
    const place = over.getBoundingClientRect();
    return /** @type {[number, number]} */ ([event.clientX - place.left, event.clientY - place.top]);
  };
  over.addEventListener("pointerdown", (event) => {
    start = at(event);
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    if (!start) return;
    const [x, y] = at(event);
    Object.assign(box.style, {
      display: "block",
      left: `${Math.min(x, start[0])}px`,
      top: `${over.offsetTop + Math.min(y, start[1])}px`,
      width: `${Math.abs(x - start[0])}px`,
      height: `${Math.abs(y - start[1])}px`,
    });
  });
  over.addEventListener("pointerup", (event) => {
    box.style.display = "none";
    if (!start) return;
    const [x, y] = at(event);
    const [x0, y0] = start;
    start = null;
    if (Math.hypot(x - x0, y - y0) > 5) done(x0, y0, x, y);
  });
  over.addEventListener("pointercancel", () => {
    start = null;
    box.style.display = "none";
  });
}

/** Height of a line of names above the axes. */
const LINE = 13;

/** Where names of axes go: in as few lines as they need to not cover each other, none beyond the edges.
 * @param {CanvasRenderingContext2D} pen @param {string[]} names @param {number[]} xs @param {number} width */
function headings(pen, names, xs, width) {
  /** @type {number[]} */
  const ends = [];
  const placed = names.map((name, place) => {
    const half = pen.measureText(name).width / 2;
    const x = Math.max(half, Math.min(width - half, xs[place]));
    let line = ends.findIndex((end) => x - half > end + 6);
    if (line < 0) line = ends.push(0) - 1;
    ends[line] = x + half;
    return { name, x, line };
  });
  return { placed, height: ends.length * LINE };
}

/** Parallel coordinates. @param {Host} host */
export function parallel(host) {
  /** @type {Column[]} */
  let columns = [];
  let turn = 0;
  let top = LINE * 2;
  const bottom = 14;
  const places = (/** @type {number} */ width) =>
    columns.map((_, place) => 40 + (place * (width - 110)) / Math.max(1, columns.length - 1));
  const { element, redraw } = canvas(
    240,
    "Runs as lines over their parameters and results",
    (pen, width, height) => {
      turn += 1;
      const mine = turn;
      pen.clearRect(0, 0, width, height);
      if (!columns.length) return;
      const xs = places(width);
      const ranges = columns.map(range);
      pen.font = "12px system-ui, sans-serif";
      const names = columns.map((column) => last(column.name));
      const heads = headings(pen, names, xs, width);
      top = heads.height + LINE;
      const toY = (/** @type {number} */ axis, /** @type {number} */ value) =>
        height -
        bottom -
        ((value - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0])) * (height - top - bottom);
      const rows = columns[0].values.length;
      const tints = palette().series;
      const by = columns.findIndex((column) => column.names || new Set(column.values.slice(0, 500)).size < 9);
      const levels = by >= 0 ? [...new Set(columns[by].values)].sort((a, b) => (a ?? 0) - (b ?? 0)) : [];
      pen.globalAlpha = Math.max(0.03, Math.min(0.7, 60 / Math.sqrt(rows * 40 + 1)));
      const lines = (/** @type {number} */ from) => {
        if (mine !== turn) return;
        for (let row = from; row < Math.min(rows, from + AT_ONCE); row += 1) {
          pen.strokeStyle =
            by >= 0 ? tints[Math.max(0, levels.indexOf(columns[by].values[row])) % tints.length] : tints[0];
          pen.beginPath();
          let down = false;
          for (const [axis, column] of columns.entries()) {
            const value = column.values[row];
            if (value === null) {
              down = false;
              continue;
            }
            if (down) pen.lineTo(xs[axis], toY(axis, value));
            else pen.moveTo(xs[axis], toY(axis, value));
            down = true;
          }
          pen.stroke();
        }
        if (from + AT_ONCE < rows) requestAnimationFrame(() => lines(from + AT_ONCE));
        else frame();
      };
      const frame = () => {
        pen.globalAlpha = 1;
        pen.fillStyle = colour("ink");
        pen.textAlign = "center";
        for (const { name, x, line } of heads.placed) pen.fillText(name, x, top - LINE + 1 - line * LINE);
        pen.textAlign = "left";
        for (const [axis, column] of columns.entries()) {
          pen.strokeStyle = colour("soft");
          pen.beginPath();
          pen.moveTo(xs[axis], top);
          pen.lineTo(xs[axis], height - bottom);
          pen.stroke();
          pen.fillStyle = colour("soft");
          const marks = column.names
            ? column.names.map((_, place) => place)
            : ticks(ranges[axis][0], ranges[axis][1], 4);
          for (const mark of marks.slice(0, 12)) {
            pen.fillText(
              column.names ? column.names[mark].slice(0, 12) : short(mark),
              xs[axis] + 5,
              toY(axis, mark) + 4,
            );
          }
        }
      };
      lines(0);
    },
  );
  const frame = h("div", {}, element);
  frame.style.position = "relative";
  brush(element, (x0, y0, x1, y1) => {
    if (!columns.length) return;
    const xs = places(element.clientWidth);
    const middle = (x0 + x1) / 2;
    const axis = xs.reduce(
      (best, x, place) => (Math.abs(x - middle) < Math.abs(xs[best] - middle) ? place : best),
      0,
    );
    const [low, high] = range(columns[axis]);
    const value = (/** @type {number} */ y) =>
      low + ((240 - bottom - y) / (240 - top - bottom)) * (high - low);
    const ends = [value(y0), value(y1)].map((one) => Math.max(low, Math.min(high, one)));
    host.brushed(columns[axis].name, condition(columns[axis], ends[0], ends[1]));
  });
  const update = async (/** @type {AbortSignal | undefined} */ signal = undefined) => {
    const names = host
      .columns()
      .filter((column) => column.usual && column.name !== "key")
      .map((column) => column.name);
    const found = await ask("values", { where: host.where(), columns: names.slice(0, 24).join(",") }, signal);
    columns = found.columns
      .filter(
        (/** @type {Column} */ column) =>
          (!column.names || (column.names.length > 1 && column.names.length < 13)) &&
          new Set(column.values.slice(0, 2000)).size > 1,
      )
      .slice(0, 8);
    note.textContent = columns.length
      ? "Each line is a run. Draw along an axis to select a part of it."
      : "These runs do not differ in their parameters or results.";
    redraw();
  };
  const note = h("p", { class: "under" });
  return { element: h("div", {}, frame, note), update };
}

/** One column against another. @param {Host} host */
export function scatter(host) {
  /** @type {Column[]} */
  let columns = [];
  const chosen = { x: "", y: "validation_accuracy" };
  const [left, right, top, bottom] = [60, 14, 10, 36];
  const { element, redraw } = canvas(280, "Runs as points", (pen, width, height) => {
    pen.clearRect(0, 0, width, height);
    if (columns.length < 2) return;
    const [[x0, x1], [y0, y1]] = columns.map(range);
    const toX = (/** @type {number} */ x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
    const toY = (/** @type {number} */ y) =>
      height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = colour("soft");
    pen.strokeStyle = colour("grid");
    pen.textAlign = "right";
    for (const mark of columns[1].names ? columns[1].names.map((_, place) => place) : ticks(y0, y1, 5)) {
      pen.beginPath();
      pen.moveTo(left, toY(mark));
      pen.lineTo(width - right, toY(mark));
      pen.stroke();
      pen.fillText(
        columns[1].names ? columns[1].names[mark].slice(0, 8) : short(mark),
        left - 6,
        toY(mark) + 4,
      );
    }
    pen.textAlign = "center";
    for (const mark of columns[0].names ? columns[0].names.map((_, place) => place) : ticks(x0, x1, 6)) {
      pen.fillText(
        columns[0].names ? columns[0].names[mark].slice(0, 12) : short(mark),
        toX(mark),
        height - bottom + 18,
      );
    }
    pen.fillStyle = palette().series[0];
    const rows = columns[0].values.length;
    pen.globalAlpha = Math.max(0.08, Math.min(0.8, 40 / Math.sqrt(rows + 1)));
    for (let row = 0; row < rows; row += 1) {
      const [x, y] = [columns[0].values[row], columns[1].values[row]];
      if (x === null || y === null) continue;
      pen.fillRect(toX(x) - 2, toY(y) - 2, 4, 4);
    }
    pen.globalAlpha = 1;
  });
  const frame = h("div", {}, element);
  frame.style.position = "relative";
  brush(element, (a, b, c, d) => {
    const [x, y] = columns;
    const [[x0, x1], [y0, y1]] = [range(x), range(y)];
    const [width, height] = [element.clientWidth, 280];
    const atX = (/** @type {number} */ place) => x0 + ((place - left) / (width - left - right)) * (x1 - x0);
    const atY = (/** @type {number} */ place) =>
      y0 + ((height - bottom - place) / (height - top - bottom)) * (y1 - y0);
    host.brushed(x.name, condition(x, atX(a), atX(c)));
    host.brushed(y.name, condition(y, atY(b), atY(d)));
  });
  const select = (/** @type {"x" | "y"} */ which) =>
    h("select", {
      "aria-label": which === "x" ? "Across" : "Upward",
      onchange: (/** @type {Event} */ event) => {
        chosen[which] = /** @type {HTMLSelectElement} */ (event.target).value;
        update().catch(complain);
      },
    });
  const [across, upward] = [select("x"), select("y")];
  const update = async (/** @type {AbortSignal | undefined} */ signal = undefined) => {
    const all = host.columns().filter((column) => column.name !== "key" && column.name !== "folder");
    chosen.x ||=
      all.find((column) => column.usual && column.name.includes(".") && column.kind !== "text")?.name ??
      "seed";
    for (const [menu, which] of /** @type {[HTMLSelectElement, "x" | "y"][]} */ ([
      [across, "x"],
      [upward, "y"],
    ])) {
      if (menu.options.length !== all.length)
        menu.replaceChildren(...all.map(({ name }) => h("option", { value: name }, last(name))));
      menu.value = chosen[which];
    }
    columns = (await ask("values", { where: host.where(), columns: `${chosen.x},${chosen.y}` }, signal))
      .columns;
    if (columns.length === 1) columns = [columns[0], columns[0]];
    redraw();
  };
  const note = h("p", { class: "under" }, "Each point is a run. Draw a box to select some.");
  const choose = h(
    "div",
    { class: "row" },
    h("label", {}, "Across ", across),
    h("label", {}, "Upward ", upward),
  );
  return { element: h("div", {}, choose, frame, note), update };
}
