// @ts-check
/** What can be set in the playground. */

import { h, short } from "./common.js";

/**
 * What can be set. Those that are `live` act while the network trains; the others start it again.
 * @typedef {{ name: string, label: string, values?: (string | number)[], live?: boolean, only?: (values: Record<string, string>) => boolean }} Control
 * @type {Control[]}
 */
export const CONTROLS = [
  {
    name: "network.gain",
    label: "Gain",
    values: [1, 2, 5, 10, 20, 50, 100, 250, 500],
  },
  {
    name: "task.input_dim",
    label: "Input dimensions",
    values: [2, 3, 5, 10, 20, 50, 100, 200],
  },
  {
    name: "task.clusters",
    label: "Clusters",
    values: [4, 10, 20, 40, 60, 80, 120],
  },
  {
    name: "task.delay",
    label: "Delay (timesteps)",
    values: [0, 1, 2, 3, 4, 6, 8, 10, 14, 20],
  },
  {
    name: "network.units",
    label: "Units",
    values: [20, 50, 100, 200, 300, 500],
  },
  {
    name: "train.learning_rate",
    label: "Learning rate",
    values: [1e-5, 3e-5, 1e-4, 2e-4, 3e-4, 1e-3, 3e-3, 1e-2],
    live: true,
  },
  {
    name: "train.gradient_noise",
    label: "Noise on the gradient",
    values: [0, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 2, 5],
    live: true,
  },
  {
    name: "train.batch",
    label: "Trials in a batch",
    values: [1, 5, 10, 50, 200, 800],
  },
  {
    name: "train.loss",
    label: "Loss",
    values: ["cross_entropy", "mse", "mse_scalar"],
  },
  {
    name: "network.kind",
    label: "Network",
    values: ["vanilla", "leaky", "rate", "gru", "lstm"],
  },
  {
    name: "network.nonlinearity",
    label: "Nonlinearity",
    values: ["tanh", "linear", "relu"],
  },
  {
    name: "network.input_weights",
    label: "Input reaches",
    values: ["orthogonal", "diagonal"],
  },
];
const WORDS = /** @type {Record<string, string>} */ ({
  cross_entropy: "cross-entropy",
  mse: "squared error",
  mse_scalar: "squared error, one output",
  orthogonal: "all units",
  diagonal: "one unit per dimension",
  gru: "GRU",
  lstm: "LSTM",
  relu: "ReLU",
});
/** Epochs in a second; the last is as fast as possible. */
export const PACES = [0.25, 0.5, 1, 2, 4, 8, 16, 32, null];

/** A value of nested parameters by its path. @param {any} params @param {string} path */
export const value = (params, path) => path.split(".").reduce((inner, part) => inner?.[part], params);

/** Values that are left out of the parameters because they are not set. @type {Record<string, string>} */
const UNSET = { "network.gain": "20" };

/**
 * The sliders and menus.
 * @param {(name: string) => any} current @param {(name: string, text: string) => void} change
 */
export function inputs(current, change) {
  return CONTROLS.map(({ name, label, values = [] }) => {
    const now = String(current(name) ?? UNSET[name] ?? "0");
    if (values.every((each) => typeof each === "number")) {
      const numbers = /** @type {number[]} */ (values);
      const all =
        numbers.includes(Number(now)) || Number.isNaN(Number(now))
          ? numbers
          : [...numbers, Number(now)].sort((one, other) => one - other);
      const word = h("b", {}, short(Number(now)));
      const input = h("input", {
        type: "range",
        min: 0,
        max: all.length - 1,
        step: 1,
        value: Math.max(0, all.indexOf(Number(now))),
        "aria-valuetext": now,
        "data-name": name,
        oninput: () => (word.textContent = short(all[Number(input.value)])),
        onchange: () => change(name, String(all[Number(input.value)])),
      });
      return h("label", {}, h("span", {}, label, word), input);
    }
    const texts = values.map(String);
    const menu = h(
      "select",
      { "data-name": name, onchange: () => change(name, menu.value) },
      ...(texts.includes(now) ? texts : [...texts, now]).map((each) =>
        h("option", { value: each, selected: each === now }, WORDS[each] ?? each),
      ),
    );
    return h("label", {}, h("span", {}, label), menu);
  });
}

/** Points as they are sent: 16-bit numbers in units of a scale. @param {{ scale: number, points: string }} packed */
export function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed.points), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const points = new Float32Array(bytes.length / 2);
  for (let place = 0; place < points.length; place += 1)
    points[place] = view.getInt16(2 * place, true) * packed.scale;
  return points;
}
