// Asks pages of `nightwatt report` what a reader would: is everything drawn, does it zoom, sort,
// print? Usage: node check_page.mjs NODE_MODULES CHROMIUM FOLDER   (check_report.py makes the
// pages)
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const [modules, browserPath, folder] = process.argv.slice(2);
const {chromium} = createRequire(pathToFileURL(join(modules, 'x.js')))('playwright-core');

let failures = 0;
let where = '';
function check(holds, what) {
  if (holds) return;
  ++failures;
  console.error(`FAILED ${where}: ${what}`);
}

/** Milliseconds: a loaded machine is no failure. */
const patience = 120e3;
const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox']});

/** A page whose errors and requests are failures. */
async function open(name, options = {}) {
  where = `${name} ${JSON.stringify(options)}`;
  const context = await browser.newContext({viewport: {width: 1200, height: 800}, ...options});
  context.setDefaultTimeout(patience);
  context.setDefaultNavigationTimeout(patience);
  const page = await context.newPage();
  page.on('console', (message) => check(message.type() !== 'error', `console: ${message.text()}`));
  page.on('pageerror', (error) => check(false, `error: ${error.stack}`));
  const url = pathToFileURL(join(folder, name)).href;
  page.on(
      'request',
      (request) => check(
          request.url() === url || request.url().startsWith('data:'), `loads ${request.url()}`));
  const start = Date.now();
  await page.goto(url);
  await page.waitForFunction(() => globalThis.nightwatt?.pictures.length > 0);
  return {page, context, ms: Date.now() - start};
}

