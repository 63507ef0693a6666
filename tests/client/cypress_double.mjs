// Runs a Cypress spec without Cypress, whose binary is a download that tests cannot rely on:
// its commands, queued as Cypress queues them, over Playwright's page; its tasks in this process,
// with arguments and results passed as JSON.
//   node cypress_double.mjs CONFIG SPEC CHROMIUM
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

const [configPath, specPath, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(configPath)('playwright-core');
const config = (await import(pathToFileURL(configPath))).default;
const tasks = {};
config.e2e.setupNodeEvents((event, given) => event === 'task' && Object.assign(tasks, given), config);

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage();
let queue = [];

async function task(name, argument) {
  if (!tasks[name]) throw new Error(`no such task: ${name}`);
  const result = await tasks[name](argument && JSON.parse(JSON.stringify(argument)));
  if (result === undefined) throw new Error(`task ${name}: Cypress refuses undefined`);
  return JSON.parse(JSON.stringify(result));
}

function command(run) {
  const steps = [run];
  queue.push(steps);
  const chain = {
    type: (text) => steps.push(async (one) => (await one.fill(text), one)) && chain,
    click: () => steps.push(async (one) => (await one.click(), one)) && chain,
    then: (use) => steps.push(async (value) => {
      const outer = queue;
      queue = [];
      use(value); // queues commands that run before those after this one
      await drain();
      queue = outer;
      return value;
    }) && chain,
  };
  return chain;
}

async function drain() {
  while (queue.length) {
    let value;
    for (const step of queue.shift()) value = await step(value);
  }
}

async function visible(locator) {
  await locator.first().waitFor();
  return locator.first();
}

const cy = {
  task: (name, argument) => command(() => task(name, argument)),
  visit: (path) => command(() => page.goto(config.e2e.baseUrl + path)),
  get: (selector) => command(() => visible(page.locator(selector))),
  contains: (...given) => command(() => visible(
    given.length === 2 ? page.locator(given[0], { hasText: given[1] }) : page.getByText(given[0]),
  )),
};
const tests = [];
vm.runInNewContext(await readFile(specPath, 'utf8'), { cy, it: (name, body) => tests.push([name, body]) });
try {
  for (const [name, body] of tests) {
    body();
    await drain();
    console.log(`passed: ${name}`);
  }
} finally {
  await browser.close();
}
