// @ts-check
/** The line in which a condition is typed, with completion. */

import { h, last } from "./common.js";

/** Columns that are not parameters, and what they are. */
export const OWN = /** @type {Record<string, string>} */ ({
  key: "the run",
  status: "how it ended",
  epochs: "epochs trained",
  updates: "updates trained",
  folder: "its folder",
  training_loss: "in the last epoch",
  training_accuracy: "in the last epoch",
  validation_loss: "after the last epoch",
  validation_accuracy: "after the last epoch",
  finished: "when it was last trained",
  wall_seconds: "how long training took",
});

/** The parts of a condition that are joined by `and` outside brackets and quotes. @param {string} text */
export function parts(text) {
  const found = [];
  let [depth, quoted, part] = [0, false, ""];
  for (const word of text.split(/(\s+|[()'])/)) {
    if (word === "'") quoted = !quoted;
    if (!quoted && word === "(") depth += 1;
    if (!quoted && word === ")") depth -= 1;
    if (!quoted && depth === 0 && word.toLowerCase() === "and") {
      found.push(part.trim());
      part = "";
    } else part += word;
  }
  found.push(part.trim());
  return found.filter(Boolean);
}

/** Whether a part of a condition is about a column alone. @param {string} part @param {string} name */
export function about(part, name) {
  const words = part.replace(/^\(+/, "").split(/\s|[<>=!]/);
  return words[0] === name || words[0] === last(name);
}

/**
 * Completes names of columns and their values while a condition is typed.
 * @param {HTMLInputElement} input @param {HTMLElement} list @param {() => any[]} columns @param {(text: string) => void} done
 */
export function complete(input, list, columns, done) {
  /** @type {{ text: string, note: string }[]} */
  let offers = [];
  let at = -1;
  let timer = 0;
  const word = () => {
    const before = input.value.slice(0, input.selectionStart ?? input.value.length);
    return /[\w.]*$/.exec(before)?.[0] ?? "";
  };
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const show = () => {
    const typed = word();
    const before = input.value.slice(0, (input.selectionStart ?? 0) - typed.length).trimEnd();
    const compared = /([\w.]+)\s*!?=$/.exec(before);
    if (compared) {
      const column = columns().find(({ name }) => name === compared[1] || last(name) === compared[1]);
      offers = (column?.choices ?? [])
        .filter((/** @type {string} */ choice) => choice.startsWith(typed))
        .map((/** @type {string} */ choice) => ({ text: choice, note: "" }));
    } else if (typed && !/[<>=]$/.test(before)) {
      const low = typed.toLowerCase();
      offers = columns()
        .filter(({ name }) => name.includes(low) && name !== low && last(name) !== low)
        .sort(
          (one, other) => Number(last(other.name).startsWith(low)) - Number(last(one.name).startsWith(low)),
        )
        .slice(0, 12)
        .map(({ name, meaning }) => ({
          text: last(name) === "kind" ? name : last(name),
          note: meaning || OWN[name] || "",
        }));
    } else offers = [];
    if (!offers.length) return close();
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    list.replaceChildren(
      ...offers.map(({ text, note }, place) =>
        h(
          "li",
          {
            role: "option",
            id: `option-${place}`,
            "aria-selected": String(place === at),
            onpointerdown: (/** @type {Event} */ event) => {
              event.preventDefault();
              take(place);
            },
          },
          text,
          note ? h("small", {}, note) : null,
        ),
      ),
    );
    if (at >= 0) {
      input.setAttribute("aria-activedescendant", `option-${at}`);
      list.children[at]?.scrollIntoView({ block: "nearest" });
    }
  };
  const take = (/** @type {number} */ place) => {
    const typed = word();
    const end = input.selectionStart ?? input.value.length;
    const text = `${input.value.slice(0, end - typed.length)}${offers[place].text} `;
    input.value = text + input.value.slice(end);
    input.setSelectionRange(text.length, text.length);
    close();
    done(input.value);
  };
  input.addEventListener("input", () => {
    at = -1;
    show();
    clearTimeout(timer);
    timer = window.setTimeout(() => done(input.value), 120);
  });
  input.addEventListener("keydown", (event) => {
    if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      at =
        (at +
          (event.key === "ArrowDown" ? 1 : offers.length - 1) +
          (at < 0 && event.key === "ArrowUp" ? 1 : 0)) %
        offers.length;
      show();
      event.preventDefault();
    } else if (event.key === "Enter") {
      if (!list.hidden && at >= 0) take(at);
      else {
        close();
        clearTimeout(timer);
        done(input.value);
      }
    } else if (event.key === "Escape") close();
  });
  input.addEventListener("blur", close);
}
