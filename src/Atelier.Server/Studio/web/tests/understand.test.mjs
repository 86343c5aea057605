// Walks the page that shows what is inside a model, on the mock server, in Chromium.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, on, options } from "./browser.mjs";

async function explain(page) {
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await page.getByRole("heading", { name: "All heads" }).waitFor();
}

test("attention follows the token, the layer and the head that are chosen", options, async () => {
  await on("#/understand/story", async (page) => {
    const request = page.waitForRequest("**/v1/atelier/explain");
    await explain(page);
    assert.deepEqual((await request).postDataJSON(),
      { model: "story", text: "Once", occlusion: false, encoding_format: "base64" });
    const strip = page.getByRole("group", { name: /Tokens of the text/ });
    await strip.locator("[data-index='2']").click();
    await page.locator(".caption", { hasText: "Attention of token 2, ␣cat" }).first().waitFor();
    await page.keyboard.press("ArrowRight");
    await page.locator(".caption", { hasText: "Attention of token 3, ␣sat" }).first().waitFor();
    assert.equal(await strip.locator("[data-index='5']").getAttribute("title"), "0%"); // it is later
    await page.getByRole("button", { name: "Layer 2, head 3" }).click();
    assert.equal(await page.getByRole("combobox", { name: "Head", exact: true }).inputValue(), "2");
    await page.locator("summary", { hasText: "As a table" }).click();
    const weights = await page.locator("details td:last-child").allInnerTexts();
    const sum = weights.reduce((all, one) => all + parseFloat(one), 0);
    assert.ok(Math.abs(sum - 100) < 1, `${sum} %`);
    await assertAccessible(page, "attention");
    await page.getByText("Rollout", { exact: true }).click();
    await assertAccessible(page, "rollout");
    await page.getByText("Layers", { exact: true }).click();
    await page.getByRole("rowheader", { name: "embeddings" }).waitFor();
    await assertAccessible(page, "the lens");
  });
});

test("the reasons of a token are asked for when it is chosen, in the text and in the target", options, async () => {
  await on("#/understand/translate", async (page) => {
    await explain(page);
    await page.getByText("from target to text").click();
    await assertAccessible(page, "attention to a source");
    await page.getByText("Why this token", { exact: true }).click();
    const request = page.waitForRequest("**/v1/atelier/explain");
    await page.getByRole("group", { name: "Choose the token to explain" }).locator("[data-index='3']").click();
    const body = (await request).postDataJSON();
    assert.deepEqual([body.token, body.target], [3, "Die Katze saß müde"]); // the target that the model wrote
    await page.getByRole("heading", { name: /␣saß, predicted with 37%/ }).waitFor();
    await page.getByRole("group", { name: "Effects of the tokens of the target" }).waitFor();
    await assertAccessible(page, "the reasons of a token");
  });
});

test("networks, chains and latents are shown, and a variable of a network has its table", options, async () => {
  await on("#/understand", async (page) => {
    await page.getByLabel("Model").selectOption("lungs");
    await page.getByRole("button", { name: "dyspnoea" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "P(dyspnoea | bronchitis)" }).waitFor();
    await assertAccessible(page, "a network");
    await page.getByLabel("Model").selectOption("chain");
    await page.getByRole("rowheader", { name: "start" }).waitFor();
    await page.getByRole("button", { name: "Explain", exact: true }).click();
    await page.getByRole("table", { name: /The probability of each hidden state/ }).waitFor();
    await assertAccessible(page, "a chain");
    await page.getByLabel("Model").selectOption("latents");
    await page.getByAltText(/dimension 4 grows/).waitFor();
    await assertAccessible(page, "latents");
  });
});

test("a text that is too long is refused with the line of the server", options, async () => {
  await on("#/understand/story", async (page) => {
    await page.getByLabel("Text", { exact: true }).fill("x".repeat(2001));
    await page.getByRole("button", { name: "Explain", exact: true }).click();
    await page.getByRole("alert").getByText("at most 256").waitFor();
  }, { expected: /400/ });
});
