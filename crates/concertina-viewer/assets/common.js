// @ts-check
/** What all pages use: elements, requests, colours, downloads. */

/** @typedef {Record<string, any>} Json */

/**
 * An HTML element. Properties that begin with `on` are listeners; the others are attributes.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} [given] @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null)
      element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An SVG element.
 * @param {string} tag @param {Record<string, string | number>} [given] @param {(Node | string)[]} children
 * @returns {SVGElement}
 */
export function g(tag, given = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(given)) {
    element.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  }
  element.append(...children);
  return element;
}

/** What the server says when it refuses. */
export class Refused extends Error {
  /** @param {string} message @param {string | null} hint @param {number} status */
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** @param {Response} response @returns {Promise<Response>} */
async function accepted(response) {
  if (response.ok) return response;
  let said = { error: response.statusText, hint: null };
  try {
    said = await response.json();
  } catch {
    // not JSON: the status says it
  }
  throw new Refused(said.error, said.hint, response.status);
}

/** @param {string} path @param {Record<string, any>} [query] */
export function address(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `api/${path}${text ? `?${text}` : ""}`;
}

/** @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function ask(path, query, signal) {
  return (await accepted(await fetch(address(path, query), { signal }))).json();
}

/** @param {string} path @param {any} body @returns {Promise<any>} */
export async function tell(path, body) {
  const text = JSON.stringify(body);
  return (await accepted(await fetch(`api/${path}`, { method: "POST", body: text }))).json();
}

/** @param {string} url @param {RequestInit} [request] */
export async function fetched(url, request) {
  return accepted(await fetch(url, request));
}

/** Says something at the bottom of the page for a while. @param {string} text */
export function say(text) {
  const line = h("p", {}, text);
  document.getElementById("status")?.append(line);
  setTimeout(() => line.remove(), 6000);
}

/** Says why something did not happen. @param {unknown} error */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const hint = error instanceof Refused && error.hint ? `: ${error.hint}` : "";
  say(`${error instanceof Error ? error.message : error}${hint}`);
}

/** Tells when the runs in the store change, until the page is left. A browser opens six connections to one
 * server, over all its pages, so a page that needs no news does not ask for them.
 * @param {AbortSignal} signal @param {(news: { version: number, runs: number, unread: number }) => void} use */
export function watchStore(signal, use) {
  const live = new EventSource("api/events");
  let [problem, lost] = ["", false];
  live.onmessage = (event) => {
    lost = false;
    const news = JSON.parse(event.data);
    if (news.problem && news.problem !== problem) say(news.problem);
    problem = news.problem ?? "";
    if (!news.problem) use(news);
  };
  live.onerror = () => {
    if (!lost) say(STOPPED);
    lost = true;
  };
  signal.addEventListener("abort", () => live.close());
}

/** What is said when no answer comes. */
export const STOPPED =
  "The viewer does not answer. If it has stopped, start it again and open its new address.";

