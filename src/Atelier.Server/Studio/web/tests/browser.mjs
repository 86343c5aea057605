// Chromium and the mock server, as the tests use them.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { start } from "../mock/server.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const options = existsSync(executablePath) ? {} : { skip: `there is no ${executablePath}; set CHROMIUM` };

let browser, server, address;

before(async () => {
  if (options.skip) return;
  server = await start({ speed: 1 });
  address = `http://127.0.0.1:${server.address().port}/`;
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  if (server) stop(server);
});

export function stop(mock) {
  mock.close();
  mock.closeAllConnections();
}

/** Opens a page, runs a part of a test on it, and fails if the page reported any error, such as one of the policy. */
export async function on(route, work, { settings = {}, base = address, expected = /^$/ } = {}) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !expected.test(message.text())) errors.push(message.text());
  });
  await page.addInitScript(() => {
    const report = (event) => console.error(`policy: ${event.violatedDirective}`);
    document.addEventListener("securitypolicyviolation", report);
  });
  await page.goto(base + route);
  await page.locator("h1").waitFor();
  await work(page);
  await context.close();
  assert.deepEqual(errors, []);
}

/** Drops a file on the zone of uploads, with a text that is repeated. */
export async function drop(page, name, text, times = 1) {
  await page.getByRole("group", { name: "Upload" }).evaluate((zone, [fileName, part, count]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([part.repeat(count)], fileName));
    for (const type of ["dragover", "drop"]) zone.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
  }, [name, text, times]);
}

export async function assertAccessible(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${name}: ${id} at ${nodes.map((node) => node.target).join(", ")}`);
  assert.deepEqual(found, []);
}

export async function assertFits(page, name) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(excess <= 0, `${name} is ${excess} pixels too wide`);
}
