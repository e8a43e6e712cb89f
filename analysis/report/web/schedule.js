// Jobs as bars over time for small runs, power by node and time where the file has it.

import {column, runs} from './data.js';
import {h, section, tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, Picture, tooltip, viridis} from './picture.js';
import {onChange, run} from './state.js';
import {linkZoom, shown, timeLabel, whole} from './time.js';

const gap = 52;
const pointerIsFine = matchMedia('(pointer: fine)').matches;
/** Of the span that all pictures over time show. */
function zoomOf(p, every, bottom, left, right) {
  const [startValue, endValue] = shown();
  const zoom = [{
    type: 'slider',
    xAxisIndex: every,
    startValue,
    endValue,
    filterMode: 'weakFilter',
    bottom,
    height: 20,
    left,
    right,
    showDataShadow: false,
    brushSelect: false,
    borderColor: p.rule,
    textStyle: {color: p.soft, fontSize: 10},
    labelFormatter: (v) => f.instant(v)
  }];
  if (pointerIsFine)
    zoom.push({
      type: 'inside',
      xAxisIndex: every,
      startValue,
      endValue,
      filterMode: 'weakFilter',
      zoomOnMouseWheel: 'ctrl',
      moveOnMouseWheel: false
    });
  return zoom;
}

function barsOf(json) {
  const jobs = json.id.length;
  const out = {...json};
  for (const name of ['part_job', 'part_from_milli', 'part_to_milli'])
    out[name] = column(json[name]);
  for (const name of ['submit_s', 'start_s', 'end_s', 'gpus_held', 'it_energy_j', 'class'])
    out[name] = column(json[name], jobs);
  return out;
}
const laneHeight = (bars) => Math.max(80, Math.min(420, 6 * bars.gpus, 80 + 2.5 * bars.gpus));

function barsOption({p, narrow}) {
  const all = run().schedule.bars.map(barsOf);
  const classes = run().class_names;  // by their index in the file
  const colours = [p.blue, p.orange, p.green, p.red, p.purple, p.sky, p.yellow, p.grey];
  const startMs = run().start_unix_s * 1000;
  const left = narrow ? 52 : 70;
  const right = 16;
  const option =
      {grid: [], xAxis: [], yAxis: [], series: [], tooltip: tooltip(p, {trigger: 'item'})};
  if (classes.length) option.legend = legend(p, {data: [], selectedMode: false});
  let top = classes.length ? 44 : 26;
  all.forEach((bars, index) => {
    const height = laneHeight(bars);
    const last = index === all.length - 1;
    option.grid.push({left, right, top, height, outerBoundsMode: 'none'});
    top += height + gap;
    option.xAxis.push(axis(p, {
      type: 'time',
      gridIndex: index,
      min: whole()[0],
      max: whole()[1],
      axisLabel: {formatter: timeLabel},
      splitLine: {show: false},
      name: last ? 'time (UTC)' : '',
      nameGap: 26
    }));
    option.yAxis.push(axis(p, {
      type: 'value',
      gridIndex: index,
      min: 0,
      name: bars.cores ? 'cores' : 'GPUs',
      nameGap: narrow ? 36 : 46,
      max: Math.max(bars.gpus, ...bars.part_to_milli.map((v) => v / 1000)),
      splitNumber: 4,
      axisLabel: {formatter: (v) => f.number(v), showMaxLabel: false}
    }));
    const data = Array.from(
        bars.part_job,
        (job, part) =>
            [startMs + bars.start_s[job] * 1000, startMs + bars.end_s[job] * 1000,
             bars.part_from_milli[part] / 1000, bars.part_to_milli[part] / 1000, job]);
    const colourOf = (job) =>
        classes.length ? colours[(bars.class[job] + 1) % colours.length] : colours[job % 5];
    option.series.push(
        {
          name: `${bars.site}/${bars.partition}`,
          type: 'custom',
          xAxisIndex: index,
          yAxisIndex: index,
          clip: true,
          data,
          encode: {x: [0, 1], y: [2, 3]},
          progressive: 0,
          renderItem: (_, api) => {
            const [x0, y0] = api.coord([api.value(0), api.value(3)]);
            const [x1, y1] = api.coord([api.value(1), api.value(2)]);
            const width = Math.max(1, x1 - x0);
            return {
              type: 'rect',
              shape: {x: x0, y: y0, width, height: Math.max(0.5, y1 - y0)},
              style: {
                fill: colourOf(api.value(4)),
                stroke: p.ground,
                lineWidth: width > 4 && y1 - y0 > 3 ? 0.8 : 0
              }
            };
          },
          tooltip:
              {
                formatter:
                    ({data: [from, to, , , job]}) =>
                        tip(`Job ${bars.id[job]}`,
                            [
                              ['GPUs', f.number(bars.gpus_held[job])],
                              ['submitted', f.instant(startMs + bars.submit_s[job] * 1000)],
                              ['start', f.instant(from)], ['end', f.instant(to)],
                              ['waited', f.span(bars.start_s[job] - bars.submit_s[job])],
                              ['held', f.span((to - from) / 1000)],
                              ['IT energy', f.energy(bars.it_energy_j[job])],
                              ...(classes.length ?
                                      [['class', classes[bars.class[job]] ?? 'of no class']] :
                                      [])
                            ])
              },
        });
  });
  if (classes.length) {
    // The legend needs series of its own: the bars are coloured one by one.
    [-1, ...classes.keys()]
        .filter((c) => all.some((bars) => bars.class.includes(c)))
        .forEach((c) => {
          const name = c < 0 ? 'of no class' : classes[c];
          option.legend.data.push(name);
          option.series.push({
            name,
            type: 'custom',
            data: [],
            itemStyle: {color: colours[(c + 1) % colours.length]},
            renderItem: () => null,
            xAxisIndex: 0,
            yAxisIndex: 0
          });
        });
  }
  option.dataZoom = zoomOf(p, all.map((_, i) => i), 4, left, right);
  return option;
}
const barsHeight = () => run().schedule.bars.reduce(
    (sum, bars) => sum + laneHeight(bars) + gap, run().class_names.length ? 84 : 66);
