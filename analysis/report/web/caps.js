// Rate and energy against the power cap, by the energy model of the run.

import {runs} from './data.js';
import {h, section, tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, Picture, runStyle, tooltip} from './picture.js';
import {onChange, run} from './state.js';

const nameOf = (curve) => `${curve.device}, ${curve.profile}`;

function option({p, narrow}, key, name) {
  const {curves} = run().caps;
  return {
    legend: legend(p),
    grid: {left: narrow ? 50 : 62, right: 20, top: 34, bottom: 48},
    xAxis: axis(p, {
      type: 'value',
      scale: true,
      name: 'power cap of a GPU [W]',
      nameGap: 28,
      splitLine: {show: false}
    }),
    yAxis: axis(p, {
      type: 'value',
      scale: true,
      name,
      nameGap: narrow ? 36 : 44,
      axisLabel: {formatter: (v) => f.number(v)}
    }),
    tooltip: tooltip(p, {
      trigger: 'axis',
      formatter: (rows) =>
          tip(`cap of ${f.power(rows[0].axisValue)}`,
              rows.map((row) => [row.seriesName, `${f.number(row.data[1])} %`, row.color]))
    }),
    series: curves.map((curve, i) => {
      const style = runStyle(i);
      return {
        name: nameOf(curve),
        type: 'line',
        symbol: 'none',
        lineStyle: {width: 2, ...style},
        itemStyle: {color: style.color},
        data: curve.cap_w.map((w, k) => [w, 100 * curve[key][k]]),
        markLine: curve.cap_in_run_w === null ? undefined : {
          symbol: 'none',
          silent: true,
          lineStyle: {color: p.soft, type: 'dotted'},
          label: {formatter: 'in this run', color: p.soft, fontSize: 10},
          data: [{xAxis: curve.cap_in_run_w}]
        }
      };
    }),
  };
}
/** At the cap with the least energy. */
const least = (curve) => curve.energy.indexOf(Math.min(...curve.energy));
const sayRate = () => `How fast the jobs run under a cap, relative to no cap. ` +
    run()
        .caps.curves
        .map(
            (curve) => `${nameOf(curve)} (${curve.of}) draws ${
                f.power(curve.uncapped_w)} a GPU without a cap`)
        .join('; ') +
    '.';
const sayEnergy = () =>
    `Energy of the same work, relative to no cap: GPUs and what the host draws for them, without idle power. ` +
    run()
        .caps.curves
        .map(
            (curve) => curve.energy[least(curve)] > 0.9995 ?
                `${nameOf(curve)}: no cap saves any` :
                `${nameOf(curve)}: least at ${f.power(curve.cap_w[least(curve)])} (${
                    f.percent(curve.energy[least(curve)])} of the energy, ` +
                    `${f.percent(curve.rate[least(curve)])} of the rate)`)
        .join('; ') +
    '.';

export function capSection() {
  if (!runs.some((each) => each.caps.curves.length)) return null;
  const pair =
      h('div', {class: 'pair'}, new Picture({
                                  id: 'cap-rate',
                                  title: 'Rate under a power cap',
                                  height: 320,
                                  build: (c) => option(c, 'rate', 'rate [% of no cap]'),
                                  say: sayRate
                                }).element,
        new Picture({
          id: 'cap-energy',
          title: 'Energy under a power cap',
          height: 320,
          build: (c) => option(c, 'energy', 'energy [% of no cap]'),
          say: sayEnergy
        }).element);
  const notes = h('p', {class: 'hint'});
  const show = () => {
    pair.hidden = run().caps.curves.length === 0;
    notes.textContent = run().caps.notes.map((note) => `${note}.`).join(' ');
    notes.hidden = run().caps.notes.length === 0;
  };
  show();
  onChange(show);
  return section('caps', 'Power caps of the devices', pair, notes);
}