async function scrollThrough(page) {
  await page.evaluate(async () => {
    for (let y = 0; y < document.documentElement.scrollHeight; y += 400) {
      scrollTo(0, y);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  });
  await page.waitForFunction(
      () => nightwatt.pictures.every(
          (each) => each.drawn || each.element.hidden || each.canvas.clientHeight === 0),
      null, {timeout: patience});
}

/** [id, how many values its series hold, how many colours its canvas] of each picture. */
const drawn = (page) => page.evaluate(
    () => nightwatt.pictures.filter((each) => each.canvas.clientHeight > 0 && each.drawn)
              .map((each) => {
                const {series} = each.chart.getOption();
                const canvas = each.canvas.querySelector('canvas');
                const {data} =
                    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                const colours = new Set();
                for (let i = 0; i < data.length; i += 4 * 7)
                  colours.add(
                      (data[i] << 24) | (data[i + 1] << 16) | (data[i + 2] << 8) | data[i + 3]);
                return [
                  each.id,
                  series.reduce((sum, one) => sum + (one.data ?? one.links ?? []).length, 0),
                  colours.size
                ];
              }));
async function checkDrawn(page, ids) {
  const all = await drawn(page);
  for (const [id, values, colours] of all) {
    check(values > 0, `${id}: no data in its series`);
    check(colours > 3, `${id}: its canvas is blank (${colours} colours)`);
  }
  for (const id of ids) check(all.some(([each]) => each === id), `the picture ${id} is missing`);
}
const overflow = (page) => page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// ------------------------------------------------------------------ one run
{
  const {page, context} = await open('one.html');
  const lazy = await page.evaluate(() => nightwatt.pictures.filter((each) => !each.drawn).length);
  check(lazy > 0, 'pictures below the fold are drawn at once');
  await scrollThrough(page);
  await checkDrawn(page, [
    'power', 'use', 'calendar-energy', 'calendar-carbon', 'wait_s-cdf', 'wait_s-histogram',
    'slowdown-cdf', 'nodes-berlin', 'shares', 'cap-rate', 'cap-energy'
  ]);
  check(await overflow(page) <= 0, 'the page scrolls sideways');

  // Text alternatives.
  const labels = await page.$$eval(
      '.chart',
      (charts) => charts.map(
          (chart) =>
              [chart.getAttribute('role'),
               chart.getAttribute('aria-labelledby')
                   .split(' ')
                   .map((id) => document.getElementById(id)?.textContent ?? '')
                   .join(' ')]));
  for (const [role, label] of labels)
    check(
        role === 'img' && label.length > 40 && !label.includes('undefined') &&
            !label.includes('NaN'),
        `text alternative "${label}"`);

  // Zoom: by button, for all pictures over time, with all bins where they fit, and without losing
  // the peak before.
  const span = () => page.evaluate(
      () => nightwatt.pictures.filter((each) => ['power', 'use'].includes(each.id)).map((each) => {
        const {dataZoom: [zoom], series} = each.chart.getOption();
        const facility = series.find((one) => one.name === 'facility')?.data ?? [];
        return {
          from: zoom.startValue,
          to: zoom.endValue,
          points: facility.length,
          most: Math.max(...facility.map((point) => point[1]))
        };
      }));
  const [whole, wholeUse] = await span();
  const bins = await page.evaluate(() => nightwatt.runs[0].series[0].bins);
  check(bins > 20000, `the run has only ${bins} bins`);
  check(whole.points < bins / 4, `${whole.points} points are drawn of ${bins} bins`);
  check(
      whole.from === wholeUse.from && whole.to === wholeUse.to,
      'pictures over time begin with different spans');
  const peak = /facility draws at most ([\d.]+) kW/.exec(await page.textContent('#power-text'))[1];
  check(
      Math.abs(whole.most / Number(peak) - 1) < 1e-3,
      `the peak drawn is ${whole.most}, the caption says ${peak}`);
  await page.click('button[aria-label="Zoom in"]');
  await page.click('button[aria-label="Later"]');
  await page.waitForTimeout(100);
  const [zoomed, zoomedUse] = await span();
  const nodes = await page.evaluate(
      () => nightwatt.pictures.find((each) => each.id === 'nodes-berlin')
                .chart.getOption()
                .dataZoom[0]);
  check(Math.abs(nodes.startValue - zoomed.from) < 1000, 'power by node does not follow the zoom');
  check(
      Math.abs((zoomed.to - zoomed.from) / (whole.to - whole.from) - 0.5) < 0.01,
      'zooming in does not show half');
  check(
      Math.abs(zoomed.from - zoomedUse.from) < 1000 && Math.abs(zoomed.to - zoomedUse.to) < 1000,
      'the zoom of the two pictures is not linked');
  check(
      /^Shown: \d{4}-/.test(await page.textContent('.zoom .status')),
      'the zoom is not told in words');
  // The slider itself: dispatched as the component does.
  await page.evaluate(
      () => nightwatt.pictures.find((each) => each.id === 'power')
                .chart.dispatchAction({type: 'dataZoom', start: 40, end: 41}));
  await page.waitForTimeout(200);
  const [close, closeUse] = await span();
  check(
      Math.abs(close.from - closeUse.from) < 1000,
      'moving the slider does not move the other picture');
  const inside = await page.evaluate(([from, to]) => {
    const data = nightwatt.pictures.find((each) => each.id === 'power')
                     .chart.getOption()
                     .series.find((one) => one.name === 'facility')
                     .data;
    return data.filter(([ms]) => ms >= from && ms <= to).length;
  }, [close.from, close.to]);
  // What the page holds of each span: its bins, decimated once where the run has more than the page
  // takes.
  const held = await page.evaluate(
      () =>
          (nightwatt.runs[0].series[0].facility.at ? 16384 * 0.7 :
                                                     nightwatt.runs[0].series[0].bins));
  check(inside >= held / 100 * 0.5, `zoomed in, ${inside} points are drawn`);
  await page.click('button:text("Whole run")');
  await page.waitForTimeout(100);
  check((await span())[0].points === whole.points, 'the whole run does not come back');

  // The choice of a site.
  const before = await page.textContent('#power-text');
  await page.selectOption('.bar select', {label: 'dallas'});
  check(await page.textContent('#power-text') !== before, 'choosing a site changes nothing');
  await page.selectOption('.bar select', {index: 0});

  // A table by keyboard.
  const first = () => page.$$eval(
      '#jobs tbody', (bodies) => [...bodies[0].rows].map((row) => row.cells[0].textContent));
  const head = page.locator('#jobs th', {hasText: 'wait'}).first();
  await head.locator('button').focus();
  await page.keyboard.press('Enter');
  check(await head.getAttribute('aria-sort') === 'descending', 'Enter on a head does not sort');
  const longest = await first();
  await page.keyboard.press('Space');
  check(
      await head.getAttribute('aria-sort') === 'ascending',
      'Space on a head does not turn the order');
  check(String(longest) !== String(await first()), 'sorting does not move rows');
  const {all, shown} = await page.evaluate(() => nightwatt.runs[0].tables);
  check(
      all > shown &&
          (await page.textContent('#jobs'))
              .includes(`${(all - shown).toLocaleString('en')} are left out here`),
      'the jobs that are left out are not counted');
  await page.fill('#jobs input[type=search]', longest[0]);
  check((await first()).includes(longest[0]), 'the search does not find a job by its id');

  // Focus is seen.
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check(outline !== 'none', 'the focus is not visible');

  // Paper: all drawn, in light colours, without controls; and a PDF comes out.
  await page.emulateMedia({media: 'print', colorScheme: 'dark'});
  await page.waitForTimeout(300);
  check(
      await page.evaluate(
          () => nightwatt.pictures.every((each) => each.drawn || each.element.hidden)),
      'on paper a picture is missing');
  check(!await page.isVisible('.bar'), 'controls are printed');
  check(
      await page.evaluate(() => getComputedStyle(document.body).backgroundColor) ===
          'rgb(255, 255, 255)',
      'paper is not white');
  const pdf = await page.pdf({format: 'A4'});
  check(pdf.length > 100000, `the PDF has ${pdf.length} bytes`);
  await context.close();
}

// ------------------------------------------------------------------ two runs
{
  const {page, context} = await open('two.html');
  await scrollThrough(page);
  await checkDrawn(page, ['runs-power', 'power', 'wait_s-cdf', 'pareto']);
  check(
      (await page.textContent('#comparison')).includes('B · capped.h5 against A · free.h5'),
      'the comparison is missing');
  check(
      /\+\s+cap/.test(await page.textContent('#comparison details')),
      'the difference of the scenarios does not show the cap');
  const cards = await page.textContent('.cards');
  await page.selectOption('.bar select', {index: 1});
  check(await page.textContent('.cards') !== cards, 'choosing a run changes no card');
  check(
      (await page.textContent('.cards')).includes('against A'), 'cards do not tell the difference');
  await checkDrawn(page, []);
  await context.close();
}

// ------------------------------------------------------------------ a study
{
  const {page, context} = await open('study.html');
  await scrollThrough(page);
  await checkDrawn(page, ['sensitivity', 'combinations', 'runs-power', 'pareto']);
  check(await page.evaluate(() => globalThis.hacked) === undefined, 'a name has run');
  await page.selectOption('#sensitivity select', {label: 'facility energy'});
  const said = await page.textContent('#sensitivity-text');
  // Three PUEs of the same IT energy, and nothing else that matters.
  check(
      /^sites\[0\]\.facility\.pue moves facility energy most: from .* \(1\.1\) to .* \(2\)\. Of the variance over all runs, sites\[0\]\.facility\.pue 100 %\.$/
          .test(said),
      `what matters most: ${said}`);
  check(
      (await page.textContent('#combinations-text')).includes('mean over 2 seeds'),
      'the points do not tell their seeds');
  const rows = await page.$$eval(
      '#study table tbody tr', (all) => all.map((row) => row.textContent));
  check(rows.length === 6, `${rows.length} combinations in the table`);
  check(rows[0].startsWith('1.1</script>'), `the first combination is ${rows[0]}`);
  check(await overflow(page) <= 0, 'the page of a study scrolls sideways');
  await context.close();
}

// ------------------------------------------------------------------ flows, unequal work
{
  // The page of two runs with other data: a home site for each job, and a comparison that must not
  // be made.
  const text = readFileSync(join(folder, 'two.html'), 'utf8');
  const mark = '<script type="application/json" id="data">';
  const from = text.indexOf(mark) + mark.length;
  const to = text.indexOf('</script>', from);
  const data = JSON.parse(text.slice(from, to));
  data.runs[0].shares.flows = [
    {home: 'berlin', site: 'berlin', jobs: 3, gpu_hours: 6, it_energy_j: 1e6},
    {home: 'berlin', site: 'dallas', jobs: 1, gpu_hours: 2, it_energy_j: 5e5}
  ];
  data.runs[1].shares.flows = [];
  data.comparisons[0].equal_work = false;
  writeFileSync(
      join(folder, 'changed.html'), text.slice(0, from) + JSON.stringify(data) + text.slice(to));
  const {page, context} = await open('changed.html');
  await scrollThrough(page);
  await checkDrawn(page, ['flows', 'shares']);
  check(
      (await page.textContent('#flows-text')).includes('25 % ran away from home'),
      'the flows are not told in words');
  check(
      !(await page.textContent('#comparison table')).includes('B − A'),
      'differences of unequal work are shown');
  check(
      (await page.textContent('#comparison')).includes('no differences are shown'),
      'that no differences are shown is not said');
  await page.selectOption('.bar select', {index: 1});
  check(!await page.isVisible('#flows'), 'a run without homes shows the flows of another');
  check(
      !(await page.textContent('.cards')).includes('against'),
      'cards show differences of unequal work');
  await context.close();
}

// ------------------------------------------------------------------ dark, phone
{
  const {page, context} = await open(
      'two.html',
      {viewport: {width: 360, height: 740}, colorScheme: 'dark', hasTouch: true, isMobile: true});
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  check(/rgb\(\d{1,2}, \d{1,2}, \d{1,2}\)/.test(dark), `dark mode has the ground ${dark}`);
  await scrollThrough(page);
  await checkDrawn(page, []);
  check(await overflow(page) <= 0, `on a phone the page is ${await overflow(page)} px too wide`);
  const ink = () =>
      page.evaluate(() => nightwatt.pictures[0].chart.getOption().legend[0].textStyle.color);
  const darkInk = await ink();
  await page.click('.theme');
  check(await ground() !== dark, 'the button does not change the colours');
  check(await ink() !== darkInk, 'the charts keep their colours');
  await context.close();
}

// ------------------------------------------------------------------ names that must not run
{
  const {page, context} = await open('evil.html');
  await scrollThrough(page);
  await checkDrawn(page, ['power', 'bars', 'calendar-energy']);
  check(
      (await page.textContent('#calendar-carbon-text')).startsWith('Carbon is unknown'),
      'that carbon is not known is not said');
  check(
      !/NaN|undefined|null/.test(await page.evaluate(() => document.body.innerText)),
      'a missing value shows as a word of the program');
  // Tooltips, too.
  for (const id of ['power', 'bars', 'wait_s-histogram', 'calendar-energy']) {
    const box = await page.locator(`#${id} .chart`).boundingBox();
    await page.locator(`#${id}`).scrollIntoViewIfNeeded();
    const at = await page.locator(`#${id} canvas`).first().boundingBox();
    for (const part of [0.15, 0.3, 0.5])
      await page.mouse.move(at.x + at.width * part, at.y + at.height * 0.5);
    check(box !== null, `${id} has no size`);
  }
  await page.locator('details summary').first().click();
  await page.waitForTimeout(200);
  check(await page.evaluate(() => globalThis.hacked === undefined), 'a name was run');
  check(await page.$$eval('img', (all) => all.length) === 0, 'a name became an element');
  check((await page.textContent('h1')).includes('</script><img'), 'the name is not shown as it is');
  check(
      (await page.textContent('#jobs')).includes('onerror="globalThis.hacked=1"'),
      'the job ids are not shown as they are');
  await context.close();
}

await browser.close();
console.log(failures === 0 ? 'the pages are as they should be' : `${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
