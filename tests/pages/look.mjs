// Looks at pages in a headless browser, at two widths, light and dark, and says as JSON what is wrong with them: messages of
// the console, requests, what axe-core finds, and content wider than the window.
//
//   node look.mjs MODULES CHROMIUM SHOTS|- PAGE...
//
// MODULES is a node_modules folder with playwright-core and axe-core. Pictures go to the folder SHOTS.
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, executablePath, shots, ...pages] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "look.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Nothing but the page itself: no network of the browser's own, and no memory that a container has too little of.
const quiet = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...quiet] });
const wrong = [];

async function look(file, width, colorScheme) {
  // The page's own policy forbids scripts; what looks at it is let through, and sees what a reader would.
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  const where = `${basename(file)} ${width} ${colorScheme}`;
  const say = (what) => wrong.push(`${where}: ${what}`);
  const own = pathToFileURL(resolve(file)).href;
  page.on("console", (message) => say(`console: ${message.text()}`));
  page.on("pageerror", (error) => say(`error: ${error.message}`));
  page.on("request", (request) => request.url().split("#")[0] !== own && say(`request: ${request.url()}`));
  page.on("dialog", (dialog) => { say("dialog"); dialog.dismiss(); });
  await page.goto(own);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) say(`${wide} pixels wider than the window`);
  const scripts = await page.evaluate(() => document.scripts.length);
  if (scripts > 0) say(`${scripts} scripts`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, help, nodes } of violations) say(`axe ${id}: ${help}: ${nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  if (shots !== "-") await page.screenshot({ path: join(shots, `${where.replaceAll(" ", "-")}.png`), fullPage: true });
  await context.close();
}

// The policy as it stands: nothing of the page is blocked by it, and the keyboard comes to the report.
async function keyboard(file) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => wrong.push(`${basename(file)}: console under its own policy: ${message.text()}`));
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  // The browser goes there in its own time.
  const arrived = page.waitForURL(/#main$/, { timeout: 10000 }).then(() => true, () => false);
  if (!(await arrived)) wrong.push(`${basename(file)}: the first stop of the keyboard does not skip to the report`);
  await context.close();
}

for (const file of pages) {
  await keyboard(file);
  for (const width of [360, 1280]) for (const scheme of ["light", "dark"]) await look(file, width, scheme);
}
await browser.close();
console.log(JSON.stringify({ looked: pages.length * 4, wrong }, null, 1));
