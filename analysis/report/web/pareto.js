// Energy against waiting: a point a run.

import {data, runs} from './data.js';
import {choice, section, tip} from './dom.js';
import * as f from './format.js';
import {axis, Picture, runStyle, tooltip} from './picture.js';

const across = [
  ['mean wait', 'h', (s) => s.mean_wait_s / 3600],
  ['95th percentile of wait', 'h', (s) => s.p95_wait_s / 3600],
  ['mean bounded slowdown', '', (s) => s.mean_bounded_slowdown],
  ['mean completion time', 'h', (s) => s.mean_jct_s / 3600]
];
const known = (value) => value === null || value === undefined ? NaN : value;

/** A figure that `compare` charged to one instant for all runs; NaN where it could not. */
function compared(run, metric) {
  const comparison = data.comparisons.find((each) => run.index === 0 || each.run === run.index);
  const row = comparison?.rows.find((each) => each.metric === metric);
  return known(run.index === 0 ? row?.base : row?.other);
}
const toOneHorizon = ['facility energy', 'carbon', 'cost'].some(
    (name) => runs.length > 1 &&
        runs.every((run) => !Number.isNaN(compared(run, `${name}, to the horizon`))));
const charged = (name, perUnit, own) => (run) =>
    toOneHorizon ? compared(run, `${name}, to the horizon`) / perUnit : own(run.summary);
const upwards =
    () => [[
            'facility energy', 'MWh',
            charged('facility energy', 1e3, (s) => s.facility_energy_j / 3.6e9)
          ],
           ['IT energy of the jobs', 'MWh', (run) => run.summary.jobs_it_energy_j / 3.6e9],
           ['carbon', 't CO₂e', charged('carbon', 1e3, (s) => known(s.carbon_g) / 1e6)],
           ['cost', runs[0].currency, charged('cost', 1, (s) => known(s.cost))]]
              .filter(([, , value]) => runs.every((run) => !Number.isNaN(value(run))));
let x = 0;
let y = 0;

/** No other run is as good in both and better in one. */
export function front(points) {
  return points.filter(
      (a) => !points.some((b) => b !== a && b.x <= a.x && b.y <= a.y && (b.x < a.x || b.y < a.y)));
}
const points = () =>
    runs.map((run) => ({run, x: across[x][2](run.summary), y: upwards()[y][2](run)}));
const named = ([name, unit]) => unit ? `${name} [${unit}]` : name;

function option({p, narrow}) {
  const all = points();
  const best = front(all).sort((a, b) => a.x - b.x || b.y - a.y);
  return {
    grid: {left: narrow ? 60 : 76, right: 40, top: 20, bottom: 48},
    xAxis: axis(p, {
      type: 'value',
      name: named(across[x]),
      nameGap: 28,
      scale: true,
      boundaryGap: ['12%', '12%']
    }),
    yAxis: axis(p, {
      type: 'value',
      name: named(upwards()[y]),
      nameGap: narrow ? 44 : 58,
      scale: true,
      boundaryGap: ['12%', '12%']
    }),
    tooltip: tooltip(p, {
      formatter: ({data}) =>
          data.run ? tip(data.run.label,
                         [
                           [across[x][0], `${f.number(data.value[0])} ${across[x][1]}`],
                           [upwards()[y][0], `${f.number(data.value[1])} ${upwards()[y][1]}`]
                         ]) :
                     ''
    }),
    series: [
      {
        type: 'line',
        data: best.map((each) => [each.x, each.y]),
        step: 'end',
        symbol: 'none',
        lineStyle: {color: p.soft, type: 'dashed', width: 1.2},
        silent: true,
        z: 1
      },
      {
        type: 'scatter',
        symbolSize: 16,
        data: all.map((each) => ({
                        value: [each.x, each.y],
                        run: each.run,
                        itemStyle: {
                          color: runStyle(each.run.index).color,
                          borderColor: p.ink,
                          borderWidth: best.includes(each) ? 2 : 0
                        },
                        label: {
                          show: true,
                          formatter: each.run.letter,
                          position: 'right',
                          color: p.ink,
                          fontWeight: 'bold'
                        }
                      }))
      },
    ],
  };
}
const say = () =>
    `A point a run; down and left is better. On the dashed front, with a dark rim, are runs that no other run beats in both: ` +
    `${front(points()).map((each) => each.run.letter).join(', ')}. ` +
    `${
        toOneHorizon ? 'Energy, carbon and cost are charged to the same instant for all runs' :
                       'Energy, carbon and cost are charged to each run’s own end'}.${unequal()}`;
function unequal() {
  const others = runs.filter((each) => !each.equalWork).map((each) => each.letter);
  return others.length ? ` ${others.join(', ')} did not do the same work as ${
                             runs[0].letter}, and cannot be weighed against it.` :
                         '';
}

export function paretoSection() {
  if (runs.length < 2) return null;
  const picture = new Picture({
    id: 'pareto',
    title: 'Energy against waiting',
    height: 380,
    build: option,
    say,
    controls: [
      choice(
          'Across', across.map(([name]) => name),
          (index) => {
            x = index;
            picture.refresh();
          }),
      choice(
          'Upwards', upwards().map(([name]) => name),
          (index) => {
            y = index;
            picture.refresh();
          })
    ]
  });
  return section('tradeoff', 'Trade-off', picture.element);
}
