// Power, signals, queue and utilization over time, with one zoom for all of them.

import {Bins} from './data.js';
import {h, section, tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, palette, Picture, tooltip} from './picture.js';
import {onChange, run, siteName, state} from './state.js';

const parts = ['power', 'facility', 'intensity', 'pue', 'price', 'gpus', 'jobs', 'waiting'];
let cached = null;
/** The series of the chosen run and site. */
function series() {
  const json = run().series[state.site];
  if (cached?.json !== json) {
    cached = {json};
    for (const part of parts) cached[part] = new Bins(json[part], run(), json);
  }
  return cached;
}

export const whole = () => [run().start_unix_s * 1000, series().power.endMs()];
let zoom = null;  // [from, to] in ms, null = the whole run
export const shown = () => zoom ?? whole();
const timePictures = [];
onChange((change) => {
  if ('run' in change) zoom = null;
});

/** One row of a time picture: a grid with its axis and the stacks drawn in it. */
function rowsOption({p, width, narrow}, rows) {
  const [from, to] = whole();
  const left = narrow ? 52 : 68;
  const right = 16;
  const gap = 22;
  const option = {
    grid: [],
    xAxis: [],
    yAxis: [],
    series: [],
    axisPointer: {link: [{xAxisIndex: 'all'}]},
    legend: legend(p, {
      selectedMode: false,
      data: rows.flatMap(
          (row) => row.stacks.flatMap(
              (s) => s.lines.map((line) => ({
                                   name: line.label,
                                   icon: line.area ? 'roundRect' : 'path://M0 5 H22 V7 H0 Z'
                                 }))))
    }),
    tooltip: tooltip(p, {
      trigger: 'axis',
      axisPointer: {type: 'line', lineStyle: {color: p.soft}},
      formatter: (at) => timeTip(at, rows)
    })
  };
  let top = 40;
  rows.forEach((row, index) => {
    option.grid.push({left, right, top, height: row.height, outerBoundsMode: 'none'});
    top += row.height + gap;
    const last = index === rows.length - 1;
    option.xAxis.push(axis(p, {
      type: 'time',
      gridIndex: index,
      min: from,
      max: to,
      axisLabel: {show: last, formatter: timeLabel},
      axisTick: {show: last, lineStyle: {color: p.soft}},
      splitLine: {show: false},
      name: last ? 'time (UTC)' : '',
      nameGap: 26,
      axisPointer: {label: {show: false}}
    }));
    option.yAxis.push(axis(p, {
      type: 'value',
      gridIndex: index,
      name: row.name,
      nameGap: narrow ? 38 : 48,
      min: row.min,
      max: row.max,
      splitNumber: row.height > 150 ? 5 : 2,
      scale: row.scale,
      axisLabel: row.only === undefined ?
          {formatter: (value) => f.number(value, 3), showMaxLabel: row.max === undefined} :
          {customValues: [row.only], formatter: (value) => f.number(value)},
      axisTick: {show: false},
      splitLine: {show: row.only === undefined, lineStyle: {color: p.rule}}
    }));
    for (const [s, stack] of row.stacks.entries()) {
      // An area reaches down to 0 and is covered by those below it: nothing shows between them.
      for (const [below, line] of stack.lines.entries()) {
        option.series.push({
          name: line.label,
          z: line.area ? 10 - below : 20 + s,
          type: 'line',
          step: 'end',
          symbol: 'none',
          xAxisIndex: index,
          yAxisIndex: index,
          areaStyle: line.area ? {opacity: 1, color: line.color, origin: 'start'} : undefined,
          lineStyle: {width: line.area ? 0 : 1.4, color: line.color, type: line.type ?? 'solid'},
          itemStyle: {color: line.color},
          emphasis: {disabled: true},
          data: [],
        });
      }
    }
  });
  fill(option.series, rows, width);
  const every = rows.map((_, index) => index);
  const [startValue, endValue] = shown();
  option.dataZoom = [{
    type: 'slider',
    xAxisIndex: every,
    filterMode: 'none',
    bottom: 4,
    height: 20,
    left,
    right,
    startValue,
    endValue,
    showDataShadow: false,
    labelFormatter: (value) => f.instant(value),
    textStyle: {color: p.soft, fontSize: 10},
    borderColor: p.rule,
    brushSelect: false
  }];
  if (matchMedia('(pointer: fine)').matches) {
    option.dataZoom.push({
      type: 'inside',
      xAxisIndex: every,
      filterMode: 'none',
      startValue,
      endValue,
      zoomOnMouseWheel: 'ctrl',
      moveOnMouseWheel: false
    });
  }
  return option;
}

export const timeLabel = {
  year: '{yyyy}',
  month: '{MMM} {yyyy}',
  day: '{d} {MMM}',
  hour: '{HH}:{mm}',
  minute: '{HH}:{mm}',
  second: '{HH}:{mm}:{ss}',
};

