// A study: what its axes do to a figure, all combinations as points, and as a table.

import {data} from './data.js';
import {choice, h, section, tip} from './dom.js';
import * as f from './format.js';
import {front} from './pareto.js';
import {axis, Picture, runStyle, tooltip} from './picture.js';
import {sortable} from './table.js';

const {study} = data;

/** How a figure is shown: what its values are divided by, and the unit that is left. */
function scaleOf(metric) {
  const largest = Math.max(0, ...metric.points.map((value) => Math.abs(value ?? 0)));
  const pick = (units) => f.unitFor(largest, units);
  if (metric.unit === 'J') return pick(f.jouleUnits);
  if (metric.unit === 'g') return pick(f.gramUnits).map((part, i) => i ? `${part} CO₂e` : part);
  if (metric.unit === 'W') return pick(f.wattUnits);
  if (metric.unit === 's') return pick([[1, 's'], [60, 'min'], [3600, 'h'], [86400, 'd']]);
  return [1, metric.unit === '1' ? '' : metric.unit];
}
const named = (metric) => {
  const [, unit] = scaleOf(metric);
  return unit ? `${metric.title} [${unit}]` : metric.title;
};
const text = (metric, value) => {
  const [factor, unit] = scaleOf(metric);
  return `${f.number(value === null ? NaN : value / factor)} ${unit}`.trim();
};
const known = (metric) => metric.points.some((value) => value !== null);
// To which horizon energy is charged stands above the pictures.
const metrics = study ?
    study.metrics.filter(known).map(
        (metric) => ({...metric, title: metric.title.replace(', to the horizon', '')})) :
    [];
// Combinations that did other work than the first cannot be compared with it.
const otherWork = study?.bases.some((base) => base > 0);
const at = (name) => Math.max(0, metrics.findIndex((metric) => metric.name === name));

/** Which value of each axis a point has; the last axis runs fastest. */
function coordinates(point) {
  const out = [];
  for (const {labels} of [...study.axes].reverse()) {
    out.unshift(point % labels.length);
    point = Math.floor(point / labels.length);
  }
  return out;
}
const titleOf = (point) =>
    coordinates(point).map((label, i) => study.axes[i].labels[label]).join(', ');

// ---------------------------------------------------------------- sensitivity

let moved = at('carbon_g');

/** Axes that have several values, the one that moves the figure most first. */
function effects() {
  const {sensitivity} = metrics[moved];
  if (!sensitivity) return [];
  return study.axes
      .map(({name, labels}, i) => {
        const {means, share} = sensitivity.axes[i];
        return {name, labels, means, share, spread: Math.max(...means) - Math.min(...means)};
      })
      .filter(({labels}) => labels.length > 1)
      .sort((a, b) => b.spread - a.spread);
}

function sensitivityOption({p, narrow}) {
  const rows = effects().reverse();  // the first one is drawn on top
  const mean = metrics[moved].sensitivity.mean;
  const change = (value) => 100 * (value / mean - 1);
  const points = rows.flatMap(({name, labels, means}, row) => labels.map((label, i) => {
    // Labels that would cover each other stand above and below in turn.
    const order = means.filter((other) => other < means[i]).length;
    return {
      value: [change(means[i]), row],
      told: [name, label, means[i]],
      label: {
        show: true,
        position: order % 2 ? 'bottom' : 'top',
        formatter: label.length > 24 ? `${label.slice(0, 22)}…` : label,
        color: p.ink,
        fontSize: 11
      }
    };
  }));
  return {
    grid: {left: narrow ? 96 : 170, right: 40, top: 16, bottom: 52},
    xAxis: axis(p, {
      type: 'value',
      name: `${metrics[moved].title}: mean of the runs with the value, in % of the mean of all`,
      nameGap: 30,
      scale: true,
      boundaryGap: ['8%', '8%'],
      axisLabel: {formatter: (value) => f.signed(value)}
    }),
    yAxis: axis(p, {
      type: 'category',
      data: rows.map(({name}) => name),
      axisLabel: {width: narrow ? 84 : 156, overflow: 'truncate', color: p.ink, fontSize: 12},
      splitLine: {show: false}
    }),
    tooltip: tooltip(p, {
      formatter: ({data: {told}}) => told ?
          tip(`${told[0]}: ${told[1]}`,
              [
                ['mean', text(metrics[moved], told[2])],
                ['of the mean of all', f.signedPercent(told[2] / mean - 1)]
              ]) :
          ''
    }),
    series: [
      ...rows.map(({means}, row) => ({
                    type: 'line',
                    symbol: 'none',
                    silent: true,
                    lineStyle: {color: p.rule, width: 6, cap: 'round'},
                    data: [[change(Math.min(...means)), row], [change(Math.max(...means)), row]]
                  })),
      {type: 'scatter', symbolSize: 13, itemStyle: {color: p.blue}, data: points, z: 3},
    ],
  };
}