/** A word of a command, in quotes if a shell would change it. @param {string} text */
export const shellWord = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A number as people read it. @param {any} value */
export function short(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

/** The last part of a parameter's name. @param {string} name */
export const last = (name) => name.split(".").at(-1) ?? name;

const OKABE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a800"];
/** The same hues for a dark page, where the darker ones would be lost. */
const OKABE_DARK = ["#56b4e9", "#e69f00", "#2fc79a", "#e39cc3", "#f0e442", "#8fa8ff", "#b3b3b3", "#ff8a5c"];
const PALETTES = /** @type {Record<string, { series: string[], classes: string[] }>} */ ({
  okabe: { series: OKABE, classes: OKABE },
  paper: {
    series: ["#00a0a0", "#e92629", ...OKABE.slice(2)],
    classes: ["#5a64aa", "#faab3e", ...OKABE.slice(2)],
  },
});

/** Whether the page is dark. */
export const isDark = () => document.documentElement.dataset.theme === "dark";

/** The colours that the reader chose. */
export function palette() {
  const chosen = localStorage.getItem("palette") ?? "okabe";
  if (chosen === "okabe" && isDark()) return { series: OKABE_DARK, classes: OKABE_DARK };
  return PALETTES[chosen] ?? PALETTES.okabe;
}

/** The value of a colour of the style sheet. @param {string} name */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A perceptual map from dark blue over green to yellow (viridis, in five steps). @param {number} share */
export function gradual(share) {
  const steps = [
    [68, 1, 84],
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [253, 231, 37],
  ];
  const seen = isDark() ? 0.3 + 0.7 * share : share;
  const place = Math.max(0, Math.min(0.999, seen)) * 4;
  const [low, high] = [steps[Math.floor(place)], steps[Math.floor(place) + 1]];
  const mixed = low.map((part, index) => Math.round(part + (high[index] - part) * (place % 1)));
  return `rgb(${mixed.join(" ")})`;
}

/** @param {string} name @param {Blob} blob */
export function save(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @param {[string, any[]][]} columns */
export function csv(columns) {
  const cell = (/** @type {any} */ value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = columns.length ? columns[0][1].length : 0;
  const lines = [columns.map(([name]) => cell(name)).join(",")];
  for (let row = 0; row < rows; row += 1)
    lines.push(columns.map(([, values]) => cell(values[row])).join(","));
  return `${lines.join("\n")}\n`;
}

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch {
    say("The browser does not let this page copy: select the text instead");
  }
}

/**
 * A panel: a picture with a title, and a menu with the lines that make it and its files.
 * @typedef {{ title: string, name: string, width?: string, command?: () => string, python?: () => string,
 *   svg?: () => SVGElement, table?: () => [string, any[]][], lacks?: () => string }} PanelSettings
 * `lacks` says what must be done first, as long as there is nothing to save.
 * @param {PanelSettings} settings @param {(Node | null)[]} content
 */
export function panel(settings, ...content) {
  const { title, name, width = "w6", command, python, svg, table } = settings;
  const drawn = () => new XMLSerializer().serializeToString(/** @type {() => SVGElement} */ (svg)());
  const lines = h("div");
  const menu = h(
    "details",
    { class: "menu" },
    h("summary", { "aria-label": `Save and repeat: ${title}` }, "Save"),
    lines,
  );
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    lines.replaceChildren();
    const files = h("div", { class: "row" });
    const missing = settings.lacks?.();
    if (missing) files.append(h("p", { class: "note" }, missing));
    if (svg && !missing) {
      const image = () => new Blob([drawn()], { type: "image/svg+xml" });
      files.append(
        h("button", { onclick: () => save(`${name}.svg`, image()) }, "SVG"),
        h(
          "button",
          {
            onclick: () =>
              fetched("api/pdf", { method: "POST", body: drawn() })
                .then((answer) => answer.blob())
                .then((pdf) => save(`${name}.pdf`, pdf))
                .catch(complain),
          },
          "PDF",
        ),
      );
    }
    if (table && !missing) {
      files.append(
        h(
          "button",
          {
            onclick: () => save(`${name}.csv`, new Blob([csv(table())], { type: "text/csv" })),
          },
          "CSV",
        ),
      );
    }
    lines.append(files);
    for (const [what, text] of /** @type {[string, string | undefined][]} */ ([
      ["At the command line", command?.()],
      ["In Python", python?.()],
    ])) {
      if (!text) continue;
      lines.append(
        h(
          "div",
          { class: "row" },
          h("h3", {}, what),
          h("button", { class: "plain", onclick: () => copy(text) }, "Copy"),
        ),
        h("pre", { tabindex: "0" }, h("code", {}, text)),
      );
    }
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
  const has = command || python || svg || table;
  return h(
    "section",
    { class: `panel ${width}`, "aria-label": title, id: `panel-${name}` },
    h("div", { class: "head" }, h("h2", {}, title), has ? h("div", { class: "tools" }, menu) : null),
    ...content,
  );
}

/** A legend. @param {{ name: string, colour: string, dash?: boolean, dot?: boolean }[]} entries */
export function legend(entries) {
  return h(
    "div",
    { class: "legend" },
    ...entries.map(({ name, colour: tint, dash, dot }) => {
      const mark = h("i", { class: dot ? "dot" : dash ? "dash" : "" });
      if (dot) mark.style.background = tint;
      else mark.style.borderTopColor = tint;
      return h("span", {}, mark, name);
    }),
  );
}
