// Takes the pictures for scripts/screenshots.sh.
// Usage: node screenshots.mjs NODE_MODULES CHROMIUM FOLDER_OF_PAGES FOLDER_OF_PICTURES
import {mkdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const [modules, browserPath, pages, out] = process.argv.slice(2);
const {chromium} = createRequire(pathToFileURL(join(modules, 'x.js')))('playwright-core');
mkdirSync(out, {recursive: true});
const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox']});

async function open(name, options) {
  const page = await (await browser.newContext({viewport: {width: 1100, height: 800}, ...options}))
                   .newPage();
  await page.goto(pathToFileURL(join(pages, name)).href);
  // What stands above lies over an element that is taken alone.
  await page.addStyleTag({content: '.bar { position: static !important }'});
  await page.evaluate(() => nightwatt.pictures.forEach((each) => each.draw()));
  return page;
}
const take = async (page, selector, file) => {
  await page.mouse.move(0, 0);
  await page.locator(selector).screenshot({path: join(out, file)});
};

const two = await open('two.html');
await take(two, '#power', 'report-power.png');
await take(two, '#calendar-energy', 'report-calendar.png');
await take(two, '#distributions', 'report-waiting.png');
await take(await open('small.html'), '#schedule', 'report-schedule.png');
const phone = await open('two.html', {viewport: {width: 390, height: 844}, colorScheme: 'dark'});
await phone.screenshot({path: join(out, 'report-phone.png')});
await take(await open('grid.html'), '#sensitivity', 'report-sensitivity.png');
await take(await open('tutorial.html'), '#pareto', 'tutorial-report.png');
const three = await open('three-policies.html');
// Two of the weeks, in which lines can be told apart.
await three.evaluate(() => nightwatt.pictures.find((each) => each.id === 'runs-power').chart.dispatchAction({
  type: 'dataZoom',
  startValue: Date.parse('2022-10-06T05:00:00Z'),
  endValue: Date.parse('2022-10-20T05:00:00Z')
}));
await take(three, '#runs-power', 'three-policies.png');
// Those of the scenarios lie beside their READMEs.
const study = async (name, selector, file = name) =>
    take(await open(`${file}.html`), selector, join('..', '..', 'scenarios', name, 'picture.png'));
await study('power-cap-150w', '#runs-power', 'two');
await study('night-winter', '#calendar-carbon');
await study('power-budget', '#runs-power');
await study('carbon-placement', '#flows');
await study('four-m', '#runs-power');
await study('accelerators', '#runs-power');
await browser.close();