function saySensitivity() {
  const metric = metrics[moved];
  if (!metric.sensitivity) {
    return `Runs are missing, so what moves ${metric.title} cannot be told apart.`;
  }
  const [first, ...others] = effects();
  if (!first) return 'Nothing is varied but seeds.';
  const {mean, interactions, seeds} = metric.sensitivity;
  if (first.share === null) return `No axis moves ${metric.title}: it is ${text(metric, mean)}.`;
  const end = (best) => first.labels[first.means.indexOf(best)];
  const low = Math.min(...first.means);
  const high = Math.max(...first.means);
  const shares =
      [
        ...[first, ...others].map(({name, share}) => [name, share]),
        ['combinations of them', interactions], ['seeds', study.seeds.length > 1 ? seeds : 0]
      ].filter(([, share]) => share > 5e-4)
          .map(([name, share]) => `${name} ${f.percent(share)}`);
  return `${first.name} moves ${metric.title} most: from ${text(metric, low)} (${end(low)}) to ${
      text(metric, high)} (${end(high)}). Of the variance over all runs, ${shares.join(', ')}.`;
}

// ------------------------------------------------------- all combinations

let across = at('mean_wait_s');
let upwards = at('carbon_g');
let coloured = 0;

const points = () => metrics[across]
                         .points.map((x, point) => ({point, x, y: metrics[upwards].points[point]}))
                         .filter(({x, y}) => x !== null && y !== null);

function pointsOption({p, narrow}) {
  const all = points();
  const [xFactor] = scaleOf(metrics[across]);
  const [yFactor] = scaleOf(metrics[upwards]);
  const best = front(all).sort((a, b) => a.x - b.x || b.y - a.y);
  const symbols = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow', 'roundRect'];
  return {
    grid: {left: narrow ? 60 : 76, right: 24, top: 34, bottom: 48},
    legend: {
      type: 'scroll',
      top: 0,
      left: 0,
      textStyle: {color: p.ink, fontSize: 12},
      data: study.axes[coloured].labels
    },
    xAxis: axis(
        p, {type: 'value', name: named(metrics[across]), nameGap: 28, scale: true}),
    yAxis: axis(p, {
      type: 'value',
      name: named(metrics[upwards]),
      nameGap: narrow ? 44 : 58,
      scale: true
    }),
    tooltip: tooltip(p, {
      formatter: ({data: told}) => told.point === undefined ?
          '' :
          tip(titleOf(told.point), [
            [metrics[across].title, text(metrics[across], metrics[across].points[told.point])],
            [metrics[upwards].title, text(metrics[upwards], metrics[upwards].points[told.point])]
          ])
    }),
    series: [
      {
        type: 'line',
        data: best.map(({x, y}) => [x / xFactor, y / yFactor]),
        step: 'end',
        symbol: 'none',
        lineStyle: {color: p.soft, type: 'dashed', width: 1.2},
        silent: true,
        z: 1
      },
      ...study.axes[coloured].labels.map(
          (label, i) => ({
            type: 'scatter',
            name: label,
            symbol: symbols[i % symbols.length],
            symbolSize: 14,
            itemStyle: {color: runStyle(i).color, opacity: 0.85},
            data: all.filter(({point}) => coordinates(point)[coloured] === i)
                      .map(({point, x, y}) => ({
                             point,
                             value: [x / xFactor, y / yFactor],
                             itemStyle: best.some((each) => each.point === point) ?
                                 {borderColor: p.ink, borderWidth: 2} :
                                 {}
                           }))
          }))
    ],
  };
}
const sayPoints = () => {
  const best = front(points());
  const names = best.slice(0, 6).map(({point}) => titleOf(point)).join('; ');
  return `A point a combination, mean over ${study.seeds.length} ${
             study.seeds.length === 1 ? 'seed' : 'seeds'}; down and left is better. ` +
      `${best.length} of ${points().length} are beaten in both by no other (dark rim): ${names}${
             best.length > 6 ? '; …' : ''}.`;
};