/** Puts the points of the shown span into the series, in the order of the rows. */
function fill(into, rows, width) {
  const [from, to] = shown();
  const buckets = Math.max(200, Math.floor(width));
  let next = 0;
  for (const row of rows) {
    for (const stack of row.stacks) {
      const indices = stack.bins.window(from, to, buckets);
      let below = [];
      for (const line of stack.lines) {
        if (line.area) below = [...below, line.name];
        into[next++].data = stack.bins.points(line.area ? below : [line.name], indices, row.factor);
      }
    }
  }
}

function timeTip(at, rows) {
  const ms = (Array.isArray(at) ? at[0] : at).axisValue;
  const lines = [];
  for (const row of rows) {
    for (const stack of row.stacks) {
      const index = stack.bins.indexAt(ms);
      for (const line of stack.lines) {
        lines.push([line.label, row.text(stack.bins.columns[line.name][index]), line.color]);
      }
    }
  }
  return tip(`${f.instant(ms)} UTC`, lines);
}

class TimePicture extends Picture {
  constructor(settings, rows) {
    const heights = () => rows().reduce((sum, row) => sum + row.height + 22, 40 + 62);
    super({...settings, height: heights, build: (context) => rowsOption(context, rows())});
    this.rows = rows;
    timePictures.push(this);
  }
  draw() {
    const fresh = !this.chart;
    super.draw();
    if (fresh) {
      this.chart.on('datazoom', () => {
        const {startValue, endValue} = this.chart.getOption().dataZoom[0];
        setZoom(startValue, endValue, this);
      });
    }
  }
  /** Shows the zoomed span with as many points as fit. */
  showZoom(from, to, origin) {
    if (!this.drawn) return;
    const update =
        this.rows().flatMap((row) => row.stacks.flatMap((stack) => stack.lines.map(() => ({}))));
    fill(update, this.rows(), this.canvas.clientWidth);
    this.chart.setOption({series: update});
    if (origin !== this)
      this.chart.dispatchAction({type: 'dataZoom', startValue: from, endValue: to});
  }
}

export function setZoom(from, to, origin = null) {
  const [start, end] = whole();
  const least = Math.min(end - start, 2 * run().bin_s * 1000);
  from = Math.max(start, Math.min(from, end - least));
  to = Math.min(end, Math.max(to, from + least));
  const [oldFrom, oldTo] = shown();
  if (Math.abs(from - oldFrom) < 1 && Math.abs(to - oldTo) < 1) return;
  zoom = from <= start && to >= end ? null : [from, to];
  for (const picture of timePictures) picture.showZoom(from, to, origin);
  status.textContent =
      zoom ? `Shown: ${f.instant(from)} to ${f.instant(to)} UTC` : 'Shown: the whole run';
}

/** A picture of another kind that shows the same span: its data zoom follows, and leads. */
export function linkZoom(picture) {
  const link = {
    showZoom(from, to, origin) {
      if (picture.drawn && origin !== link)
        picture.chart.dispatchAction({type: 'dataZoom', startValue: from, endValue: to});
    },
  };
  timePictures.push(link);
  const after = picture.after;
  picture.after = () => {
    after?.(picture);
    picture.chart.on('datazoom', () => {
      const {startValue, endValue} = picture.chart.getOption().dataZoom[0];
      setZoom(startValue, endValue, link);
    });
  };
}

const status = h('span', {class: 'status', role: 'status'}, 'Shown: the whole run');
onChange(() => {
  if (!zoom) status.textContent = 'Shown: the whole run';
});
function zoomButtons() {
  const by = (factor, move) => () => {
    const [from, to] = shown();
    const middle = (from + to) / 2 + move * (to - from) / 2;
    const half = (to - from) / 2 * factor;
    const [start, end] = whole();
    const shift = Math.max(0, start - (middle - half)) - Math.max(0, middle + half - end);
    setZoom(middle - half + (move ? shift : 0), middle + half + (move ? shift : 0));
  };
  const button = (text, label, action) =>
      h('button', {type: 'button', 'aria-label': label, title: label, onclick: action}, text);
  return h(
      'div',
      {class: 'controls zoom', role: 'group', 'aria-label': 'Zoom of all pictures over time'},
      button('+', 'Zoom in', by(0.5, 0)), button('−', 'Zoom out', by(2, 0)),
      button('◀', 'Earlier', by(1, -1)), button('▶', 'Later', by(1, 1)),
      button('Whole run', 'Show the whole run', () => setZoom(...whole())), status);
}

/** Without those that are 0 throughout, unless all are. */
function present(stack) {
  const lines =
      stack.lines.filter(({name}) => stack.bins.columns[name].some((value) => value !== 0));
  return {...stack, lines: lines.length ? lines : stack.lines.slice(0, 1)};
}

