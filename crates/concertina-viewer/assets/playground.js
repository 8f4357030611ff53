// @ts-check
/** A network that trains while one looks. */

import { Slider } from "./album.js";
import { Cloud, reach } from "./cloud.js";
import {
  Refused,
  STOPPED,
  ask,
  complain,
  copy,
  h,
  legend,
  palette,
  panel,
  say,
  short,
  tell,
} from "./common.js";
import { CONTROLS, PACES, inputs, unpacked, value } from "./controls.js";
import { curves } from "./course.js";
import { stepWord } from "./run.js";
import { STORIES } from "./stories.js";
import { Strip } from "./strip.js";

/** Curves and small clouds are drawn at most this often, in ms: an eye follows the large cloud. */
const REST = 250;

/** @param {HTMLElement} main @param {string[]} _path @param {URLSearchParams} query @param {AbortSignal} signal */
export async function open(main, _path, query, signal) {
  const info = await ask("info", {}, signal);
  /** Parameters as the address gives them, by their paths. @type {Record<string, string>} */
  let given = {};
  const at = {
    story: query.get("story") ?? "edge",
    step: Number(query.get("step") ?? 0),
  };
  for (const [name, text] of query) if (name.includes(".") || name === "seed") given[name] = text;
  let story = STORIES.find(({ name }) => name === at.story);
  const fresh = Object.keys(given).length === 0;
  let pace = query.has("pace")
    ? PACES.indexOf(query.get("pace") === "most" ? null : Number(query.get("pace")))
    : 3;
  if (pace < 0) pace = PACES.length - 1;

  /** @type {any} */
  let network = null;
  /** @type {EventSource | null} */
  let pictures = null;
  /** @type {any} */
  let picture = null;
  /** @type {(number | null)[]} */
  let before = [];
  /** @type {{ epoch: number, dimension: (number | null)[], accuracy: number | null, loss: number }[]} */
  let course = [];
  /** @type {number[]} */
  let reached = [];
  let playing = false;
  let altered = false;
  let turn = 0;
  /** When curves and small clouds were last drawn, and the timer that draws them again. */
  let [drawn, late] = [0, 0];

  const cloud = new Cloud("States of the network in training along three principal components");
  cloud.canvas.style.height = "min(52vh, 420px)";
  const timestep = new Slider(
    "timestep",
    (place) => stepWord(network?.timesteps[place]),
    () => show(),
    3,
  );
  const play = h(
    "button",
    {
      class: "main",
      id: "play",
      onclick: () => (playing ? command("pause") : command("play")),
    },
    "Play",
  );
  const step = h("button", { id: "step", onclick: () => command("step") }, "Step");
  const reset = h("button", { id: "reset", onclick: () => start() }, "Reset");
  const keep = h("button", { id: "keep", onclick: keepIt }, "Keep");
  const status = h("p", { class: "under", id: "moment", role: "status" });
  const problem = h("p", { class: "bad", role: "alert", id: "play-problem" });
  const facts = h("div", { class: "facts" });
  const strip = new Strip((place) => (timestep.value = place));
  const paceInput = h("input", {
    type: "range",
    min: 0,
    max: PACES.length - 1,
    step: 1,
    value: pace,
    "aria-label": "Epochs per second",
    oninput: () => {
      pace = Number(paceInput.value);
      paced();
      send({ command: "pace", epochs: PACES[pace] });
      remember();
    },
  });
  const paceWord = h("b");
  const seed = h("input", {
    type: "number",
    min: 0,
    value: given.seed ?? 0,
    "aria-label": "Seed",
    onchange: () => change("seed", seed.value),
  });
  const controls = h("div", { class: "controls" });
  const text = h("div", { class: "story" });
  const tabs = h(
    "div",
    { class: "tabs", role: "group", "aria-label": "Stories" },
    ...STORIES.map((each) =>
      h(
        "button",
        {
          "data-story": each.name,
          onclick: () => tellStory(each, 0),
        },
        each.title,
      ),
    ),
    h("button", { "data-story": "", onclick: () => tellStory(undefined, 0) }, "On your own"),
  );

  const { dimension, over, learning, spectrum } = curves(() => ({
    x: network?.timesteps ?? [],
    before,
    picture,
    course,
    place: Math.round(timestep.value),
    pick: (place) => (timestep.value = place),
  }));

  const line = () =>
    `concertina train ${assigned().join(" ")} train.epochs=${Math.max(1, Math.floor(picture?.epoch ?? 1))}`;
  const tint = palette().series[0];
  main.append(
    h("h1", {}, "Playground"),
    tabs,
    h(
      "div",
      { class: "grid" },
      h("div", { class: "w5" }, text),
      panel(
        {
          title: "The representation",
          name: "playground",
          width: "w7",
          svg: () => cloud.svg(),
          table: () => cloud.table(),
          command: line,
          python: () =>
            `import concertina as ct\nstudy = ct.Study("runs")\nruns = study.train(${pythonised()}, epochs=${Math.max(1, Math.floor(picture?.epoch ?? 1))})`,
        },
        h(
          "div",
          { class: "row" },
          play,
          step,
          reset,
          keep,
          h(
            "button",
            {
              class: "plain",
              onclick: () => copy(location.href.replace(/^[^#]*/, "")),
            },
            "Copy the experiment",
          ),
        ),
        facts,
        cloud.canvas,
        Slider.rows(timestep),
        status,
        problem,
      ),
      panel(
        {
          title: "Effective dimension in a trial",
          name: "play-dimension",
          width: "w4",
          svg: () => dimension.svg(),
          table: () => dimension.table(),
        },
        dimension.element,
        legend([
          { name: "before training", colour: tint, dash: true },
          { name: "now", colour: tint },
        ]),
      ),
      panel(
        {
          title: "Dimension at the last timestep",
          name: "play-course",
          width: "w4",
          svg: () => over.svg(),
          table: () => over.table(),
        },
        over.element,
      ),
      panel(
        {
          title: "Learning",
          name: "play-learning",
          width: "w4",
          svg: () => learning.svg(),
          table: () => learning.table(),
        },
        learning.element,
      ),
      h(
        "section",
        { class: "panel w8", "aria-label": "Every timestep" },
        h("div", { class: "head" }, h("h2", {}, "Every timestep")),
        strip.element,
        h(
          "p",
          { class: "under" },
          "The first two components at each timestep, each in its own scale, which is that of the widest cloud so far. Choose one to see it large.",
        ),
      ),
      panel(
        {
          title: "Eigenvalues of the recurrent weights",
          name: "play-spectrum",
          width: "w4",
          svg: () => spectrum.svg(),
          table: () => spectrum.table(),
        },
        spectrum.element,
      ),
      h(
        "section",
        { class: "w12", "aria-label": "Settings" },
        h("h2", {}, "Settings"),
        h(
          "p",
          { class: "note" },
          "The learning rate and the noise act at once. A change of anything else starts the network again.",
        ),
        controls,
      ),
    ),
  );

  /** The parameters as on the command line. */
  function assigned() {
    return Object.entries(given).map(([name, text]) => `${name}=${text}`);
  }

  function pythonised() {
    const shown = (/** @type {string} */ text) =>
      Number.isNaN(Number(text)) && text !== "true" && text !== "false"
        ? `"${text}"`
        : text.replace("true", "True").replace("false", "False");
    return Object.entries(given)
      .map(([name, text]) => `${name.split(".").at(-1)}=${shown(text)}`)
      .join(", ");
  }

  function remember() {
    const search = new URLSearchParams();
    if (story) {
      search.set("story", story.name);
      search.set("step", String(at.step));
    } else search.set("story", "");
    for (const [name, text] of Object.entries(given)) search.set(name, text);
    search.set("pace", PACES[pace] === null ? "most" : String(PACES[pace]));
    history.replaceState(null, "", `#/playground?${search}`);
  }

  function paced() {
    const chosen = PACES[pace];
    paceWord.textContent = chosen === null ? "as many as it can" : short(chosen);
  }

  /** @param {any} message */
  async function send(message) {
    if (!network) return;
    try {
      await tell(`playground/${network.id}`, message);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        await start();
      } else complain(error);
    }
  }

  /** @param {"play" | "pause" | "step"} what */
  async function command(what) {
    playing = what === "play";
    buttons();
    await send({ command: what });
  }

  function buttons() {
    play.textContent = playing ? "Pause" : "Play";
    keep.disabled = altered;
    keep.title = altered
      ? "The learning rate or the noise was changed in training: start again to keep the run"
      : "";
  }

  /** Starts a network with these parameters. */
  async function start() {
    turn += 1;
    const mine = turn;
    const old = network;
    pictures?.close();
    if (old) tell(`playground/${old.id}`, { command: "end" }).catch(() => undefined);
    [network, picture, before, course, reached, altered] = [null, null, [], [], [], false];
    problem.textContent = "";
    try {
      const found = await tell("playground", { set: assigned() });
      if (mine !== turn || signal.aborted) return void tell(`playground/${found.id}`, { command: "end" });
      network = found;
    } catch (error) {
      playing = false;
      buttons();
      problem.textContent = `${/** @type {Error} */ (error).message}${/** @type {any} */ (error).hint ? `: ${/** @type {any} */ (error).hint}` : ""}`;
      return;
    }
    reached = network.timesteps.map(() => 0);
    cloud.groups = network.labels ?? network.conditions;
    const whole = timestep.whole >= timestep.most;
    timestep.most = network.timesteps.length - 1;
    if (whole || timestep.whole > timestep.most) timestep.whole = timestep.most;
    timestep.tell(false);
    fillControls();
    strip.fill(network.timesteps);
    remember();
    paced();
    buttons();
    pictures = new EventSource(`api/playground/${network.id}/pictures`);
    pictures.onmessage = (event) => {
      if (mine === turn) take(JSON.parse(event.data));
    };
    pictures.onerror = () => {
      if (mine !== turn) return;
      const hasEnded = pictures?.readyState === EventSource.CLOSED;
      say(hasEnded ? "This network has ended. Start it again." : STOPPED);
      // the browser would ask again and again
      pictures?.close();
    };
    await send({ command: "pace", epochs: PACES[pace] });
    if (playing) await command("play");
  }

  /** Takes a picture. @param {any} found */
  function take(found) {
    const updates = network.updates_per_epoch;
    found.points = found.points.map(unpacked);
    picture = found;
    for (const [place, points] of found.points.entries())
      reached[place] = Math.max(reached[place], reach([points]));
    if (found.update === 0) before = found.dimension;
    const epoch = found.update / updates;
    if (!course.length || course[course.length - 1].epoch < epoch) {
      course.push({
        epoch,
        dimension: found.dimension,
        accuracy: found.accuracy,
        loss: found.loss,
      });
      if (course.length > 4000) course = course.filter((_, place) => place % 2 === 0);
    }
    problem.textContent = found.problem ?? "";
    if (found.problem) {
      playing = false;
      buttons();
    }
    main.dataset.pictures = String(found.number);
    show();
  }

  function show() {
    if (!picture) return;
    const place = Math.min(Math.round(timestep.value), picture.points.length - 1);
    cloud.show({ points: picture.points[place], readout: picture.readout[place] }, reached[place]);
    status.textContent = `The three axes hold ${(picture.explained[place] * 100).toFixed(0)}% of the variance at ${stepWord(network.timesteps[place])}.`;
    const rate = value(network.params, "train.learning_rate");
    facts.replaceChildren(
      .../** @type {[string, any][]} */ ([
        ["epoch", (picture.update / network.updates_per_epoch).toFixed(1)],
        ["accuracy", picture.accuracy === null ? null : `${(picture.accuracy * 100).toFixed(0)}%`],
        ["loss", picture.loss],
        [`dimension at ${stepWord(network.timesteps[place])}`, picture.dimension[place]],
        ["learning rate", Number(given["train.learning_rate"] ?? picture.learning_rate ?? rate)],
      ])
        .filter(([, found]) => found !== null)
        .map(([name, found]) => h("div", {}, h("b", {}, short(found)), name)),
    );
    strip.choose(place);
    if (late) return;
    late = window.setTimeout(
      () => {
        [late, drawn] = [0, performance.now()];
        if (!picture || signal.aborted) return;
        for (const plot of [dimension, over, learning, spectrum]) plot.redraw();
        strip.draw(picture.points, reached, cloud.groups);
      },
      Math.max(0, drawn + REST - performance.now()),
    );
  }

  /** @param {string} name @param {string} text */
  function change(name, text) {
    given[name] = text;
    const control = CONTROLS.find((each) => each.name === name);
    if (control?.live && network && picture && picture.update > 0) {
      altered = true;
      buttons();
      remember();
      const now = (/** @type {string} */ which) => Number(given[which] ?? value(network.params, which));
      send({
        command: "change",
        learning_rate: now("train.learning_rate"),
        gradient_noise: now("train.gradient_noise"),
      });
    } else start();
  }

  function fillControls() {
    controls.replaceChildren(
      ...inputs((name) => given[name] ?? value(network.params, name), change),
      h("label", {}, h("span", {}, "Epochs per second", paceWord), paceInput),
      h("label", {}, h("span", {}, "Seed"), seed),
    );
  }

  async function keepIt() {
    if (!info.may_keep) {
      say("This viewer only reads the store: start it with --allow-training to keep runs");
      await copy(line());
      return;
    }
    keep.disabled = true;
    await command("pause");
    try {
      const kept = await tell(`playground/${network.id}/keep`, {});
      problem.replaceChildren();
      status.replaceChildren(
        `Kept after ${kept.epochs} epoch${kept.epochs === 1 ? "" : "s"}, with the bits of the same run from the command line: `,
        h("a", { href: `#/run/${kept.key}`, id: "kept" }, kept.key.slice(0, 12)),
      );
    } catch (error) {
      complain(error);
    }
    buttons();
  }

  /** @param {import("./stories.js").Story | undefined} chosen @param {number} which */
  function tellStory(chosen, which, restart = true) {
    story = chosen;
    at.step = which;
    for (const button of tabs.children)
      button.setAttribute("aria-pressed", String(button.getAttribute("data-story") === (story?.name ?? "")));
    if (!story) {
      text.replaceChildren(
        h("h2", {}, "On your own"),
        h(
          "p",
          {},
          "Change anything below, and see what becomes of the cloud. The address holds the whole experiment: send it to a class, " +
            "and everyone sees the same network, bit-for-bit, in a viewer of their own.",
        ),
      );
      if (restart) start();
      else remember();
      return;
    }
    const page = story.steps[which];
    const told = story;
    const go = (/** @type {number} */ to) => tellStory(told, to);
    text.replaceChildren(
      h("p", { class: "step" }, `${which + 1} of ${told.steps.length}`),
      h("h2", {}, page.title),
      ...page.text.map((each) => h("p", {}, each)),
      h(
        "div",
        { class: "row" },
        page.action ? h("button", { class: "main", id: "do", onclick: () => act(page) }, page.action) : null,
        which > 0 ? h("button", { onclick: () => go(which - 1) }, "Back") : null,
        which < told.steps.length - 1
          ? h("button", { id: "next", onclick: () => go(which + 1) }, "Next")
          : null,
      ),
    );
    if (page.set && restart) {
      given = { ...page.set };
      playing = false;
      if (page.pace !== undefined) pace = PACES.indexOf(page.pace);
      paceInput.value = String(pace);
      seed.value = given.seed ?? "0";
      timestep.whole = timestep.most;
      start();
    } else remember();
  }

  /** @param {import("./stories.js").Step} page */
  function act(page) {
    if (page.change) for (const [name, text] of Object.entries(page.change)) change(name, text);
    if (!page.change || !playing) command("play");
    if (page.change) fillControls();
  }

  signal.addEventListener("abort", () => {
    turn += 1;
    pictures?.close();
    if (network) tell(`playground/${network.id}`, { command: "end" }).catch(() => undefined);
  });
  if (story) at.step = Math.min(Math.max(0, at.step || 0), story.steps.length - 1);
  tellStory(story, at.step, fresh);
  if (!fresh) await start();
}
