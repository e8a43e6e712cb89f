// Waits and slowdowns of all runs, one over the other.

import {column, runs} from './data.js';
import {section, tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, Picture, runStyle, tooltip} from './picture.js';

const kinds = {
  wait_s: {
    what: 'wait',
    least: 1,
    text: f.span,
    ticks: [1, 10, 60, 600, 3600, 36000, 86400, 604800, 2592000, 31536000],
    tick: (s) => s < 60 ? `${s} s` :
        s < 3600 ? `${s / 60} min` :
        s < 86400 ? `${s / 3600} h` :
                    `${s / 86400} d`,
    note: 'Waits below a second are drawn at one second.'
  },
  slowdown: {
    what: 'bounded slowdown',
    least: 1,
    text: (v) => f.number(v),
    ticks: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e4, 1e5, 1e6],
    tick: (v) => f.number(v),
    note:
        'It is completion time over the run time on the trace’s device without a cap, and at least 1.'
  },
};

const shown = (key) => runs.filter((run) => run.distributions[key].count > 0);

function cdf({p, narrow}, key) {
  const kind = kinds[key];
  let most = kind.least * 10;
  const series = shown(key).map((run) => {
    const json = run.distributions[key].quantiles;
    const shares = column(json.share, json.points);
    const values = column(json.value, json.points);
    most = Math.max(most, values[values.length - 1]);
    const points =
        Array.from(values, (v, i) => [Math.log10(Math.max(v, kind.least)), 100 * shares[i], v]);
    const style = runStyle(run.index);
    return {
      name: run.label,
      type: 'line',
      step: 'end',
      symbol: 'none',
      lineStyle: {width: 2, ...style},
      itemStyle: {color: style.color},
      data: [[points[0][0], 0, points[0][2]], ...points],
      emphasis: {disabled: true}
    };
  });
  const end = Math.log10(most);
  return {
    legend: runs.length > 1 ? legend(p) : undefined,
    grid: {left: narrow ? 46 : 58, right: 20, top: runs.length > 1 ? 34 : 14, bottom: 48},
    xAxis: axis(p, {
      type: 'value',
      min: Math.log10(kind.least),
      max: end,
      name: kind.what,
      nameGap: 28,
      axisLabel: {
        customValues: kind.ticks.map(Math.log10).filter((v) => v <= end),
        formatter: (v) => kind.tick(Math.round(10 ** v))
      },
      axisTick: {customValues: kind.ticks.map(Math.log10).filter((v) => v <= end)},
      splitLine: {show: false},
      axisPointer: {label: {show: false}}
    }),
    yAxis: axis(
        p,
        {type: 'value', min: 0, max: 100, name: 'jobs up to here [%]', nameGap: narrow ? 32 : 40}),
    tooltip: tooltip(p, {
      trigger: 'axis',
      formatter: (rows) => {
        const at = 10 ** rows[0].axisValue;
        return tip(
            `${kind.what} up to ${kind.text(at)}`,
            shown(key).map(
                (run,
                 i) => [run.label, f.percent(shareUpTo(run, key, at)), runStyle(run.index).color]));
      }
    }),
    series,
  };
}
function shareUpTo(run, key, at) {
  const json = run.distributions[key].quantiles;
  const shares = column(json.share, json.points);
  const values = column(json.value, json.points);
  let share = 0;
  for (let i = 0; i < values.length && values[i] <= at * (1 + 1e-6); ++i) share = shares[i];
  return share;
}

function histogram({p, narrow}, key) {
  const kind = kinds[key];
  const these = shown(key);
  const bins = Math.max(1, ...these.map((run) => run.distributions[key].histogram.counts.length));
  const edges = these.reduce(
      (longest, run) => run.distributions[key].histogram.edges.length > longest.length ?
          run.distributions[key].histogram.edges :
          longest,
      []);
  const name = (i) => `from ${kind.text(edges[i])} to below ${kind.text(edges[i + 1])}`;
  return {
    legend: runs.length > 1 ? legend(p) : undefined,
    grid: {left: narrow ? 46 : 58, right: 20, top: runs.length > 1 ? 34 : 14, bottom: 48},
    xAxis: axis(p, {
      type: 'category',
      data: Array.from({length: bins}, (_, i) => kind.text(edges[i])),
      name: `${kind.what}, from`,
      nameGap: 28,
      splitLine: {show: false}
    }),
    yAxis:
        axis(p, {type: 'value', min: 0, name: 'share of the jobs [%]', nameGap: narrow ? 32 : 40}),
    tooltip: tooltip(p, {
      trigger: 'axis',
      axisPointer: {type: 'shadow'},
      formatter: (rows) =>
          tip(name(rows[0].dataIndex),
              rows.map(
                  (row) =>
                      [row.seriesName,
                       `${f.number(row.value, 3)} % (${f.count(row.data.count)} jobs)`, row.color]))
    }),
    series: these.map((run) => {
      const {counts} = run.distributions[key].histogram;
      return {
        name: run.label,
        type: 'bar',
        barGap: '0%',
        barCategoryGap: '12%',
        itemStyle: {color: runStyle(run.index).color},
        data: counts.map((count) => ({value: 100 * count / run.distributions[key].count, count}))
      };
    }),
  };
}

function say(key) {
  const kind = kinds[key];
  const of = (run) =>
      `${runs.length > 1 ? `${run.letter}: ` : ''}mean ${
          kind.text(run.summary[`mean_${key === 'slowdown' ? 'bounded_slowdown' : key}`])}, ` +
      `median ${
          kind.text(
              run.summary[`p50_${key === 'slowdown' ? 'bounded_slowdown' : key}`])}, 95 % up to ` +
      `${kind.text(run.summary[`p95_${key === 'slowdown' ? 'bounded_slowdown' : key}`])}`;
  const jobs = key === 'wait_s' ? 'that started' : 'that ended';
  return `Share of the jobs ${jobs} with a ${kind.what} up to each value: ${
      runs.map(of).join('; ')}. ${kind.note}`;
}

export function distributionSection() {
  const pair = (key, title) =>
      [new Picture({
         id: `${key}-cdf`,
         title: `${title}: cumulated`,
         height: 300,
         build: (c) => cdf(c, key),
         say: () => say(key)
       }).element,
       new Picture({
         id: `${key}-histogram`,
         title: `${title}: histogram`,
         height: 300,
         build: (c) => histogram(c, key),
         say: () => 'The same jobs, counted in bins that grow with the value.'
       }).element,
  ];
  const keys = Object.keys(kinds).filter((key) => shown(key).length > 0);
  if (keys.length === 0) return null;
  return section('distributions', 'Waiting', ...keys.map((key) => {
    const [a, b] = pair(key, key === 'wait_s' ? 'Wait' : 'Slowdown');
    const box = document.createElement('div');
    box.className = 'pair';
    box.append(a, b);
    return box;
  }));
}
