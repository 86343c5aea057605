// Compares models and reads cards on the mock server, in Chromium.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { start } from "../mock/server.mjs";
import { assertAccessible, assertFits, on, options, stop } from "./browser.mjs";

test("two models are chosen with the keyboard, and one of another kind cannot be", options, async () => {
  await on("#/compare", async (page) => {
    await page.getByLabel("story").focus();
    await page.keyboard.press("Space");
    await page.waitForFunction(() => location.hash === "#/compare/story");
    assert.ok(await page.getByRole("checkbox", { name: "digits images" }).isDisabled());
    await page.getByLabel("tales").focus();
    await page.keyboard.press("Space");
    await page.getByText("tales is worse than story: a difference of 0.3510").waitFor();
    await page.getByText("by a paired test on the same held-out items, p ≤ 0.001.").waitFor();
    const row = page.getByRole("row", { name: /cross-entropy|cross entropy/ });
    assert.match(await row.innerText(), /1\.402\s+\[1\.381, 1\.423\]\s+1\.753\s+\[1\.732, 1\.774\]/);
    await assertAccessible(page, "figures");
  });
});

test("each model gets the same requests, and answers side by side", options, async () => {
  await on("#/compare/story,tales", async (page) => {
    const sent = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/v1/completions")) sent.push(request.postDataJSON());
    });
    await page.getByLabel("Prompts").fill("Once\n\nA fox");
    await page.getByLabel("Seeds").fill("3, 4");
    await page.getByLabel("Seeds").press("Enter");
    await page.getByRole("heading", { name: "Let people judge" }).waitFor();
    assert.equal(sent.length, 8);
    const of = (model) => sent.filter((body) => body.model === model).map(({ model: _model, ...rest }) => rest);
    assert.deepEqual(of("story"), of("tales"));
    assert.deepEqual(of("story").map(({ prompt, seed }) => [prompt, seed]),
      [["Once", 3], ["Once", 4], ["A fox", 3], ["A fox", 4]]);
    const first = page.getByRole("region", { name: "Once Seed 3" });
    assert.match(await first.getByRole("article", { name: "story" }).innerText(), /a little girl/);
    assert.match(await first.getByRole("article", { name: "tales" }).innerText(), /The fox was fox/);
    await page.getByText("atelier rate create story=runs/stories-large tales=runs/stories-small").waitFor();
    await page.getByText("printf '%s\\n' Once 'A fox' > prompts.txt").waitFor();
    await assertAccessible(page, "answers");
  });
});

test("images are compared by class and seed; a wrong seed is said next to its field", options, async () => {
  await on("#/compare/digits,digits-gan", async (page) => {
    await page.getByLabel("Seeds").fill("one");
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("Seeds are whole numbers from 0").waitFor();
    assert.equal(await page.getByLabel("Seeds").getAttribute("aria-invalid"), "true");
    await page.getByLabel("Seeds").fill("5");
    await page.getByLabel("Classes").fill("3");
    const request = page.waitForRequest("**/v1/images/generations");
    await page.getByRole("button", { name: "Compare" }).click();
    const { model: _model, ...body } = (await request).postDataJSON();
    assert.deepEqual(body, { n: 4, seed: 5, prompt: "3" });
    await page.getByRole("article", { name: "digits-gan" }).getByAltText("Generated image 4, class 3").waitFor();
    await assertAccessible(page, "images");
  });
});

test("a chat sends one message to each", options, async () => {
  await on("#/compare/story,tales", async (page) => {
    await page.getByText("Chat", { exact: true }).click();
    await page.getByLabel("Prompts").fill("Hello");
    const request = page.waitForRequest("**/v1/chat/completions");
    await page.getByLabel("Prompts").press("Control+Enter");
    assert.deepEqual((await request).postDataJSON().messages, [{ role: "user", content: "Hello" }]);
    await page.getByRole("article", { name: "tales" }).getByText("18 tokens").waitFor();
  });
});

test("a stop leaves what has come, and begins nothing more", options, async () => {
  const slow = await start({ speed: 300 });
  const base = `http://127.0.0.1:${slow.address().port}/`;
  try {
    await on("#/compare/story,tales", async (page) => {
      await page.getByLabel("Seeds").fill("1 2");
      await page.getByRole("button", { name: "Compare" }).click();
      await page.getByRole("article", { name: "story" }).first().getByText("there was").waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("article", { name: "story" }).first().getByText("stopped").waitFor();
      await page.getByRole("article", { name: "story" }).last().getByText("waiting").waitFor();
    }, { base });
  } finally {
    stop(slow);
  }
});

test("a card shows what a model is, and its files are saved with the key", options, async () => {
  await on("#/card/c3d4", async (page) => {
    await page.getByRole("heading", { name: "Limits" }).waitFor();
    await page.getByText("It is worse than the baseline ngram5.").waitFor();
    await page.getByText("CDLA-Sharing 1.0").waitFor();
    for (const [button, name] of [
      ["Download the bundle (.zip)", "tales.zip"], ["Download GGUF", "tales.gguf"],
      ["Download the report (.md)", "c3d4-report.md"],
    ]) {
      const saved = page.waitForEvent("download");
      await page.getByRole("button", { name: button }).click();
      const file = await saved;
      assert.equal(file.suggestedFilename(), name);
      assert.ok((await readFile(await file.path())).length > 0);
    }
  });
});

test("a card prints in light colours, without what only works on a screen", options, async () => {
  await on("#/card/c3d4", async (page) => {
    await page.getByRole("heading", { name: "Limits" }).waitFor();
    await page.emulateMedia({ media: "print" });
    assert.ok(!(await page.getByRole("button", { name: "Print" }).isVisible()));
    assert.ok(!(await page.getByRole("banner").isVisible()));
    const [text, scheme] = await page.evaluate(() => {
      const style = getComputedStyle(document.querySelector("h1"));
      return [style.color, getComputedStyle(document.documentElement).colorScheme];
    });
    assert.deepEqual([text, scheme], ["rgb(28, 35, 38)", "light"]);
    await page.setViewportSize({ width: 690, height: 1000 }); // A4 without its margins
    await assertFits(page, "the printed card");
  }, { settings: { colorScheme: "dark" } });
});

test("a run leads to its card", options, async () => {
  await on("#/watch/c3d4", async (page) => {
    await page.getByRole("link", { name: "Card of stories-small" }).click();
    await page.getByRole("heading", { name: "Limits" }).waitFor();
  });
});
