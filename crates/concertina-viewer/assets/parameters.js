// @ts-check
/** What a run is, in words and in a table. */

import { h, panel, shellWord, short } from "./common.js";

/** What a run is called by, the most telling first. */
const TELLING = [
  "task.kind",
  "network.kind",
  "network.gain",
  "task.input_dim",
  "network.units",
  "train.loss",
  "seed",
];

/** @param {string} name */
export const rank = (name) => (TELLING.indexOf(name) + TELLING.length + 1) % (TELLING.length + 1);

/** @param {any} run @param {Record<string, any[]>} history */
export function facts(run, history) {
  const end = (/** @type {string} */ column) => history[column]?.at(-1);
  return /** @type {[string, any][]} */ ([
    ["status", run.status],
    ["epochs", run.reached?.epoch],
    ["validation accuracy", end("validation_accuracy")],
    ["validation loss", end("validation_loss")],
    ["checkpoints kept", run.checkpoints.length],
  ]).map(([name, value]) => h("div", {}, h("b", {}, short(value)), name));
}

/** @param {any} run @param {string} store */
export function parameters(run, store) {
  const rows = (/** @type {any[]} */ list) =>
    list.map((one) =>
      h(
        "tr",
        {},
        h("td", { title: one.meaning }, one.name),
        h("td", {}, `${one.value}${one.unit ? ` ${one.unit}` : ""}`),
        h("td", { class: "quiet" }, one.differs ? one.default : ""),
      ),
    );
  const differing = run.parameters.filter((/** @type {any} */ one) => one.differs);
  const rest = run.parameters.filter((/** @type {any} */ one) => !one.differs);
  const table = (/** @type {any[]} */ list) =>
    h(
      "table",
      { class: "small" },
      h(
        "thead",
        {},
        h("tr", {}, ...["Parameter", "Value", "Default"].map((name) => h("th", { scope: "col" }, name))),
      ),
      h("tbody", {}, ...rows(list)),
    );
  const set = differing.map((/** @type {any} */ one) => `${one.name}=${shellWord(one.value)}`);
  return panel(
    {
      title: "Parameters",
      name: "parameters",
      width: "w4",
      command: () => ["concertina train", ...set].join(" "),
      python: () =>
        `import concertina as ct\nrun = ct.Study(${JSON.stringify(store)}).run("${run.key.slice(0, 12)}")\nprint(run.params)`,
      table: () => [
        ["parameter", run.parameters.map((/** @type {any} */ one) => one.name)],
        ["value", run.parameters.map((/** @type {any} */ one) => one.value)],
      ],
    },
    differing.length ? table(differing) : h("p", { class: "note" }, "All are at their defaults."),
    h("details", {}, h("summary", {}, `${rest.length} at their defaults`), table(rest)),
  );
}