function powerRows() {
  const s = series();
  const p = palette();
  const most = Math.max(s.facility.largest()?.value ?? 0, s.power.largest()?.value ?? 0);
  const [factor, unit] = f.unitFor(most, f.wattUnits);
  const rows = [{
    height: 240,
    name: `power [${unit}]`,
    factor,
    min: 0,
    text: f.power,
    stacks: [
      {
        bins: s.power,
        lines: [
          {name: 'jobs', label: 'jobs', area: true, color: p.blue},
          {name: 'idle', label: 'idle GPUs', area: true, color: p.orange},
          {name: 'overhead', label: 'hosts and losses', area: true, color: p.grey}
        ]
      },
      {bins: s.facility, lines: [{name: 'facility', label: 'facility', color: p.ink}]},
    ],
  }];
  const strip = (part, label, name, color, text) => {
    if (!s[part].known()) return;
    const [least, largest] = s[part].range();
    // A constant in the middle of its axis.
    const flat = largest - least <= 1e-6 * Math.abs(largest);
    rows.push({
      height: flat ? 48 : 74,
      name,
      factor: 1,
      scale: true,
      min: flat ? least * 0.9 : undefined,
      max: flat ? largest * 1.1 : undefined,
      only: flat ? largest : undefined,
      text,
      stacks: [{bins: s[part], lines: [{name: part, label, color}]}]
    });
  };
  strip('intensity', 'carbon intensity', 'g/kWh', p.green, (v) => `${f.number(v)} gCO₂e/kWh`);
  strip('pue', 'PUE', 'PUE', p.purple, (v) => f.number(v));
  strip(
      'price', 'price', `${run().currency}/kWh`, p.red,
      (v) => `${f.number(v)} ${run().currency}/kWh`);
  return rows.map((row) => ({...row, stacks: row.stacks.map(present)}));
}

function useRows() {
  const s = series();
  const p = palette();
  const one = (v) => f.number(v);
  const unit = run().partitions.some((each) => each.cores) ? 'GPUs or cores' : 'GPUs';
  const rows = [
    {
      height: 150,
      name: unit,
      factor: 1,
      min: 0,
      max: s.gpus.largest()?.value,
      text: one,
      stacks: [{
        bins: s.gpus,
        lines: [
          {name: 'busy', label: 'busy GPUs', area: true, color: p.blue},
          {name: 'idle', label: 'idle GPUs', area: true, color: p.orange},
          {name: 'asleep', label: 'asleep', area: true, color: p.grey}
        ]
      }]
    },
    {
      height: 110,
      name: 'jobs',
      factor: 1,
      min: 0,
      text: one,
      stacks: [{bins: s.jobs, lines: [{name: 'running', label: 'running jobs', color: p.green}]}]
    },
    {
      height: 110,
      name: 'jobs',
      factor: 1,
      min: 0,
      text: one,
      stacks: [{
        bins: s.waiting,
        lines: [
          {name: 'queued', label: 'jobs in the queue', area: true, color: p.red},
          {name: 'held', label: 'jobs held back', area: true, color: p.purple}
        ]
      }]
    },
  ];
  return rows.map((row) => ({...row, stacks: row.stacks.map(present)}));
}

const where = () => siteName() === '' && run().series.length > 1 ? ' of all sites' :
    run().series.length > 1                                      ? ` of ${siteName()}` :
                                                                   '';

function sayPower() {
  const s = series();
  const peak = s.facility.largest();
  const it = s.power.largest();
  const step = f.span(run().bin_s);
  const decimated =
      s.power.at ? ' Of buckets of several bins, the smallest and the largest bin are drawn.' : '';
  return `IT power${
             where()} by what it was spent on, stacked, and the power that the facility draws, as means of ${
             step}. ` +
      `The facility draws at most ${f.power(peak?.value)}` +
      (peak ? ` (${f.instant(peak.ms)} UTC)` : '') +
      `, IT at most ${f.power(it?.value)}. Hosts and losses: idle hosts, ` +
      `supplies and fans, sleeping and booting nodes. Below, what the energy was charged with.${
             decimated}`;
}
function sayUse() {
  const s = series();
  const queue = s.waiting.largest();
  return `GPUs${
             where()} that jobs hold, that nobody holds, and that sleep; jobs that run; jobs that wait in a queue or are held back ` +
      `before it. At most ${f.number(queue?.value)} jobs wait at once` +
      (queue && queue.value > 0 ? ` (${f.instant(queue.ms)} UTC)` : '') +
      `. Utilization from the first submission to the last end: ${
             f.percent(run().summary.utilization)}.`;
}

export function timeSection() {
  return section(
      'time', 'Over time', zoomButtons(),
      h('p', {class: 'hint'},
        'Drag the ends of the slider, turn the wheel with Ctrl held down, or use the buttons; all pictures over time follow.'),
      new TimePicture(
          {id: 'power', title: 'Power and what it is charged with', say: sayPower}, powerRows)
          .element,
      new TimePicture({id: 'use', title: 'Utilization and queue', say: sayUse}, useRows).element);
}
