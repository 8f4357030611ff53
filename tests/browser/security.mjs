// Who is answered, and how much.

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { raw, scratch, store, test, until } from "./support.mjs";

test("a request for another host, from another site or without the token is refused", async ({ view }) => {
  const viewer = await view(store());
  const at = `/${viewer.token}/api/info`;
  assert.equal((await raw(viewer, { path: at })).status, 200);
  for (const host of ["evil.example", `evil.example:${viewer.port}`, "127.0.0.1.evil.example", "[::1]:80"]) {
    assert.equal((await raw(viewer, { path: at, headers: { host } })).status, 403, host);
  }
  for (const origin of ["http://evil.example", "null", `http://127.0.0.1:${viewer.port + 1}`]) {
    assert.equal((await raw(viewer, { path: at, headers: { origin } })).status, 403, origin);
    const answer = await raw(viewer, {
      path: `/${viewer.token}/api/playground`,
      method: "POST",
      headers: { origin },
      body: '{"set":[]}',
    });
    assert.equal(answer.status, 403, origin);
  }
  for (const wrong of [
    "/",
    "/api/info",
    `/${viewer.token}`,
    `/${viewer.token.slice(1)}0/api/info`,
    `/${"0".repeat(32)}/`,
  ]) {
    const answer = await raw(viewer, { path: wrong });
    assert.equal(answer.status, 403, wrong);
    assert.ok(!answer.text.includes(viewer.token));
  }
});

test("no path leads out of the assets, the figures or the store", async ({ view }) => {
  const figures = path.join(scratch, "figures-of-paths");
  fs.mkdirSync(figures, { recursive: true });
  fs.writeFileSync(path.join(scratch, "secret.svg"), "secret");
  fs.writeFileSync(path.join(figures, "one.svg"), "<svg/>");
  fs.symlinkSync(path.join(scratch, "secret.svg"), path.join(figures, "link.svg"));
  const viewer = await view(store(), "--figures", figures);
  assert.equal((await raw(viewer, { path: `/${viewer.token}/api/figures/one.svg` })).status, 200);
  for (const wrong of [
    "../secret.svg",
    "..%2fsecret.svg",
    "%2e%2e%2fsecret.svg",
    "..%5csecret.svg",
    "link.svg",
    "%00",
    "one.svg%00",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "./one.svg",
  ]) {
    const answer = await raw(viewer, { path: `/${viewer.token}/api/figures/${wrong}` });
    assert.ok(answer.status >= 400 && !answer.text.includes("secret"), wrong);
  }
  for (const wrong of [
    "../../etc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "style.css/../app.js",
    "app.js%00",
    "APP.JS",
  ]) {
    assert.equal((await raw(viewer, { path: `/${viewer.token}/${wrong}` })).status, 404, wrong);
  }
  for (const wrong of ["..%2f..", "%2e%2e", "zz", "a".repeat(65), "0".repeat(64)]) {
    const answer = await raw(viewer, { path: `/${viewer.token}/api/run/${wrong}` });
    assert.ok([400, 404].includes(answer.status), `${wrong}: ${answer.status}`);
  }
});

test("a body of a gigabyte is refused before it is read, and one that lies about its length as well", async ({
  view,
}) => {
  const viewer = await view(store());
  const answered = (headers) =>
    new Promise((resolve, reject) => {
      const socket = net.connect(viewer.port, "127.0.0.1", () => {
        socket.write(
          `POST /${viewer.token}/api/pdf HTTP/1.1\r\nHost: 127.0.0.1:${viewer.port}\r\n${headers}\r\n\r\n`,
        );
        if (headers.startsWith("Transfer")) {
          const part = `100000\r\n${"x".repeat(1 << 20)}\r\n`;
          for (let times = 0; times < 20; times += 1) socket.write(part);
        }
      });
      socket.once("data", (bytes) => resolve(String(bytes).split("\r\n")[0]));
      socket.on("error", reject);
    });
  assert.match(await answered(`Content-Length: ${1 << 30}`), /413/);
  assert.match(await answered("Transfer-Encoding: chunked"), /413/);
  const big = "x".repeat(100000);
  assert.ok((await raw(viewer, { path: `/${viewer.token}/api/runs?where=${big}` })).status >= 400);
  assert.equal((await raw(viewer, { path: `/${viewer.token}/api/info` })).status, 200, "it still answers");
});

