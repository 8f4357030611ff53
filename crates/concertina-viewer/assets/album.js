// @ts-check
/** The clouds of a run at all its checkpoints, and the sliders that leaf through them. */

import { address, fetched, h, legend, palette, short } from "./common.js";
import { Cloud, between, reach } from "./cloud.js";

/**
 * @typedef {{ epoch: number, update: number, points: Float32Array[], dimension: (number | null)[], explained: number[],
 *   readout: number[][], views: (Float32Array | null)[], accuracy: number | null, loss: number }} Leaf
 * @typedef {{ timesteps: number[], samples: number, labels: number[] | null, conditions: number[], of: number, units: number,
 *   checkpoints: [number, number][], outputs: number }} Head
 */

export class Album {
  constructor() {
    /** @type {Head | null} */
    this.head = null;
    /** @type {Leaf[]} */
    this.leaves = [];
    /** @type {string[]} */
    this.problems = [];
    /** The reach of the cloud of each timestep over all of training: axes stay as they are. @type {number[]} */
    this.reach = [];
  }

  /**
   * Reads the clouds of a run as they are computed.
   * @param {string} key @param {{ samples: number, basis: string }} settings @param {AbortSignal} signal @param {() => void} more
   */
  async read(key, settings, signal, more) {
    const response = await fetched(address(`run/${key}/clouds`, settings), {
      signal,
    });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    let held = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (value) {
        const joined = new Uint8Array(held.length + value.length);
        joined.set(held);
        joined.set(value, held.length);
        held = joined;
      }
      let used = 0;
      for (;;) {
        const part = this.part(held, used);
        if (!part) break;
        used = part;
      }
      if (used) {
        held = held.slice(used);
        more();
      }
      if (done) return;
    }
  }

  /** Takes a part, if it is there as a whole, and says where the next begins. @param {Uint8Array} bytes @param {number} from */
  part(bytes, from) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (bytes.length < from + 4) return null;
    const head = view.getUint32(from, true);
    if (bytes.length < from + 8 + head) return null;
    const count = view.getUint32(from + 4 + head, true);
    const end = from + 8 + head + 4 * count;
    if (bytes.length < end) return null;
    const told = JSON.parse(new TextDecoder().decode(bytes.subarray(from + 4, from + 4 + head)));
    if (!this.head) {
      this.head = told;
      this.reach = told.timesteps.map(() => 0);
    } else if (told.problem) this.problems.push(told.problem);
    else {
      const numbers = new Float32Array(bytes.slice(end - 4 * count, end).buffer);
      const each = this.head.samples * 3;
      const view = (this.head.units + 1) * 3;
      let from = this.head.timesteps.length * each;
      // the input, at timestep -1, has no states
      told.views = this.head.timesteps.map((step) => {
        if (step < 0) return null;
        from += view;
        return numbers.subarray(from - view, from);
      });
      told.points = this.head.timesteps.map((_, place) => numbers.subarray(place * each, (place + 1) * each));
      for (const [place, points] of told.points.entries())
        this.reach[place] = Math.max(this.reach[place], reach([points]));
      this.leaves.push(told);
    }
    return end;
  }

  /**
   * Where states lie in the cloud of a leaf at a timestep; nowhere at the input.
   * @param {Leaf} leaf @param {number} step @param {number[][]} states @returns {[number, number, number][]}
   */
  static places(leaf, step, states) {
    const view = leaf.views[step];
    if (!view) return [];
    const middle = view.length - 3;
    return states.map((state) => {
      const place = /** @type {[number, number, number]} */ ([
        view[middle],
        view[middle + 1],
        view[middle + 2],
      ]);
      for (let unit = 0; unit < state.length; unit += 1)
        for (let axis = 0; axis < 3; axis += 1) place[axis] += state[unit] * view[3 * unit + axis];
      return place;
    });
  }

  /** What the points are coloured by: the classes of trials, or else their conditions. */
  get groups() {
    return this.head?.labels ?? this.head?.conditions ?? [];
  }
}

/** A slider with a play button. */
export class Slider {
  /** @param {string} name @param {(value: number) => string} word @param {() => void} moved @param {number} pace positions per second */
  constructor(name, word, moved, pace) {
    this.word = word;
    this.moved = moved;
    this.pace = pace;
    this.whole = 0;
    const id = `slider-${name.replaceAll(" ", "-")}-${Math.random().toString(36).slice(2, 7)}`;
    this.input = h("input", {
      type: "range",
      min: 0,
      max: 0,
      step: 1,
      value: 0,
      id,
    });
    this.output = h("output", { for: id });
    this.button = h(
      "button",
      {
        class: "icon",
        "aria-label": `Play over ${name}`,
        "aria-pressed": "false",
      },
      "▶",
    );
    this.label = h("label", { for: id }, name);
    this.input.addEventListener("input", () => {
      this.stop();
      this.whole = Number(this.input.value);
      this.tell();
    });
    this.button.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.playing = false;
  }

