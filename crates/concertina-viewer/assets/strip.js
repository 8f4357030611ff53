// @ts-check
/** The clouds of all timesteps side by side, small. */

import { h, palette } from "./common.js";
import { stepWord } from "./run.js";

const SIZE = 132;

export class Strip {
  /** @param {(place: number) => void} chosen */
  constructor(chosen) {
    this.element = h("div", { class: "row", id: "strip" });
    this.chosen = chosen;
    /** @type {{ button: HTMLElement, canvas: HTMLCanvasElement }[]} */
    this.all = [];
  }

  /** @param {number[]} timesteps */
  fill(timesteps) {
    this.all = timesteps.map((step, place) => {
      const canvas = h("canvas", { width: SIZE, height: SIZE });
      Object.assign(canvas.style, { width: `${SIZE / 2}px`, height: `${SIZE / 2}px` });
      const button = h(
        "button",
        {
          class: "plain",
          "aria-label": `Show ${stepWord(step)}`,
          onclick: () => this.chosen(place),
        },
        canvas,
        step < 0 ? "input" : String(step),
      );
      return { button, canvas };
    });
    this.element.replaceChildren(...this.all.map(({ button }) => button));
  }

  /** @param {number} place */
  choose(place) {
    for (const [step, { button }] of this.all.entries())
      button.setAttribute("aria-pressed", String(step === place));
  }

  /** @param {Float32Array[]} points @param {number[]} radii @param {number[]} groups */
  draw(points, radii, groups) {
    const tints = palette().classes;
    for (const [step, { canvas }] of this.all.entries()) {
      if (!points[step]) continue;
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      pen.clearRect(0, 0, SIZE, SIZE);
      const scale = (SIZE * 0.45) / (radii[step] || 1);
      // one colour after the other: changing it for every point would take most of the time
      for (const [which, tint] of tints.entries()) {
        pen.fillStyle = tint;
        for (let point = 0; point < points[step].length / 3; point += 1) {
          if ((groups[point] ?? 0) % tints.length !== which) continue;
          const [x, y] = [points[step][3 * point], points[step][3 * point + 1]];
          pen.fillRect(SIZE / 2 - 1 + x * scale, SIZE / 2 - 1 - y * scale, 3, 3);
        }
      }
    }
  }
}
