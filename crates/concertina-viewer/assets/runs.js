// @ts-check
/** The table of runs. */

import { ask, complain, h, last, say, shellWord, short, watchStore } from "./common.js";
import { OWN, about, complete, parts } from "./filter.js";
import { parallel, scatter } from "./overview.js";

const ROW = 30;
const PAGE = 100;

/** @param {HTMLElement} main @param {string[]} _path @param {URLSearchParams} query @param {AbortSignal} signal */
export async function open(main, _path, query, signal) {
  const info = await ask("info", {}, signal);
  const state = {
    where: query.get("where") ?? "",
    sort: query.get("sort") ?? "",
    columns: query.get("columns") ?? "",
  };
  /** @type {any[]} */
  let columns = [];
  /** @type {Set<string>} */
  const chosen = new Set(JSON.parse(sessionStorage.getItem("chosen") ?? "[]"));
  let matched = 0;
  /** @type {string[]} */
  let names = [];
  /** @type {Map<number, any[][]>} */
  let pages = new Map();
  let turn = 0;

  const count = h("p", { class: "note", id: "count", role: "status" });
  const problem = h("p", { class: "bad", id: "problem", role: "alert" });
  const progress = h("p", { class: "note", id: "progress", role: "status" });
  const input = h("input", {
    type: "text",
    id: "filter",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "options",
    autocomplete: "off",
    "aria-autocomplete": "list",
    spellcheck: "false",
    placeholder: "gain = 250 and validation_accuracy > 0.9",
    value: state.where,
  });
  const options = h("ul", {
    class: "options",
    id: "options",
    role: "listbox",
    "aria-label": "Completions",
    hidden: true,
  });
  const head = h("thead");
  const body = h("tbody");
  const table = h("table", { id: "runs" }, head, body);
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs" }, table);
  const compare = h("a", { href: "#/compare" });
  const chooser = h("div", { id: "columns" });
  const menu = h("details", { class: "menu" }, h("summary", {}, "Columns"), chooser);

  /** @type {import("./overview.js").Host} */
  const host = {
    where: () => state.where,
    columns: () => columns,
    brushed: (name, conditions) => {
      const rest = parts(state.where).filter((part) => !about(part, name));
      setWhere([...rest, ...conditions].join(" and "));
    },
  };
  const views = { parallel: parallel(host), scatter: scatter(host) };
  /** @type {"parallel" | "scatter"} */
  let view = "parallel";
  const place = h("div", { id: "overview" }, views[view].element);
  const tabs = h(
    "div",
    { class: "tabs" },
    .../** @type {["parallel" | "scatter", string][]} */ ([
      ["parallel", "Parallel coordinates"],
      ["scatter", "Scatter"],
    ]).map(([name, title]) =>
      h(
        "button",
        {
          "aria-pressed": String(name === view),
          onclick: (/** @type {Event} */ event) => {
            view = name;
            for (const button of tabs.children)
              button.setAttribute("aria-pressed", String(button === event.currentTarget));
            place.replaceChildren(views[view].element);
            views[view].update(signal).catch(complain);
          },
        },
        title,
      ),
    ),
  );
  const content = h("div");
  main.append(h("h1", {}, "Runs"), h("p", { class: "note mono" }, info.store), content);

  /** @param {string} text */
  function setWhere(text) {
    input.value = text;
    state.where = text;
    reload();
  }

  /** Keeps the state in the address without opening the page again. */
  function remember() {
    const search = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
    const text = search.toString();
    history.replaceState(null, "", `#/runs${text ? `?${text}` : ""}`);
  }

  async function reload(quiet = false) {
    turn += 1;
    const mine = turn;
    try {
      const found = await ask("runs", { ...state, from: 0, count: PAGE }, signal);
      if (mine !== turn) return;
      problem.textContent = "";
      if (found.total > 0 && !content.contains(scroll)) fill();
      if (found.total === 0) return empty(found);
      reading(found);
      ({ matched } = found);
      names = found.columns;
      pages = new Map([[0, found.rows]]);
      count.textContent =
        found.matched === found.total
          ? `${found.total.toLocaleString("en")} run${found.total === 1 ? "" : "s"}`
          : `${found.matched.toLocaleString("en")} of ${found.total.toLocaleString("en")} runs`;
      remember();
      header();
      scroll.style.height = `min(56vh, ${(matched + 1) * ROW + 20}px)`;
      if (!quiet) scroll.scrollTop = 0;
      rows();
      await views[view].update(signal);
    } catch (error) {
      if (mine !== turn || signal.aborted) return;
      if (!content.contains(scroll)) fill();
      const hint = /** @type {any} */ (error).hint;
      problem.textContent = `${/** @type {Error} */ (error).message}${hint ? `: ${hint}` : ""}`;
    }
  }

  /** Says how much of a large store has been read. @param {{ total: number, unread: number }} found */
  function reading({ total, unread }) {
    const all = (total + unread).toLocaleString("en");
    progress.textContent = unread
      ? `Reading the store: ${total.toLocaleString("en")} of ${all} runs are here, and the others follow. ` +
        "(`concertina runs list` keeps an index, with which this takes a few seconds.)"
      : "";
  }

  /** @param {{ exists: boolean, unread: number }} found */
  function empty({ exists, unread }) {
    if (unread) {
      content.replaceChildren(h("p", { role: "status" }, `Reading ${unread.toLocaleString("en")} runs.`));
      return;
    }
    content.replaceChildren(
      h(
        "p",
        {},
        exists
          ? "The store has no runs yet. Train some, and they appear here by themselves:"
          : "There is no store in this folder yet. Train some runs into it, and they appear here by themselves:",
      ),
      h(
        "pre",
        { tabindex: "0" },
        h("code", {}, `concertina train gain=20,250 seed=0..5 --store ${shellWord(info.store)}`),
      ),
      h("p", {}, "Or see a network train in the ", h("a", { href: "#/playground" }, "playground"), "."),
    );
  }

  function fill() {
    content.replaceChildren(
      h(
        "div",
        { class: "row" },
        h(
          "div",
          { class: "filter" },
          h("label", { for: "filter", class: "note" }, "Show only runs where"),
          input,
          options,
        ),
        menu,
      ),
      problem,
      progress,
      tabs,
      place,
      h("div", { class: "row" }, count, compare),
      scroll,
    );
    choices();
  }

  function header() {
    const { sort } = state;
    head.replaceChildren(
      h(
        "tr",
        {},
        h("th", {}, h("span", { class: "quiet" }, "Compare")),
        ...names.map((name) => {
          const order = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
          const arrow = order === "ascending" ? " ↑" : order === "descending" ? " ↓" : "";
          const numeric = columns.find((column) => column.name === name)?.kind;
          return h(
            "th",
            {
              "aria-sort": order,
              class: numeric === "float" || numeric === "integer" ? "num" : "",
              scope: "col",
            },
            h(
              "button",
              {
                title: name,
                onclick: () => {
                  state.sort = order === "ascending" ? `-${name}` : order === "descending" ? "" : name;
                  reload();
                },
              },
              `${last(name)}${arrow}`,
            ),
          );
        }),
      ),
    );
  }

  /** Draws the rows in view, and asks for those that are not here yet. */
  function rows() {
    const first = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 10);
    const end = Math.min(matched, first + Math.ceil(scroll.clientHeight / ROW) + 20);
    const space = (/** @type {number} */ height) => {
      const cell = h("td", {
        colspan: names.length + 1,
        "aria-hidden": "true",
      });
      cell.style.height = `${height}px`;
      cell.style.padding = "0";
      cell.style.border = "none";
      return h("tr", { "aria-hidden": "true" }, cell);
    };
    const held = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.row;
    const shown = [];
    for (let row = first; row < end; row += 1) {
      const page = Math.floor(row / PAGE);
      const cells = pages.get(page)?.[row % PAGE];
      if (cells === undefined && !pages.has(page)) more(page);
      shown.push(
        cells ? line(row, cells) : h("tr", {}, h("td", { colspan: names.length + 1, class: "quiet" }, "…")),
      );
    }
    body.replaceChildren(
      ...(first ? [space(first * ROW)] : []),
      ...shown,
      ...(end < matched ? [space((matched - end) * ROW)] : []),
    );
    if (held)
      /** @type {HTMLElement | null} */ (body.querySelector(`[data-row="${held}"]`))?.focus({
        preventScroll: true,
      });
  }

  /** @param {number} page */
  async function more(page) {
    const mine = turn;
    pages.set(page, []);
    try {
      const found = await ask("runs", { ...state, from: page * PAGE, count: PAGE }, signal);
      if (mine !== turn) return;
      pages.set(page, found.rows);
      rows();
    } catch (error) {
      if (mine === turn) {
        pages.delete(page);
        complain(error);
      }
    }
  }

  /** @param {number} row @param {any[]} cells */
  function line(row, cells) {
    const [key] = cells;
    const box = h("input", {
      type: "checkbox",
      "aria-label": `Compare run ${key.slice(0, 12)}`,
      checked: chosen.has(key),
      onchange: (/** @type {Event} */ event) => {
        if (/** @type {HTMLInputElement} */ (event.target).checked) chosen.add(key);
        else chosen.delete(key);
        choices();
      },
    });
    return h(
      "tr",
      {},
      h("td", {}, box),
      ...cells.map((cell, place) => {
        if (place === 0)
          return h(
            "td",
            {},
            h("a", { href: `#/run/${key}`, class: "mono", "data-row": row }, key.slice(0, 12)),
          );
        return h("td", { class: typeof cell === "number" ? "num" : "" }, cell === null ? "" : short(cell));
      }),
    );
  }

  function choices() {
    sessionStorage.setItem("chosen", JSON.stringify([...chosen]));
    compare.textContent = chosen.size ? `Compare ${chosen.size} run${chosen.size === 1 ? "" : "s"}` : "";
    compare.hidden = chosen.size === 0;
    compare.setAttribute("href", `#/compare?runs=${[...chosen].map((key) => key.slice(0, 12)).join(",")}`);
  }

  function columnMenu() {
    const shown = new Set(
      state.columns
        ? state.columns.split(",")
        : columns.filter((column) => column.usual).map(({ name }) => name),
    );
    const list = h("div", {});
    Object.assign(list.style, { maxHeight: "50vh", overflow: "auto" });
    for (const { name, meaning } of columns) {
      if (name === "key") continue;
      const box = h("input", {
        type: "checkbox",
        checked: shown.has(name),
        onchange: (/** @type {Event} */ event) => {
          if (/** @type {HTMLInputElement} */ (event.target).checked) shown.add(name);
          else shown.delete(name);
          state.columns = columns
            .map((column) => column.name)
            .filter((each) => shown.has(each))
            .join(",");
          reload(true);
        },
      });
      list.append(h("label", { title: meaning || OWN[name] || "" }, box, ` ${name}`), h("br"));
    }
    chooser.replaceChildren(
      h(
        "button",
        {
          onclick: () => {
            state.columns = "";
            columnMenu();
            reload(true);
          },
        },
        "Those that differ",
      ),
      list,
    );
  }

  complete(
    input,
    options,
    () => columns,
    (text) => {
      state.where = text;
      reload();
    },
  );
  scroll.addEventListener("scroll", () => requestAnimationFrame(rows), {
    passive: true,
  });
  let known = 0;
  const changed = async () => {
    try {
      const found = await ask("columns", {}, signal);
      ({ columns } = found);
      known = found.version;
      if (!menu.open) columnMenu();
      await reload(true);
    } catch (error) {
      complain(error);
    }
  };
  watchStore(signal, ({ version, runs, unread }) => {
    if (known === version) return;
    const isNew = known > 0;
    changed().then(() => {
      if (isNew && !unread) say(`The store now has ${runs} runs`);
    });
  });
  await changed();
}
