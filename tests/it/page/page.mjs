// Uses the web page as a person would, in a headless Chromium, and says as JSON what was seen:
// URL SCREENSHOTS DOCUMENTS QUESTION UNRELATED AMBIGUOUS, where DOCUMENTS is a folder of files to upload.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, shots, documents, question, unrelated, ambiguous] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve("axe-core");
const said = { violations: [], errors: [] };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
page.setDefaultTimeout(120_000);
page.on("pageerror", (error) => said.errors.push(error.message));
page.on("console", (message) => message.type() === "error" && said.errors.push(message.text()));
page.on("dialog", (dialog) => { said.dialogs = (said.dialogs ?? 0) + 1; dialog.accept(); });

/** Keeps what is seen, and what axe finds serious in it. */
async function look(name) {
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  // Through the protocol and not as an element: the page's policy lets no other script in.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, impact, nodes } of violations) {
    if (["serious", "critical"].includes(impact)) said.violations.push({ page: name, id, impact, at: nodes.map((node) => node.html) });
  }
}

async function ask(text) {
  const count = await page.locator(".turn .state").count();
  await page.fill("#question", text);
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction((count) => document.querySelectorAll(".turn .facts .state").length > count, count);
  return page.locator(".turn").first();
}

await page.goto(url);
await page.waitForSelector("#question");
said.title = await page.title();
await look("01-first-start");

await page.click("nav a[href='#/documents']");
await page.setInputFiles("#files", readdirSync(documents).map((name) => join(documents, name)));
await page.waitForFunction((count) => document.querySelectorAll("main .state.good").length >= 2 * count, readdirSync(documents).length - 1);
said.failed = await page.locator(".why:not(:empty)").first().textContent();
await look("02-uploaded");

await page.keyboard.press("/");
await page.waitForSelector("#question");
let turn = await ask(question);
said.answered = await turn.locator(".state").first().textContent();
said.answer = await turn.locator(".answer").textContent();
await look("03-answered");
await turn.locator(".note-mark").first().click();
await page.waitForSelector("aside.source pre mark");
said.marked = await page.locator("aside.source mark").textContent();
said.around = await page.locator("aside.source pre").textContent();
await look("04-source");
await page.keyboard.press("Escape");
said.focus = await page.evaluate(() => document.activeElement.className);

// Feedback with the keyboard alone: opened, the first verdict chosen, a comment, sent by Enter.
await turn.locator(".feedback summary").focus();
await page.keyboard.press("Enter");
await page.keyboard.press("Tab");
await page.keyboard.press("Space");
said.verdicts = await turn.locator(".feedback .choice").allTextContents();
await page.keyboard.press("Tab");
await page.keyboard.type("Exactly what I needed.");
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.querySelector(".feedback [role=status]")?.textContent);
said.kept = await turn.locator(".feedback [role=status]").textContent();
await look("11-feedback");

turn = await ask(unrelated);
said.abstained = await turn.locator(".state").first().textContent();
await look("05-abstained");

// A better answer that is missing is asked for by the browser itself; another verdict is refused by the server with words.
await turn.locator(".feedback summary").click();
said.declined_verdicts = await turn.locator(".feedback .choice").allTextContents();
await turn.locator(".feedback input[value=should_have_answered]").check();
await turn.locator(".feedback textarea").fill("Tungsten, says the table of metals.");
await turn.locator(".feedback button").click();
await page.waitForFunction(() => document.querySelector(".turn .feedback [role=status]")?.textContent);

turn = await ask(ambiguous);
said.clarify = await turn.locator(".choices button").allTextContents();
await look("06-clarify");
if (said.clarify.length) {
  const turns = await page.locator(".turn").count();
  await turn.locator(".choices button").first().click();
  await page.waitForFunction((turns) => document.querySelectorAll(".turn").length > turns && document.querySelector(".turn .facts .state"), turns);
  said.chosen = await page.locator(".turn").first().locator(".state").first().textContent();
}

// What was said is found again, with what the answer came from.
await page.click("nav a[href='#/feedback']");
await page.waitForSelector("main tbody a");
said.listed = await page.locator("main tbody tr").allTextContents();
await look("12-feedback-list");
await page.selectOption("#only", "right");
await page.waitForFunction(() => document.querySelectorAll("main tbody tr").length === 1);
await page.click("main tbody a");
await page.waitForSelector(".passages .passage");
said.trace = await page.locator("main").textContent();
await look("13-feedback-trace");
await page.click("nav a[href='#/collections']");
await page.waitForSelector("main tbody button");
said.collections = await page.locator("main tbody tr").allTextContents();
await look("14-collections");
await page.click("nav a[href='#/reports']");
await page.waitForSelector("main tbody a");
await look("15-reports");
await page.click("main tbody a");
await page.waitForSelector("svg.plot");
said.report = await page.locator("main").textContent();
const download = page.waitForEvent("download");
await page.click("text=Download the page of this run");
said.downloaded = (await download).suggestedFilename();
await look("16-report");
await page.click("nav a[href='#/ask']");
await page.waitForSelector("#question");

await page.emulateMedia({ colorScheme: "dark" });
await look("07-dark");
for (const name of ["documents", "jobs", "index", "collections", "feedback", "reports"]) {
  await page.click(`nav a[href='#/${name}']`);
  await page.waitForLoadState("networkidle");
  await look(`08-${name}-dark`);
}
await page.emulateMedia({ colorScheme: "light" });
await page.setViewportSize({ width: 390, height: 844 });
await page.click("nav a[href='#/ask']");
await page.waitForSelector("#question");
// What was asked before the other pages is still there; this is asked for itself.
said.kept_turns = await page.locator(".turn").count();
await page.click("button:has-text('New conversation')");
await ask(question);
await page.locator(".note-mark").first().click();
await page.waitForSelector("aside.source mark");
await page.locator(".feedback summary").first().click();
const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
said.overflow = await overflow();
await look("09-narrow");
for (const name of ["collections", "feedback", "reports"]) {
  await page.click(`nav a[href='#/${name}']`);
  await page.waitForLoadState("networkidle");
  said.overflow += await overflow();
  await look(`17-${name}-narrow`);
}
// The document that holds markup is shown as text.
await page.click("nav a[href='#/documents']");
await page.click("main tbody a:has-text('markup.md')");
await page.waitForSelector("pre.text");
said.markup = await page.evaluate(() => document.querySelectorAll("main img, main script").length);
await look("10-document-narrow");

// What comes when another page is shown already is not shown on that.
let release;
const held = new Promise((resolve) => { release = resolve; });
await page.route("**/v1/documents/*", async (route) => { await held; await route.continue(); });
await page.click("nav a[href='#/documents']");
await page.click("main tbody a:has-text('markup.md')");
await page.click("nav a[href='#/collections']");
await page.waitForSelector("main tbody button");
// It asks for the text when the rest of it is there.
const rest = page.waitForRequest((request) => request.url().endsWith("/text"));
release();
await rest;
said.late = await page.locator("main h1").allTextContents();
await browser.close();
console.log(JSON.stringify(said));
