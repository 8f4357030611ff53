// @ts-check
/** A cloud of states in three dimensions, to be turned. */

import { colour, g, palette } from "./common.js";
import { PRINT } from "./chart.js";

/**
 * What a cloud shows: positions of all trials, (trials, 3), and the directions of the readout, (outputs, 3).
 * Marks are single states, such as fixed points.
 * @typedef {{ at: [number, number, number], shape: "square" | "diamond" | "triangle" }} Mark
 * @typedef {{ points: Float32Array, readout?: number[] | null, trails?: Float32Array[], marks?: Mark[] }} Frame
 */

/** The largest number of colours that are told apart; further classes repeat them. */
const LINES = 40;

/** The corners of marks around their middle, in pixels. @type {Record<string, [number, number][]>} */
const CORNERS = {
  square: [
    [-4, -4],
    [4, -4],
    [4, 4],
    [-4, 4],
  ],
  diamond: [
    [0, -6.5],
    [6.5, 0],
    [0, 6.5],
    [-6.5, 0],
  ],
  triangle: [
    [0, -6],
    [5.5, 4.5],
    [-5.5, 4.5],
  ],
};

export class Cloud {
  /** @param {string} label */
  constructor(label) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "cloud";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute(
      "aria-label",
      `${label}. The arrow keys turn it, plus and minus change its size.`,
    );
    this.turn = 0.6;
    this.tilt = 0.35;
    this.zoom = 1;
    this.radius = 1;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {number[]} */
    this.groups = [];
    /** @type {string[] | null} */
    this.tints = null;
    this.waiting = false;
    /** Other clouds that turn with this one. @type {Cloud[]} */
    this.linked = [];
    this.listen();
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
  }

  listen() {
    const { canvas } = this;
    /** @type {{ x: number, y: number } | null} */
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      this.rotate((event.clientX - held.x) * 0.01, (event.clientY - held.y) * 0.01);
      held = { x: event.clientX, y: event.clientY };
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (held = null));
    canvas.addEventListener("keydown", (event) => {
      const moves = /** @type {Record<string, [number, number]>} */ ({
        ArrowLeft: [-0.12, 0],
        ArrowRight: [0.12, 0],
        ArrowUp: [0, -0.12],
        ArrowDown: [0, 0.12],
      });
      if (moves[event.key]) this.rotate(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.resize(1.15);
      else if (event.key === "-") this.resize(1 / 1.15);
      else return;
      event.preventDefault();
    });
  }

  /** @param {number} turn @param {number} tilt */
  rotate(turn, tilt) {
    for (const cloud of [this, ...this.linked]) {
      cloud.turn += turn;
      cloud.tilt = Math.max(-1.57, Math.min(1.57, cloud.tilt + tilt));
      cloud.redraw();
    }
  }

  /** @param {number} factor */
  resize(factor) {
    for (const cloud of [this, ...this.linked]) {
      cloud.zoom = Math.max(0.2, Math.min(8, cloud.zoom * factor));
      cloud.redraw();
    }
  }

  /** @param {Frame} frame @param {number} radius */
  show(frame, radius) {
    this.frame = frame;
    this.radius = radius || 1;
    this.redraw();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** The place of a point on a square of size 1 around 0, and its depth. @returns {(x: number, y: number, z: number) => [number, number, number]} */
  view() {
    const [ct, st, cp, sp] = [
      Math.cos(this.turn),
      Math.sin(this.turn),
      Math.cos(this.tilt),
      Math.sin(this.tilt),
    ];
    const scale = (0.46 * this.zoom) / this.radius;
    return (x, y, z) => {
      const [right, deep] = [x * ct + z * st, z * ct - x * st];
      return [right * scale, -(y * cp - deep * sp) * scale, (deep * cp + y * sp) / this.radius];
    };
  }

  draw() {
    const { canvas, frame } = this;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!frame) return;
    const size = Math.min(width, height);
    const [cx, cy] = [width / 2, height / 2];
    const view = this.view();
    const [ink, soft] = [colour("ink"), colour("soft")];
    pen.lineWidth = 1;
    pen.strokeStyle = colour("line");
    pen.fillStyle = soft;
    pen.font = "11px system-ui, sans-serif";
    for (const [place, axis] of axes(this.radius).entries()) {
      const [x, y] = view(axis[0], axis[1], axis[2]);
      pen.beginPath();
      pen.moveTo(cx, cy);
      pen.lineTo(cx + x * size, cy + y * size);
      pen.stroke();
      pen.fillText(`${place + 1}`, cx + x * size * 1.06 - 3, cy + y * size * 1.06 + 4);
    }
    const tints = this.tints ?? palette().classes;
    if (frame.trails?.length) {
      pen.globalAlpha = 0.55;
      const count = Math.min(LINES, frame.points.length / 3);
      for (let trial = 0; trial < count; trial += 1) {
        pen.strokeStyle = tints[(this.groups[trial] ?? 0) % tints.length];
        pen.beginPath();
        for (const [step, points] of frame.trails.entries()) {
          const [x, y] = view(points[3 * trial], points[3 * trial + 1], points[3 * trial + 2]);
          if (step) pen.lineTo(cx + x * size, cy + y * size);
          else pen.moveTo(cx + x * size, cy + y * size);
        }
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    this.drawPoints(pen, frame.points, tints, view, size, cx, cy);
    this.drawMarks(pen, frame.marks ?? [], view, size, cx, cy);
    for (const [x, y] of directions(frame, this.radius).map((end) => view(end[0], end[1], end[2]))) {
      pen.strokeStyle = ink;
      pen.lineWidth = 1.6;
      pen.beginPath();
      pen.moveTo(cx, cy);
      pen.lineTo(cx + x * size, cy + y * size);
      pen.stroke();
      pen.fillStyle = ink;
      pen.beginPath();
      pen.arc(cx + x * size, cy + y * size, 2.6, 0, 7);
      pen.fill();
    }
  }

  /**
   * Marks, above all points: filled squares, open diamonds, open triangles.
   * @param {CanvasRenderingContext2D} pen @param {Mark[]} marks
   * @param {(x: number, y: number, z: number) => [number, number, number]} view
   * @param {number} size @param {number} cx @param {number} cy
   */
  drawMarks(pen, marks, view, size, cx, cy) {
    [pen.lineWidth, pen.strokeStyle] = [1.8, colour("ink")];
    for (const { at, shape } of marks) {
      const [x, y] = view(...at);
      pen.beginPath();
      for (const [place, corner] of CORNERS[shape].entries()) {
        const to = /** @type {[number, number]} */ ([cx + x * size + corner[0], cy + y * size + corner[1]]);
        if (place) pen.lineTo(...to);
        else pen.moveTo(...to);
      }
      pen.closePath();
      pen.fillStyle = colour(shape === "square" ? "ink" : "paper");
      pen.fill();
      pen.stroke();
    }
  }

  /**
   * Far points first, in 24 layers: sorting all of them would take longer than drawing.
   * @param {CanvasRenderingContext2D} pen @param {Float32Array} points @param {string[]} tints
   * @param {(x: number, y: number, z: number) => [number, number, number]} view
   * @param {number} size @param {number} cx @param {number} cy
   */
  drawPoints(pen, points, tints, view, size, cx, cy) {
    const count = points.length / 3;
    const dot = count > 1000 ? 4 : 5.5;
    const layers = /** @type {number[][]} */ (Array.from({ length: 24 * tints.length }, () => []));
    for (let point = 0; point < count; point += 1) {
      const [x, y, depth] = view(points[3 * point], points[3 * point + 1], points[3 * point + 2]);
      const layer = Math.max(0, Math.min(23, Math.floor((1 - depth) * 12)));
      layers[layer * tints.length + ((this.groups[point] ?? 0) % tints.length)].push(
        cx + x * size,
        cy + y * size,
      );
    }
    for (const [place, places] of layers.entries()) {
      if (!places.length) continue;
      const near = Math.floor(place / tints.length) / 23;
      pen.globalAlpha = 0.45 + 0.5 * near;
      pen.fillStyle = tints[place % tints.length];
      const radius = (dot / 2) * (0.8 + 0.4 * near);
      pen.beginPath();
      for (let index = 0; index < places.length; index += 2) {
        pen.moveTo(places[index] + radius, places[index + 1]);
        pen.arc(places[index], places[index + 1], radius, 0, 6.2832);
      }
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /** The same picture for a file. */
  svg() {
    const size = 360;
    const svg = g("svg", {
      xmlns: "http://www.w3.org/2000/svg",
      width: size,
      height: size,
      viewBox: `0 0 ${size} ${size}`,
    });
    const { frame } = this;
    if (!frame) return svg;
    const view = this.view();
    const at = (/** @type {number} */ place) => size / 2 + place * size;
    for (const [place, axis] of axes(this.radius).entries()) {
      const [x, y] = view(axis[0], axis[1], axis[2]);
      svg.append(
        g("path", {
          d: `M${at(0)} ${at(0)}L${at(x).toFixed(1)} ${at(y).toFixed(1)}`,
          stroke: "#999999",
          fill: "none",
        }),
        g(
          "text",
          {
            x: at(x * 1.06),
            y: at(y * 1.06),
            "font-size": 11,
            "font-family": "Liberation Sans, Arial, sans-serif",
            fill: PRINT.soft,
          },
          `PC ${place + 1}`,
        ),
      );
    }
    const tints = this.tints ?? palette().classes;
    const places = Array.from({ length: frame.points.length / 3 }, (_, point) => ({
      place: view(frame.points[3 * point], frame.points[3 * point + 1], frame.points[3 * point + 2]),
      tint: tints[(this.groups[point] ?? 0) % tints.length],
    }));
    places.sort((one, other) => other.place[2] - one.place[2]);
    for (const { place, tint } of places) {
      svg.append(
        g("circle", {
          cx: at(place[0]),
          cy: at(place[1]),
          r: 2.2,
          fill: tint,
          "fill-opacity": 0.8,
        }),
      );
    }
    for (const { at: state, shape } of frame.marks ?? []) {
      const [x, y] = view(...state);
      const corners = CORNERS[shape].map(([right, down]) => `${at(x) + right} ${at(y) + down}`);
      svg.append(
        g("path", {
          d: `M${corners.join("L")}Z`,
          stroke: "#000000",
          "stroke-width": 1.6,
          fill: shape === "square" ? "#000000" : "#ffffff",
        }),
      );
    }
    for (const [x, y] of directions(frame, this.radius).map((end) => view(end[0], end[1], end[2]))) {
      svg.append(
        g("path", {
          d: `M${at(0)} ${at(0)}L${at(x).toFixed(1)} ${at(y).toFixed(1)}`,
          stroke: "#000000",
          "stroke-width": 1.6,
          fill: "none",
        }),
      );
    }
    return svg;
  }

  /** @returns {[string, any[]][]} */
  table() {
    const points = this.frame?.points ?? new Float32Array();
    const trials = Array.from({ length: points.length / 3 }, (_, trial) => trial);
    const axis = (/** @type {number} */ which) => trials.map((trial) => points[3 * trial + which]);
    return [
      ["trial", trials],
      ["group", trials.map((trial) => this.groups[trial] ?? 0)],
      ["axis1", axis(0)],
      ["axis2", axis(1)],
      ["axis3", axis(2)],
    ];
  }
}

/** @param {number} radius */
const axes = (radius) => [
  [radius, 0, 0],
  [0, radius, 0],
  [0, 0, radius],
];

/** The ends of the readout directions, as long as the part of them that lies in the picture. @param {Frame} frame @param {number} radius */
function directions(frame, radius) {
  const readout = frame.readout ?? [];
  const ends = [];
  let longest = 0;
  for (let place = 0; place + 2 < readout.length; place += 3) {
    const end = readout.slice(place, place + 3);
    longest = Math.max(longest, Math.hypot(...end));
    ends.push(end);
  }
  return longest > 0
    ? ends.slice(0, 12).map((end) => end.map((part) => (part / longest) * radius * 0.9))
    : [];
}

/** The distance from the middle within which nearly all points lie. @param {Float32Array[]} all */
export function reach(all) {
  let most = 0;
  for (const points of all) {
    const lengths = new Float32Array(points.length / 3);
    for (let point = 0; point < lengths.length; point += 1) {
      lengths[point] = Math.hypot(points[3 * point], points[3 * point + 1], points[3 * point + 2]);
    }
    lengths.sort();
    most = Math.max(most, lengths[Math.floor(lengths.length * 0.98)] ?? 0);
  }
  return most;
}

/** Between two clouds. @param {Float32Array} one @param {Float32Array} other @param {number} share @param {Float32Array} [into] */
export function between(one, other, share, into) {
  if (share === 0 || one.length !== other.length) return one;
  const mixed = into && into.length === one.length ? into : new Float32Array(one.length);
  for (let place = 0; place < one.length; place += 1)
    mixed[place] = one[place] + (other[place] - one[place]) * share;
  return mixed;
}
