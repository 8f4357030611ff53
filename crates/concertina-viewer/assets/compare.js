// @ts-check
/** Runs side by side. */

import { Album, Leafing, Slider } from "./album.js";
import { Plot } from "./chart.js";
import { ask, complain, h, last, legend, palette, panel } from "./common.js";
import { byName, stepWord, word } from "./run.js";

/** Clouds that are shown at a time. */
const MOST = 6;

/** @param {HTMLElement} main @param {string[]} _path @param {URLSearchParams} query @param {AbortSignal} signal */
export async function open(main, _path, query, signal) {
  const chosen = JSON.parse(sessionStorage.getItem("chosen") ?? "[]");
  const keys = (query.get("runs") ?? chosen.join(",")).split(",").filter(Boolean);
  main.append(h("h1", {}, "Compare"));
  if (keys.length < 2) {
    main.append(
      h(
        "p",
        {},
        "Choose two or more runs in the table of ",
        h("a", { href: "#/runs" }, "runs"),
        " to see them side by side.",
      ),
    );
    return;
  }
  const runs = await Promise.all(
    keys.map((/** @type {string} */ key) => ask(`run/${encodeURIComponent(key)}`, {}, signal)),
  );
  const varied = differing(runs);
  const label = (/** @type {any} */ run) =>
    varied.map((name) => `${last(name)} ${value(run, name)}`).join(", ") || run.key.slice(0, 8);
  main.append(
    h(
      "p",
      { class: "note" },
      varied.length ? `They differ in ${varied.map(last).join(", ")}.` : "They have the same parameters.",
    ),
  );
  const grid = h("div", { class: "grid" });
  main.append(grid);

  const groups = grouped(runs, varied);
  const tints = palette().series;
  const band = groups.some(({ members }) => members.length > 1);
  const curve = (/** @type {string} */ title, /** @type {string} */ column, /** @type {any} */ more) => {
    const series = groups.map((group, place) =>
      summary(
        group.members.map((run) => byName(run.history)),
        column,
        group.name,
        tints[place % tints.length],
      ),
    );
    if (!series.some(({ y }) => y.some((each) => each !== null && each !== undefined))) return;
    const plot = new Plot(() => ({
      series,
      xLabel: "Epoch",
      yLabel: title,
      ...more,
    }));
    grid.append(
      panel(
        {
          title,
          name: `compare-${column}`,
          width: "w6",
          svg: () => plot.svg(),
          table: () => plot.table(),
          command: () => `concertina runs list --columns ${column}`,
        },
        plot.element,
      ),
    );
  };
  curve("Validation accuracy", "validation_accuracy", { yTo: 1 });
  curve("Validation loss", "validation_loss", {});
  grid.append(
    h(
      "div",
      { class: "w12" },
      legend(
        groups.map((group, place) => ({
          name: `${group.name}${group.members.length > 1 ? ` (${group.members.length} seeds)` : ""}`,
          colour: tints[place % tints.length],
        })),
      ),
      band
        ? h(
            "p",
            { class: "under" },
            "Lines are means over seeds, bands reach from the smallest to the largest.",
          )
        : null,
    ),
  );

  const shown = runs.slice(0, MOST);
  const leafings = shown.map((run) => new Leafing(new Album(), `States of ${label(run)}`));
  const training = new Slider(
    "training",
    (place) => `${place}%`,
    () => show(),
    18,
  );
  const timestep = new Slider(
    "timestep",
    (place) => stepWord(leafings[0].album.head?.timesteps[place]),
    () => show(),
    3,
  );
  training.most = 100;
  training.whole = 100;
  const dimension = new Plot(() => ({
    series: leafings.flatMap(({ album }, place) => {
      const leaf = album.leaves[Math.round((training.value / 100) * (album.leaves.length - 1))];
      const tint =
        tints[
          Math.max(
            0,
            groups.findIndex(({ members }) => members.includes(shown[place])),
          ) % tints.length
        ];
      return [
        {
          name: label(shown[place]),
          x: album.head?.timesteps ?? [],
          y: leaf?.dimension ?? [],
          colour: tint,
        },
      ];
    }),
    xLabel: "Timestep",
    yLabel: "Effective dimension",
    yFrom: 0,
    mark: leafings[0].album.head?.timesteps[Math.round(timestep.value)],
  }));
  const captions = shown.map(() => h("p", { class: "under" }));
  function show() {
    for (const [place, leafing] of leafings.entries()) {
      const at = (training.value / 100) * Math.max(0, leafing.album.leaves.length - 1);
      leafing.show(at, timestep.value);
      captions[place].textContent = word(leafing.album.leaves[Math.round(at)]);
    }
    dimension.redraw();
  }
  for (const leafing of leafings)
    leafing.cloud.linked = leafings.filter((other) => other !== leafing).map(({ cloud }) => cloud);
  const width = shown.length === 2 ? "w6" : "w4";
  grid.append(
    h(
      "div",
      { class: "w12" },
      h("h2", {}, "The representations"),
      Slider.rows(training, timestep),
      h(
        "p",
        { class: "under" },
        `All clouds move together.${runs.length > MOST ? ` The first ${MOST} of ${runs.length} runs are shown.` : ""}`,
      ),
    ),
  );
  for (const [place, leafing] of leafings.entries()) {
    leafing.cloud.canvas.style.height = "300px";
    grid.append(
      panel(
        {
          title: label(shown[place]),
          name: `states-${shown[place].key.slice(0, 12)}`,
          width,
          svg: () => leafing.cloud.svg(),
          table: () => leafing.cloud.table(),
        },
        leafing.cloud.canvas,
        captions[place],
        leafing.under,
        h("p", { class: "under" }, h("a", { href: `#/run/${shown[place].key}` }, "Look at this run")),
      ),
    );
  }
  grid.append(
    panel(
      {
        title: "Effective dimension in a trial",
        name: "compare-dimension",
        width: "w6",
        svg: () => dimension.svg(),
        table: () => dimension.table(),
      },
      dimension.element,
    ),
  );
  await Promise.all(
    leafings.map((leafing, place) =>
      leafing.album
        .read(shown[place].key, { samples: 300, basis: "timestep" }, signal, () => {
          timestep.most = Math.max(timestep.most, (leafing.album.head?.timesteps.length ?? 1) - 1);
          if (!timestep.whole) timestep.whole = timestep.most;
          timestep.tell(false);
          training.tell(false);
          show();
        })
        .catch(complain),
    ),
  );
}