function sayBars() {
  const jobs = run().schedule.bars.reduce((sum, bars) => sum + bars.id.length, 0);
  return `${
             f.count(
                 jobs)} jobs from start to end, as high as the GPUs that they hold, in lanes of each partition (` +
      `${
             run()
                 .schedule.bars.map((bars) => `${bars.site}/${bars.partition}`)
                 .join(', ')}). Lanes are given first fit, lowest first: ` +
      `they are not nodes, because a timeline does not tell on which GPUs a job ran, and a job may be drawn in several parts. A job that was paused is drawn for its whole span.`;
}

function nodesOf(json) { return {...json, mean: column(json.mean), largest: column(json.largest)}; }

/** An image of a cell a pixel, from the colours of a scale. */
function cellImage(nodes) {
  const image = h('canvas', {width: nodes.columns, height: nodes.rows});
  const context = image.getContext('2d');
  const pixels = context.createImageData(nodes.columns, nodes.rows);
  const scale = viridis.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  for (let i = 0; i < nodes.mean.length; ++i) {
    const place = nodes.mean[i] / 65535 * (scale.length - 1);
    const low = Math.min(scale.length - 2, Math.floor(place));
    const part = place - low;
    for (let c = 0; c < 3; ++c)
      pixels.data[4 * i + c] = scale[low][c] * (1 - part) + scale[low + 1][c] * part;
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  // Enlarged by whole cells: a browser would blur them.
  const wide = Math.ceil(1600 / nodes.columns);
  const high = Math.ceil(600 / nodes.rows);
  const enlarged = h('canvas', {width: nodes.columns * wide, height: nodes.rows * high});
  const to = enlarged.getContext('2d');
  to.imageSmoothingEnabled = false;
  to.drawImage(image, 0, 0, enlarged.width, enlarged.height);
  return enlarged;
}

function nodesPicture(site) {
  const find = () => {
    const json = run().schedule.nodes.find((each) => each.site === site);
    return json ? nodesOf(json) : null;
  };
  const says = h('p', {class: 'hint', 'aria-live': 'off'}, 'Point at the picture to read a cell.');
  const picture = new Picture({
    id: `nodes-${site}`,
    title: `Power by node: ${site}`,
    height: () => Math.max(240, Math.min(560, 120 + (find()?.rows ?? 0) * 4)),
    build: ({p, narrow}) => {
      const nodes = find();
      if (!nodes) return {};
      const image = cellImage(nodes);
      const startMs = run().start_unix_s * 1000;
      const endMs = startMs + nodes.bins * run().bin_s * 1000;
      return {
        grid: {left: narrow ? 52 : 70, right: 16, top: 12, bottom: 116},
        xAxis: axis(p, {
          type: 'time',
          min: startMs,
          max: endMs,
          axisLabel: {formatter: timeLabel},
          name: 'time (UTC)',
          nameGap: 26,
          splitLine: {show: false}
        }),
        yAxis: axis(p, {
          type: 'value',
          min: 0,
          max: nodes.nodes,
          inverse: true,
          name: 'node',
          nameGap: narrow ? 36 : 46,
          splitLine: {show: false},
          axisLabel: {showMaxLabel: false}
        }),
        dataZoom: zoomOf(p, [0], 50, narrow ? 52 : 70, 16),
        visualMap: {
          type: 'continuous',
          min: 0,
          max: nodes.largest_w || 1,
          orient: 'horizontal',
          left: 'center',
          bottom: 0,
          itemHeight: narrow ? 120 : 220,
          itemWidth: 12,
          inRange: {color: viridis},
          text: [f.power(nodes.largest_w), '0 W'],
          textStyle: {color: p.soft},
          hoverLink: false,
          seriesIndex: []
        },
        series: [{
          type: 'custom',
          clip: true,
          silent: true,
          data: [[startMs, endMs, 0, nodes.nodes]],
          encode: {x: [0, 1], y: [2, 3]},
          renderItem: (_, api) => {
            const [x0, y0] = api.coord([startMs, 0]);
            const [x1, y1] = api.coord([endMs, nodes.nodes]);
            return {type: 'image', style: {image, x: x0, y: y0, width: x1 - x0, height: y1 - y0}};
          }
        }],
      };
    },
    say: () => {
      const nodes = find();
      if (!nodes) return `This run has not stored its nodes.`;
      const together = nodes.rows < nodes.nodes || nodes.columns < nodes.bins ?
          ` Each cell is the mean of up to ${Math.ceil(nodes.nodes / nodes.rows)} nodes and ${
              Math.ceil(nodes.bins / nodes.columns)} bins; pointing at it ` +
              'tells the largest, too.' :
          '';
      return `Power of each of ${
          f.count(nodes.nodes)} nodes over time, from dark (none) to light (${
          f.power(nodes.largest_w)}).${together}`;
    },
    after: (self) => {
      self.chart.getZr().on('mousemove', (event) => {
        const nodes = find();
        if (!nodes) return;
        const [ms, node] =
            self.chart.convertFromPixel({gridIndex: 0}, [event.offsetX, event.offsetY]);
        const column = Math.floor(
            (ms - run().start_unix_s * 1000) / (nodes.bins * run().bin_s * 1000) * nodes.columns);
        const row = Math.floor(node / nodes.nodes * nodes.rows);
        if (column < 0 || column >= nodes.columns || row < 0 || row >= nodes.rows) return;
        const cell = row * nodes.columns + column;
        const w = (part) => f.power(part / 65535 * nodes.largest_w);
        says.textContent = `Node ${Math.floor(node)}, ${f.instant(ms)} UTC: mean ${
            w(nodes.mean[cell])}, largest ${w(nodes.largest[cell])}`;
      });
    }
  });
  linkZoom(picture);
  picture.element.append(says);
  return picture.element;
}

export function scheduleSection() {
  const parts = [];
  if (runs.some((each) => each.schedule.bars.length)) {
    const bars = new Picture(
        {id: 'bars', title: 'Jobs over time', height: barsHeight, build: barsOption, say: sayBars});
    const show = () => {
      bars.element.hidden = run().schedule.bars.length === 0;
    };
    show();
    onChange(show);
    linkZoom(bars);
    parts.push(bars.element);
  }
  const sites =
      [...new Set(runs.flatMap((each) => each.schedule.nodes.map((nodes) => nodes.site)))];
  for (const site of sites) parts.push(nodesPicture(site));
  const hint = h('p', {});
  const say = () => {
    const {schedule, jobs} = run();
    const why = [];
    if (!schedule.bars.length) {
      why.push(
          jobs > schedule.most_bars ?
              `Bars are drawn for runs of up to ${f.count(schedule.most_bars)} jobs; this one has ${
                  f.count(jobs)}.` :
              'No job of this run started.');
    }
    if (!schedule.nodes.length) {
      why.push(
          'Power by node and time is drawn where the file has it: run the scenario with “output: {nodes: true}” (--set output.nodes=true).');
    }
    hint.textContent = why.join(' ');
    hint.hidden = why.length === 0;
  };
  say();
  onChange(say);
  return section('schedule', 'Schedule', ...parts, hint);
}
