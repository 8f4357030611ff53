// @ts-check
/** One run. */

import { Album, Leafing, Slider } from "./album.js";
import { Plot } from "./chart.js";
import { ask, complain, gradual, h, last, legend, palette, panel, shellWord } from "./common.js";
import { facts, parameters, rank } from "./parameters.js";

/** The columns of a table by their names. @param {{ name: string, values: any[] }[]} table @returns {Record<string, any[]>} */
export const byName = (table) => Object.fromEntries(table.map(({ name, values }) => [name, values]));

/** @param {HTMLElement} main @param {string[]} path @param {URLSearchParams} query @param {AbortSignal} signal */
export async function open(main, path, query, signal) {
  const run = await ask(`run/${encodeURIComponent(path[0] ?? "")}`, {}, signal);
  const key = run.key.slice(0, 12);
  const history = byName(run.history);
  const store = (await ask("info", {}, signal)).store;
  const command = (/** @type {string} */ analysis, extra = "") =>
    `concertina analyse ${analysis} --run ${key}${extra} --store ${shellWord(store)}`;
  const python = (/** @type {string} */ line) =>
    `import concertina as ct\nrun = ct.Study(${JSON.stringify(store)}).run("${key}")\n${line}`;

  const differing = run.parameters.filter((/** @type {any} */ one) => one.differs);
  differing.sort((/** @type {any} */ one, /** @type {any} */ other) => rank(one.name) - rank(other.name));
  const name = differing
    .slice(0, 4)
    .map((/** @type {any} */ one) => `${last(one.name)} ${one.value}`)
    .join(", ");
  main.append(
    h("h1", {}, name || "The default network"),
    h("p", { class: "note mono" }, `${run.key}`),
    h("div", { class: "facts" }, ...facts(run, history)),
  );
  if (!run.parameters.length) {
    main.append(
      h(
        "p",
        { class: "bad" },
        "The parameters of this run are damaged, or of a newer version. " +
          "`concertina store verify` says what is damaged; the run is computed again when it is next asked for.",
      ),
    );
  }
  const grid = h("div", { class: "grid" });
  main.append(grid);

  const marks = { epoch: /** @type {number | null} */ (null) };
  /** @type {Plot[]} */
  const curves = [];
  if (history.epoch?.length) {
    const [blue, red] = palette().series;
    const curve = (
      /** @type {string} */ title,
      /** @type {string} */ id,
      /** @type {[string, string, string][]} */ lines,
      /** @type {any} */ more,
    ) => {
      const there = lines.filter(([column]) => history[column]?.some((value) => value !== null));
      if (!there.length) return;
      const plot = new Plot(() => ({
        series: there.map(([column, label, tint]) => ({
          name: label,
          x: history.epoch,
          y: history[column],
          colour: tint,
        })),
        xLabel: "Epoch",
        yLabel: title,
        mark: marks.epoch,
        onpick: (epoch) => pick(epoch),
        ...more,
      }));
      curves.push(plot);
      grid.append(
        panel(
          {
            title,
            name: `${id}-${key}`,
            width: "w4",
            svg: () => plot.svg(),
            table: () => there.map(([column]) => [column, history[column]]),
            command: () => `concertina runs show ${key} --store ${shellWord(store)}`,
            python: () => python("run.history.to_pandas()"),
          },
          plot.element,
          legend(there.map(([, label, tint]) => ({ name: label, colour: tint }))),
        ),
      );
    };
    curve(
      "Loss",
      "loss",
      [
        ["training_loss", "training", blue],
        ["validation_loss", "validation", red],
      ],
      { log: history.validation_loss.every((value) => value > 0) },
    );
    curve(
      "Accuracy",
      "accuracy",
      [
        ["training_accuracy", "training", blue],
        ["validation_accuracy", "validation", red],
      ],
      { yTo: 1 },
    );
    curve("Learning rate", "learning-rate", [["learning_rate", "learning rate", blue]], { yFrom: 0 });
  }

  const album = new Album();
  const leafing = new Leafing(album, "States of the network along three principal components");
  const checkpoint = new Slider(
    "checkpoint",
    (place) => word(album.leaves[place]),
    () => show(),
    12,
  );
  const timestep = new Slider(
    "timestep",
    (place) => stepWord(album.head?.timesteps[place]),
    () => show(),
    3,
  );
  const settings = { samples: 500, basis: "timestep" };
  const dimension = new Plot(() => {
    const [first, now] = [album.leaves[0], album.leaves[Math.round(checkpoint.value)] ?? album.leaves.at(-1)];
    const x = album.head?.timesteps ?? [];
    const tint = palette().series[0];
    return {
      series: [
        {
          name: "before training",
          x,
          y: first?.dimension ?? [],
          colour: tint,
          dash: true,
        },
        { name: word(now), x, y: now?.dimension ?? [], colour: tint },
      ],
      xLabel: "Timestep",
      yLabel: "Effective dimension",
      yFrom: 0,
      mark: x[Math.round(timestep.value)],
      onpick: (at) =>
        (timestep.value = Math.max(
          0,
          x.findIndex((one) => one >= at - 0.5),
        )),
    };
  });
  const overTraining = new Plot(() => {
    const steps = album.head?.timesteps ?? [];
    const chosen = [...new Set([0, Math.floor(steps.length / 2), steps.length - 1])];
    const x = album.leaves.map((leaf) => leaf.epoch);
    return {
      series: chosen.map((place, at) => ({
        name: stepWord(steps[place]),
        x,
        y: album.leaves.map((leaf) => leaf.dimension[place]),
        colour: gradual(at / 2.6),
      })),
      xLabel: "Epoch",
      yLabel: "Effective dimension",
      yFrom: 0,
      mark: album.leaves[Math.round(checkpoint.value)]?.epoch,
      onpick: (epoch) => pick(epoch),
    };
  });
  const fixed = h("p", { class: "under", id: "fixed" });
  if (run.parameters.length)
    ask(`run/${run.key}/fixed_points`, {}, signal)
      .then(({ analysed, updates, points }) => {
        leafing.fixed = points;
        fixed.textContent = analysed
          ? `Fixed points were looked for at ${updates.length} checkpoint${updates.length === 1 ? "" : "s"}, ` +
            `and ${points.length} points were found.`
          : "Fixed points appear here once they are analysed: " + command("fixed_points");
        leafing.legend();
        show();
      })
      .catch(complain);
  let shownUpdate = -1;
  function show() {
    leafing.show(checkpoint.value, timestep.value);
    const leaf = album.leaves[Math.round(checkpoint.value)];
    marks.epoch = leaf?.epoch ?? null;
    dimension.redraw();
    if (leaf && leaf.update !== shownUpdate) {
      shownUpdate = leaf.update;
      for (const plot of curves) plot.redraw();
      overTraining.redraw();
      plane(leaf.update);
    }
  }
  /** @param {number} epoch */
  function pick(epoch) {
    const distances = album.leaves.map((leaf) => Math.abs(leaf.epoch - epoch));
    checkpoint.value = Math.max(0, distances.indexOf(Math.min(...distances)));
  }

  const loading = h("p", { class: "under", role: "status" });
  leafing.cloud.canvas.style.height = "min(56vh, 460px)";
  const samples = h(
    "select",
    {
      onchange: (/** @type {any} */ event) => {
        settings.samples = Number(event.target.value);
        load();
      },
    },
    ...[200, 500, 1000, 2000].map((count) =>
      h("option", { value: count, selected: count === settings.samples }, `${count} trials`),
    ),
  );
  const basis = h(
    "select",
    {
      onchange: (/** @type {any} */ event) => {
        settings.basis = event.target.value;
        load();
      },
    },
    h("option", { value: "timestep" }, "of each timestep"),
    h("option", { value: "trial" }, "of the whole trial, with trajectories"),
  );
  grid.append(
    panel(
      {
        title: "The representation",
        name: `states-${key}`,
        width: "w7",
        svg: () => leafing.cloud.svg(),
        table: () => leafing.cloud.table(),
        command: () => command("pca_snapshots", " --with components=3 --checkpoints all"),
        python: () => python(`run.pca_snapshots(components=3, at="all")`),
      },
      leafing.cloud.canvas,
      Slider.rows(checkpoint, timestep),
      leafing.keys,
      leafing.under,
      fixed,
      loading,
      h("div", { class: "row note" }, h("label", {}, "Components ", basis), h("label", {}, "Show ", samples)),
      h(
        "p",
        { class: "under" },
        "Drag the cloud, or use the arrow keys, to turn it. Lines from the middle are directions of the readout weights. From checkpoint " +
          "to checkpoint the axes are rotated onto those before, so that the cloud moves and does not jump.",
      ),
    ),
  );
  const tints = palette().series;
  grid.append(
    h(
      "div",
      { class: "w5 grid", id: "beside" },
      panel(
        {
          title: "Effective dimension in a trial",
          name: `dimension-${key}`,
          width: "w12",
          svg: () => dimension.svg(),
          table: () => dimension.table(),
          command: () => command("effective_dimension", " --checkpoints all"),
          python: () => python(`run.effective_dimension(at="all")`),
        },
        dimension.element,
        legend([
          { name: "before training", colour: tints[0], dash: true },
          { name: "at the checkpoint", colour: tints[0] },
        ]),
      ),
      panel(
        {
          title: "Effective dimension over training",
          name: `dimension-training-${key}`,
          width: "w12",
          svg: () => overTraining.svg(),
          table: () => overTraining.table(),
          command: () => command("effective_dimension", " --checkpoints all"),
          python: () => python(`run.effective_dimension(at="all")`),
        },
        overTraining.element,
        h("p", { class: "under", id: "steps" }),
      ),
    ),
  );

  /** @type {[number, number][]} */
  let eigenvalues = [];
  const spectrum = new Plot(() => ({
    series: [
      {
        name: "eigenvalues",
        x: eigenvalues.map(([real]) => real),
        y: eigenvalues.map(([, imaginary]) => imaginary),
        colour: palette().series[0],
      },
    ],
    xLabel: "Real part",
    yLabel: "Imaginary part",
    dots: true,
    square: true,
    circle: true,
  }));
  let waiting = 0;
  /** @param {number} update */
  function plane(update) {
    clearTimeout(waiting);
    waiting = window.setTimeout(async () => {
      try {
        const found = await ask(`run/${run.key}/spectrum`, { update }, signal);
        eigenvalues = found.eigenvalues ?? [];
        spectrum.redraw();
      } catch (error) {
        complain(error);
      }
    }, 120);
  }
  const exponents = h("div");
  const lyapunov = h(
    "button",
    {
      onclick: async () => {
        lyapunov.disabled = true;
        lyapunov.textContent = "Computing";
        try {
          const ends = [album.leaves[0], album.leaves.at(-1)].filter((leaf) => leaf !== undefined);
          const found = await Promise.all(
            ends.map((leaf) => ask(`run/${run.key}/lyapunov`, { update: leaf.update }, signal)),
          );
          const tables = found.map(({ table }) => byName(table));
          const plot = new Plot(() => ({
            series: tables.map((table, place) => ({
              name: place ? "after" : "before",
              x: table.index,
              y: table.exponent,
              colour: palette().series[0],
              dash: place === 0,
            })),
            xLabel: "Index of exponent",
            yLabel: "Bits per timestep",
          }));
          exponents.replaceChildren(
            plot.element,
            legend([
              { name: "first checkpoint", colour: tints[0], dash: true },
              { name: "last", colour: tints[0] },
            ]),
          );
          drawnExponents = plot;
        } catch (error) {
          lyapunov.disabled = false;
          lyapunov.textContent = "Compute the ten largest";
          complain(error);
        }
      },
    },
    "Compute the ten largest",
  );
  /** @type {Plot | null} */
  let drawnExponents = null;
  exponents.append(
    h(
      "p",
      { class: "note" },
      "How fast nearby states move apart or together, without input. This takes some seconds.",
    ),
    lyapunov,
  );
  grid.append(
    panel(
      {
        title: "Eigenvalues of the recurrent weights",
        name: `spectrum-${key}`,
        width: "w4",
        svg: () => spectrum.svg(),
        table: () => spectrum.table(),
        command: () => command("spectrum", " --checkpoints all"),
        python: () => python(`run.spectrum(at="all")`),
      },
      spectrum.element,
      h("p", { class: "under" }, "Dashed: the unit circle."),
    ),
    panel(
      {
        title: "Lyapunov exponents",
        name: `lyapunov-${key}`,
        width: "w4",
        lacks: () => (drawnExponents ? "" : "There is a picture to save once the exponents are computed."),
        svg: () => /** @type {Plot} */ (drawnExponents).svg(),
        table: () => drawnExponents?.table() ?? [],
        command: () => command("lyapunov", " --with exponents=10"),
        python: () => python("run.lyapunov(exponents=10)"),
      },
      exponents,
    ),
    parameters(run, store),
  );

  let reading = new AbortController();
  async function load() {
    reading.abort();
    reading = new AbortController();
    signal.addEventListener("abort", () => reading.abort());
    const mine = reading.signal;
    Object.assign(album, new Album());
    leafing.trails = settings.basis === "trial";
    try {
      await album.read(run.key, settings, mine, () => {
        if (mine.aborted) return;
        const atEnd = checkpoint.value >= checkpoint.most;
        checkpoint.most = Math.max(0, album.leaves.length - 1);
        timestep.most = Math.max(0, (album.head?.timesteps.length ?? 1) - 1);
        if (!timestep.whole) timestep.whole = timestep.most;
        if (atEnd && !checkpoint.playing) checkpoint.whole = checkpoint.most;
        const all = album.head?.checkpoints.length ?? 0;
        loading.textContent = album.leaves.length < all ? `${album.leaves.length} of ${all} checkpoints` : "";
        checkpoint.tell(false);
        timestep.tell(false);
        leafing.legend();
        show();
      });
      const kept = album.head?.of ?? 0;
      const thinned =
        kept > album.leaves.length + album.problems.length
          ? `Of ${kept} checkpoints, ${album.leaves.length} are shown. `
          : "";
      loading.textContent = `${thinned}${album.problems.length ? `${album.problems.length} could not be read: ${album.problems[0]}` : ""}`;
      const steps = album.head?.timesteps ?? [];
      const place = document.getElementById("steps");
      const chosen = [...new Set([0, Math.floor(steps.length / 2), steps.length - 1])];
      place?.replaceChildren(
        legend(
          chosen.map((at, which) => ({
            name: stepWord(steps[at]),
            colour: gradual(which / 2.6),
          })),
        ),
      );
      overTraining.redraw();
    } catch (error) {
      if (!mine.aborted) loading.textContent = error instanceof Error ? error.message : String(error);
    }
  }
  await load();
}

/** @param {import("./album.js").Leaf | undefined} leaf */
export const word = (leaf) =>
  leaf ? (leaf.update === 0 ? "before training" : `epoch ${leaf.epoch}, update ${leaf.update}`) : "";

/** @param {number | undefined} timestep */
export const stepWord = (timestep) =>
  timestep === undefined ? "" : timestep < 0 ? "input" : `timestep ${timestep}`;
