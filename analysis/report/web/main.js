// The page: sections in order, the choice of run and site, the theme.

import {calendarSection} from './calendar.js';
import {capSection} from './caps.js';
import {data, runs} from './data.js';
import {distributionSection} from './distributions.js';
import {choice, h} from './dom.js';
import {jobSection} from './jobs.js';
import {paretoSection} from './pareto.js';
import {isDark, pictures, redrawAll, version} from './picture.js';
import {scheduleSection} from './schedule.js';
import {siteSection} from './sites.js';
import {choose, state} from './state.js';
import {studySection} from './study.js';
import {chooser, comparisonSection, head, provenanceSection, summarySection} from './summary.js';
import {setZoom, timeSection} from './time.js';

function themeButton() {
  const button = h('button', {
    type: 'button',
    class: 'theme',
    onclick: () => {
      document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
      say();
      redrawAll();
    }
  });
  const say = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Change to ${isDark() ? 'light' : 'dark'} colours`);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', say);
  say();
  return button;
}

const app = document.getElementById('app');
document.title = `${
    data.study          ? data.study.title :
        runs.length > 1 ? `${runs.length} runs` :
                          runs[0].title} · nightwatt report`;
const main = h('main', {id: 'content'});
const controls = chooser(
    (label, names, change, selected) =>
        choice(label, names, (index) => choose(change(index)), selected));
const shortNames = {
  study: 'Study',
  summary: 'Summary',
  comparison: 'Comparison',
  time: 'Time',
  calendar: 'Calendar',
  distributions: 'Waiting',
  tradeoff: 'Trade-off',
  schedule: 'Schedule',
  sites: 'Sites',
  caps: 'Caps',
  jobs: 'Jobs',
  provenance: 'Origin'
};
const links = h('nav', {'aria-label': 'Sections'});
app.append(
    h('div', {class: 'bar'}, links, h('div', {class: 'controls'}, controls, themeButton())), main);
// Pictures measure the element that they are drawn in, so it stands in the page before them.
main.append(head());
for (const make
         of [studySection, summarySection, comparisonSection, timeSection, calendarSection,
             distributionSection, paretoSection, scheduleSection, siteSection, capSection,
             jobSection, provenanceSection]) {
  const part = make();
  if (!part) continue;
  main.append(part);
  links.append(h('a', {href: `#${part.id}`}, shortNames[part.id]));
}
main.append(
    h('footer', {},
      h('p', {},
        `Made by ${runs[0].source}. Charts by Apache ECharts ${
            version} (Apache License 2.0); the licences of what ` +
            'this page holds stand in its source. It loads nothing from a network.')));

// For tests, and for the console.
globalThis.nightwatt = {
  pictures,
  runs,
  setZoom,
  choose,
  state
};