function combinations() {
  const shown = ['facility_energy_j', 'carbon_g', 'cost', 'mean_wait_s', 'mean_bounded_slowdown'];
  const columns = study.axes.map(
      ({name, labels}, i) => ({name, text: (point) => labels[coordinates(point)[i]]}));
  for (const metric of metrics.filter(({name}) => shown.includes(name))) {
    const value = (point) => metric.points[point] ?? NaN;
    columns.push({
      name: named(metric),
      value,
      text: (point) => {
        const [factor] = scaleOf(metric);
        return f.number(value(point) / factor);
      }
    });
    const base = (point) => value(study.bases[point]);
    const change = (point) => f.cleaned(value(point) - base(point), base(point)) / base(point);
    columns.push({name: 'change', value: change, text: (point) => f.signedPercent(change(point))});
  }
  return sortable({
    caption: `All combinations; changes are from the first${otherWork ? ' of the same work' : ''}`,
    columns,
    rows: metrics[0].points.map((_, point) => point),
    perPage: 50
  });
}

export function studySection() {
  if (!study || metrics.length === 0) return null;
  const names = metrics.map(({title}) => title);
  let pictures = [];
  const redraw = (picture) => picture.refresh();
  const sensitivity = new Picture({
    id: 'sensitivity',
    title: 'What matters most',
    height: () => 96 + 64 * Math.max(effects().length, 1),
    build: (context) => effects().length ? sensitivityOption(context) : {},
    say: saySensitivity,
    controls: [choice(
        'Figure', names,
        (index) => {
          moved = index;
          redraw(sensitivity);
        },
        moved)]
  });
  pictures.push(sensitivity.element);
  const all = new Picture({
    id: 'combinations',
    title: 'All combinations',
    height: 400,
    build: pointsOption,
    say: sayPoints,
    controls: [
      choice(
          'Across', names,
          (index) => {
            across = index;
            redraw(all);
          },
          across),
      choice(
          'Upwards', names,
          (index) => {
            upwards = index;
            redraw(all);
          },
          upwards),
      choice(
          'Colour', study.axes.map(({name}) => name),
          (index) => {
            coloured = index;
            redraw(all);
          },
          coloured)
    ]
  });
  if (study.axes.length > 0) pictures.push(all.element);
  return section(
      'study', 'The study',
      h('p', {},
        `${study.title}: ${study.runs} runs. Energy is charged to ${study.horizon}. ` +
            `Below, ${study.drawn} of ${metrics[0].points.length} combinations are drawn, with ` +
            `the first seed: the first one, and the best in energy, carbon, cost and waiting${
                otherWork ? ' of those that did the same work' : ''}.`),
      study.failed > 0 ?
          h('p', {class: 'warning'}, `${study.failed} runs failed; what needs them is left out.`) :
          null,
      pictures, combinations());
}
