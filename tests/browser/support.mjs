// What the tests share: stores, viewers, a browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

export const CONCERTINA = process.env.CONCERTINA ?? "concertina";
const VIEWER = process.env.VIEWER ?? CONCERTINA;

/** A folder that is gone afterwards. */
export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "concertina-browser-"));
process.on("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));

/** Small networks that train in a moment. */
export const SMALL = ["units=24", "input_dim=12", "train_samples=60", "clusters=12", "epochs=4"];

/** Runs a command, and gives what it printed. */
export const concertina = (...words) =>
  execFileSync(CONCERTINA, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], cwd: scratch });

/** A store with six runs, made once. */
let made;
export function store() {
  if (!made) {
    made = path.join(scratch, "runs");
    concertina("train", ...SMALL, "gain=5,20", "seed=0..3", "--store", made, "--quiet");
  }
  return made;
}

/** Starts a viewer; `stop` ends it and says how it ended. */
export async function view(folder, ...words) {
  const child = spawn(VIEWER, ["view", "--no-open", "--store", folder, ...words], { cwd: scratch });
  let [out, err] = ["", ""];
  child.stderr.on("data", (text) => (err += text));
  const address = await new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => {
      out += text;
      if (out.includes("\n")) resolve(out.split("\n")[0]);
    });
    child.on("exit", () => reject(new Error(`the viewer ended: ${err}`)));
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return {
    address,
    child,
    port: Number(new URL(address).port),
    token: new URL(address).pathname.split("/")[1],
    stop: async () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** A request as no browser would send it. */
export function raw(viewer, { path: at, method = "GET", headers = {}, body = undefined }) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: "127.0.0.1",
        port: viewer.port,
        path: at,
        method,
        headers: { host: `127.0.0.1:${viewer.port}`, ...headers },
      },
      (response) => {
        let text = "";
        response.on("data", (part) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    if (body !== undefined) request.write(body);
    request.end();
  });
}

let running;
export async function browser() {
  running ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  return running;
}
export const close = async () => running?.close();

/** Requests that left this machine, of all pages. */
export const foreign = [];

/** A page in a context of its own. What it complains of is an error of the test, unless it is expected. */
export async function page(options = {}) {
  const context = await (
    await browser()
  ).newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(15000);
  const opened = await context.newPage();
  if (process.env.ASSETS) {
    // the files of a folder in place of those in the program, while one works on them
    await opened.route(/\/[0-9a-f]{32}\/[a-z]+\.(js|css)$/, (route) =>
      route.fulfill({
        path: path.join(process.env.ASSETS, new URL(route.request().url()).pathname.split("/")[2]),
      }),
    );
  }
  opened.errors = [];
  opened.on("pageerror", (error) => opened.errors.push(error.message));
  opened.on("console", (message) => {
    if (message.type() === "error") opened.errors.push(message.text());
  });
  opened.on("request", (request) => {
    const url = new URL(request.url());
    if (
      !["127.0.0.1", "localhost"].includes(url.hostname) &&
      url.protocol !== "blob:" &&
      url.protocol !== "data:"
    ) {
      foreign.push(request.url());
    }
  });
  return opened;
}

/** Downloads what a button saves. */
export async function download(opened, press) {
  const [saved] = await Promise.all([opened.waitForEvent("download"), press()]);
  return { name: saved.suggestedFilename(), bytes: fs.readFileSync(await saved.path()) };
}

/** Waits until a question has the answer yes. */
export async function until(question, what, limit = 15000) {
  const end = Date.now() + limit;
  while (!(await question())) {
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const tests = [];
export const test = (name, run) => tests.push({ name, run });

/** Runs the tests whose names contain a text, and prints a line that counts them. */
export async function runAll(part = "") {
  let [passed, failed] = [0, 0];
  for (const { name, run } of tests.filter((each) => each.name.includes(part))) {
    const cleanup = [];
    const given = {
      view: async (...words) => {
        const viewer = await view(...words);
        cleanup.push(
          () => viewer.child.exitCode === null && viewer.child.signalCode === null && viewer.stop(),
        );
        return viewer;
      },
      page: async (options) => {
        const opened = await page(options);
        cleanup.unshift(() => opened.context().close());
        return opened;
      },
    };
    const start = Date.now();
    try {
      await run(given);
      passed += 1;
      console.log(`ok    ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}\n${error.stack}`);
    }
    for (const end of cleanup) await end();
  }
  await close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