  get most() {
    return Number(this.input.max);
  }

  set most(most) {
    this.input.max = String(most);
    this.tell(false);
  }

  /** The position, which is between two checkpoints while it plays. */
  get value() {
    return Math.max(0, Math.min(this.most, this.whole));
  }

  set value(value) {
    this.whole = value;
    this.tell();
  }

  tell(moved = true) {
    this.input.value = String(Math.round(this.value));
    const text = this.word(Math.round(this.value));
    this.output.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
    if (moved) this.moved();
  }

  play() {
    this.playing = true;
    this.button.textContent = "❚❚";
    this.button.setAttribute("aria-pressed", "true");
    if (this.value >= this.most) this.whole = 0;
    let before = performance.now();
    const step = (/** @type {number} */ now) => {
      if (!this.playing || !this.input.isConnected) return;
      this.whole = Math.min(this.most, this.whole + ((now - before) / 1000) * this.pace);
      before = now;
      this.tell();
      if (this.whole >= this.most) this.stop();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.whole = Math.round(this.whole);
    this.button.textContent = "▶";
    this.button.setAttribute("aria-pressed", "false");
    this.tell();
  }

  /** @param {Slider[]} sliders */
  static rows(...sliders) {
    return h(
      "div",
      { class: "sliders" },
      ...sliders.flatMap(({ button, label, input, output }) => [button, label, input, output]),
    );
  }
}

/** How fixed points are marked: shapes, which need no colours. @type {Record<string, string>} */
const SIGNS = {
  "fixed point that attracts": "■",
  "fixed point with unstable directions": "◇",
  "slow point": "△",
};

/** @param {{ slow: boolean, unstable: number }} point @returns {{ name: string, shape: "square" | "diamond" | "triangle" }} */
function markOf({ slow, unstable }) {
  if (slow) return { name: "slow point", shape: "triangle" };
  return unstable > 0
    ? { name: "fixed point with unstable directions", shape: "diamond" }
    : { name: "fixed point that attracts", shape: "square" };
}

/** The cloud of an album at a place of the sliders. */
export class Leafing {
  /** @param {Album} album @param {string} label */
  constructor(album, label) {
    this.album = album;
    this.cloud = new Cloud(label);
    this.trails = false;
    /** Fixed points of the network at some checkpoints. @type {{ update: number, slow: boolean, unstable: number, state: number[] }[]} */
    this.fixed = [];
    this.under = h("p", { class: "under" });
    this.keys = h("div");
  }

  /** @param {number} checkpoint @param {number} timestep */
  show(checkpoint, timestep) {
    const { album, cloud } = this;
    if (!album.head || !album.leaves.length) return;
    const place = Math.min(checkpoint, album.leaves.length - 1);
    const [low, step] = [Math.floor(place), Math.min(Math.floor(timestep), album.head.timesteps.length - 1)];
    const leaf = album.leaves[low];
    const next = album.leaves[Math.min(low + 1, album.leaves.length - 1)];
    const after = Math.min(step + 1, leaf.points.length - 1);
    const mixed = between(
      between(leaf.points[step], next.points[step], place - low),
      between(leaf.points[after], next.points[after], place - low),
      timestep - step,
    );
    cloud.groups = album.groups;
    const trails = this.trails
      ? leaf.points.slice(0, step + 1).map((points, at) => between(points, next.points[at], place - low))
      : undefined;
    const share = timestep - step;
    const reached = this.trails
      ? Math.max(...album.reach)
      : album.reach[step] * (1 - share) + album.reach[after] * share;
    const nearest = album.leaves[Math.round(place)];
    const here = this.fixed.filter(({ update }) => update === nearest.update);
    const places = Album.places(
      nearest,
      Math.round(timestep),
      here.map(({ state }) => state),
    );
    const marks = places.map((at, which) => ({ at, ...markOf(here[which]) }));
    cloud.show({ points: mixed, readout: leaf.readout[step], trails, marks }, reached);
    const explained = leaf.explained[step];
    this.under.textContent = `Dimension ${short(leaf.dimension[step])}; the three axes hold ${(explained * 100).toFixed(0)}% of the variance.`;
  }

  /** The colours of the classes. */
  legend() {
    const { head } = this.album;
    if (!head) return;
    const groups = [...new Set(this.album.groups)].sort((one, other) => one - other);
    const tints = palette().classes;
    const what = head.labels ? "class" : "condition";
    const shown = groups.slice(0, 8).map((group) => ({
      name: `${what} ${group}`,
      colour: tints[group % tints.length],
      dot: true,
    }));
    const kinds = [...new Set(this.fixed.map((one) => markOf(one).name))].sort();
    this.keys.replaceChildren(
      legend(shown),
      kinds.length
        ? h(
            "div",
            { class: "legend" },
            ...kinds.map((name) => h("span", {}, h("b", { "aria-hidden": "true" }, SIGNS[name]), ` ${name}`)),
          )
        : "",
    );
  }
}
