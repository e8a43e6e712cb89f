// Facility power of all runs, one over the other.

import {Bins, runs} from './data.js';
import {tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, Picture, runStyle, tooltip} from './picture.js';
import {timeLabel} from './time.js';

const bins = runs.map((run) => new Bins(run.series[0].facility, run, run.series[0]));
/** Runs of different periods are laid over each other from their starts. */
const together = runs.every((run) => run.start_unix_s === runs[0].start_unix_s);
const shift = (run) => together ? 0 : run.start_unix_s * 1000;

function option({chart, p, width, narrow}) {
  const left = narrow ? 52 : 68;
  const [factor, unit] =
      f.unitFor(Math.max(...bins.map((each) => each.largest()?.value ?? 0)), f.wattUnits);
  const from = Math.min(...runs.map((run, i) => bins[i].startMs - shift(run)));
  const to = Math.max(...runs.map((run, i) => bins[i].endMs() - shift(run)));
  const lines = (start, end) => runs.map((run, i) => {
    const style = runStyle(run.index);
    const indices = bins[i].window(start + shift(run), end + shift(run), Math.max(200, width));
    return {
      name: run.label,
      type: 'line',
      step: 'end',
      symbol: 'none',
      lineStyle: {width: 1.4, color: style.color},
      itemStyle: {color: style.color},
      emphasis: {disabled: true},
      data: bins[i].points(['facility'], indices, factor).map(([ms,
                                                                value]) => [ms - shift(run), value])
    };
  });
  chart.off('datazoom');
  chart.on('datazoom', () => {
    const {startValue, endValue} = chart.getOption().dataZoom[0];
    chart.setOption({series: lines(startValue, endValue)});
  });
  const time = together ? {type: 'time', axisLabel: {formatter: timeLabel}, name: 'time (UTC)'} : {
    type: 'value',
    axisLabel: {formatter: (ms) => f.number(ms / 86400e3)},
    name: 'days since the start of each run'
  };
  return {
    legend: legend(p),
    grid: {left, right: 16, top: 36, bottom: 84, outerBoundsMode: 'none'},
    xAxis: axis(p, {...time, min: from, max: to, nameGap: 26, splitLine: {show: false}}),
    yAxis: axis(
        p, {type: 'value', min: 0, name: `facility power [${unit}]`, nameGap: narrow ? 38 : 48}),
    tooltip: tooltip(p, {
      trigger: 'axis',
      formatter: (rows) => {
        const ms = rows[0].axisValue;
        return tip(
            together ? `${f.instant(ms)} UTC` : `${f.span(ms / 1000)} after the start`,
            runs.map(
                (run, i) =>
                    [run.label,
                     ms + shift(run) < bins[i].endMs() ?
                         f.power(bins[i].sum[bins[i].indexAt(ms + shift(run))]) :
                         'has ended',
                     runStyle(run.index).color]));
      }
    }),
    dataZoom: [{
      type: 'slider',
      filterMode: 'none',
      bottom: 4,
      height: 20,
      left,
      right: 16,
      showDataShadow: false,
      brushSelect: false,
      borderColor: p.rule,
      textStyle: {color: p.soft, fontSize: 10},
      labelFormatter: (ms) => together ? f.instant(ms) : f.span(ms / 1000)
    }],
    series: lines(from, to),
  };
}

export function overlay() {
  return new Picture({
           id: 'runs-power',
           title: 'Facility power of all runs',
           height: 340,
           build: option,
           say: () =>
               `Means of ${[...new Set(runs.map((run) => f.span(run.bin_s)))].join(' and ')}${
                   runs.some((run) => run.sites.length > 1) ? ', all sites together' : ''}. ` +
               runs.map((run, i) => {
                     const peak = bins[i].largest();
                     return `${run.letter}: at most ${f.power(peak?.value)}`;
                   })
                   .join(', ') +
               '.'
         })
      .element;
}