test("ten thousand requests at once are all answered", async ({ view }) => {
  const viewer = await view(store());
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1000 });
  const one = () =>
    new Promise((resolve) => {
      const request = http.get(
        { host: "127.0.0.1", port: viewer.port, path: `/${viewer.token}/api/runs?count=5`, agent },
        (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode));
        },
      );
      request.on("error", (error) => resolve(error.code));
    });
  const answers = await Promise.all(Array.from({ length: 10000 }, one));
  agent.destroy();
  const wrong = answers.filter((answer) => answer !== 200);
  assert.deepEqual(wrong.slice(0, 5), []);
});

test("clients that do not read their answers keep no one waiting", async ({ view }) => {
  const viewer = await view(store());
  const runs = JSON.parse((await raw(viewer, { path: `/${viewer.token}/api/runs?count=1` })).text);
  const key = runs.rows[0][0];
  const idle = Array.from({ length: 8 }, () => {
    const socket = net.connect(viewer.port, "127.0.0.1", () =>
      socket.write(
        `GET /${viewer.token}/api/run/${key}/clouds?samples=2000 HTTP/1.1\r\nHost: 127.0.0.1:${viewer.port}\r\n\r\n`,
      ),
    );
    socket.on("error", () => {});
    return socket.pause();
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const answer = raw(viewer, { path: `/${viewer.token}/api/runs?count=1` });
  const late = new Promise((resolve) => setTimeout(() => resolve({ status: "no answer" }), 10000));
  assert.equal((await Promise.race([answer, late])).status, 200);
  for (const socket of idle) socket.destroy();
});

test("clients train side by side up to a limit, and what no one looks at ends", async ({ view }) => {
  const viewer = await view(store());
  const start = () =>
    raw(viewer, {
      path: `/${viewer.token}/api/playground`,
      method: "POST",
      body: JSON.stringify({ set: ["units=20", "input_dim=5"] }),
    });
  const [one, two] = [await start(), await start()].map((answer) => JSON.parse(answer.text));
  for (const { id } of [one, two]) {
    const told = await raw(viewer, {
      path: `/${viewer.token}/api/playground/${id}`,
      method: "POST",
      body: '{"command":"play"}',
    });
    assert.equal(told.status, 200);
  }
  assert.notEqual(one.id, two.id);
  assert.equal((await start()).status, 200);
  assert.equal((await start()).status, 200);
  assert.equal((await start()).status, 429);
  for (const wrong of [
    ["units=100000"],
    ["train_samples=1000000"],
    ["delay=5000"],
    ["task.file=/etc/passwd"],
    ["nonsense=1"],
    ["gain=1,2"],
  ]) {
    const answer = await raw(viewer, {
      path: `/${viewer.token}/api/playground`,
      method: "POST",
      body: JSON.stringify({ set: wrong }),
    });
    assert.equal(answer.status, 400, wrong[0]);
  }
  await until(
    async () => JSON.parse((await raw(viewer, { path: `/${viewer.token}/api/info` })).text).training === 0,
    "networks that are left alone end",
    20000,
  );
});

test("without leave to train nothing is written into the store", async ({ view }) => {
  const folder = path.join(scratch, "not-made");
  const viewer = await view(folder);
  const network = JSON.parse(
    (
      await raw(viewer, {
        path: `/${viewer.token}/api/playground`,
        method: "POST",
        body: '{"set":["units=20"]}',
      })
    ).text,
  );
  const kept = await raw(viewer, {
    path: `/${viewer.token}/api/playground/${network.id}/keep`,
    method: "POST",
  });
  assert.equal(kept.status, 403);
  assert.ok(!fs.existsSync(folder));
});

test("a viewer that is told to stop leaves nothing behind, also in the midst of training", async ({
  view,
}) => {
  const viewer = await view(store());
  const { id } = JSON.parse(
    (await raw(viewer, { path: `/${viewer.token}/api/playground`, method: "POST", body: '{"set":[]}' })).text,
  );
  await raw(viewer, {
    path: `/${viewer.token}/api/playground/${id}`,
    method: "POST",
    body: '{"command":"play"}',
  });
  assert.equal(await viewer.stop(), 0);
  await assert.rejects(raw(viewer, { path: "/" }));
});