/** @param {any} run @param {string} name */
const value = (run, name) => run.parameters.find((/** @type {any} */ one) => one.name === name)?.value ?? "–";

/** The parameters in which runs differ. @param {any[]} runs @returns {string[]} */
function differing(runs) {
  const names = new Set(runs.flatMap((run) => run.parameters.map((/** @type {any} */ one) => one.name)));
  return [...names].filter((name) => new Set(runs.map((run) => value(run, name))).size > 1);
}

/** Runs that differ in nothing but their seed belong together. @param {any[]} runs @param {string[]} varied */
function grouped(runs, varied) {
  const others = varied.filter((name) => name !== "seed" && name !== "train.epochs");
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const run of runs) {
    const name = others.map((each) => `${last(each)} ${value(run, each)}`).join(", ") || "all runs";
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}

/**
 * The mean over seeds, and the range.
 * @param {Record<string, any[]>[]} histories @param {string} column @param {string} name @param {string} colour
 * @returns {import("./chart.js").Series}
 */
function summary(histories, column, name, colour) {
  const longest = histories.reduce(
    (best, one) => ((one.epoch?.length ?? 0) > (best.epoch?.length ?? 0) ? one : best),
    histories[0],
  );
  const x = longest.epoch ?? [];
  const at = x.map((_, place) =>
    histories.map((one) => one[column]?.[place]).filter((each) => typeof each === "number"),
  );
  const y = at.map((all) => (all.length ? all.reduce((sum, each) => sum + each, 0) / all.length : null));
  const several = histories.length > 1;
  return {
    name,
    x,
    y,
    colour,
    low: several ? at.map((all) => (all.length ? Math.min(...all) : null)) : undefined,
    high: several ? at.map((all) => (all.length ? Math.max(...all) : null)) : undefined,
  };
}
