// Looks at pages in a headless browser, at two widths, light and dark, and on paper, and says as JSON what is wrong with them:
// messages of the console, requests, what axe-core finds, content wider than the window, and what paper would hide.
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

// On paper nobody unfolds, scrolls or sees light letters: whatever the reader's screen is like, the sheet is white, every folded part
// but the explanations of codes is open, pictures keep their colours, and nothing is cut off at the margin.
async function paper(file, colorScheme) {
  // The width of A4 between its margins, at 96 pixels an inch.
  const context = await browser.newContext({ viewport: { width: 703, height: 1000 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  const where = `${basename(file)} paper ${colorScheme}`;
  const say = (what) => wrong.push(`${where}: ${what}`);
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => d.removeAttribute("open")));
  await page.emulateMedia({ media: "print", colorScheme });
  const found = await page.evaluate(() => {
    const style = (element) => getComputedStyle(element);
    const bright = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0) / 3;
    const out = [];
    const body = style(document.body);
    if (body.backgroundColor !== "rgb(255, 255, 255)") out.push(`the sheet is ${body.backgroundColor}`);
    if (body.printColorAdjust !== "exact") out.push("colours of pictures are left to the printer");
    if (style(document.querySelector("nav")).display !== "none") out.push("links to parts of the page are printed");
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
      const isShown = element.checkVisibility({ contentVisibilityAuto: true });
      if (own && isShown && bright(style(element).color) > 140 && !element.closest(".seal")) {
        out.push(`light letters: ${element.outerHTML.slice(0, 120)}`);
      }
      if (isShown && element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".skip")) {
        out.push(`cut off at the margin: ${element.outerHTML.slice(0, 120)}`);
      }
    }
    for (const inside of document.querySelectorAll("details:not(.why) > .inside")) {
      const isShown = inside.checkVisibility({ contentVisibilityAuto: true }) && inside.getBoundingClientRect().height > 0;
      if (!isShown) out.push(`folded away: ${inside.parentElement.outerHTML.slice(0, 120)}`);
    }
    for (const rect of document.querySelectorAll("figure svg rect")) {
      if (style(rect).fill === "none" || bright(style(rect).fill.startsWith("url") ? "rgb(0,0,0)" : style(rect).fill) > 235) {
        out.push(`a strip without colour: ${rect.outerHTML}`);
      }
    }
    return out;
  });
  found.slice(0, 5).forEach(say);
  await page.evaluate(axe);
  const only = { runOnly: ["color-contrast"], resultTypes: ["violations"] };
  const { violations } = await page.evaluate((only) => globalThis.axe.run(document, only), only);
  for (const { nodes } of violations) say(`contrast: ${nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(" | ")}`);
  const pdf = await page.pdf({ format: "A4", path: shots === "-" ? undefined : join(shots, `${where.replaceAll(" ", "-")}.pdf`) });
  if (pdf.subarray(0, 5).toString() !== "%PDF-") say("it does not print");
  await context.close();
}

for (const file of pages) {
  await keyboard(file);
  for (const scheme of ["light", "dark"]) await paper(file, scheme);
  for (const width of [360, 1280]) for (const scheme of ["light", "dark"]) await look(file, width, scheme);
}
await browser.close();
console.log(JSON.stringify({ looked: pages.length * 6, wrong }, null, 1));
