// Charts: drawn when they come into view, again when theme, size or choice changes.

import {BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart} from 'echarts/charts';
import {AxisPointerComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent} from 'echarts/components';
import {init, use, version} from 'echarts/core';
import {CanvasRenderer} from 'echarts/renderers';

import {h} from './dom.js';

use([
  BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, AxisPointerComponent,
  DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent,
  VisualMapComponent, CanvasRenderer
]);
export {version};

// Okabe and Ito's colours, which all kinds of colour vision tell apart; blue and black are lighter
// on a dark ground. Lines differ in their dashes, too.
const colours = {
  light: {
    blue: '#0072b2',
    orange: '#e69f00',
    green: '#009e73',
    red: '#d55e00',
    purple: '#cc79a7',
    sky: '#56b4e9',
    yellow: '#b8a800',
    grey: '#8a8f98',
    ink: '#16191f',
    soft: '#5a616c',
    rule: '#dfe3e8',
    ground: '#ffffff'
  },
  dark: {
    blue: '#4ba3dd',
    orange: '#e69f00',
    green: '#1fbf92',
    red: '#f07b2e',
    purple: '#d992bb',
    sky: '#8fd0f5',
    yellow: '#f0e442',
    grey: '#8a919c',
    ink: '#e8eaee',
    soft: '#a3abb8',
    rule: '#333a45',
    ground: '#171b21'
  },
};
/** Viridis (van der Walt, Smith 2015): even steps of lightness. */
export const viridis = ['#440154', '#414487', '#2a788e', '#22a884', '#7ad151', '#fde725'];
export const dashes = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [2, 2], [12, 4]];

export const pictures = [];
let printing = false;
const chosen = () => document.documentElement.dataset.theme;
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
export const isDark = () => !printing && (chosen() ? chosen() === 'dark' : prefersDark.matches);
export const palette = () => colours[isDark() ? 'dark' : 'light'];
export function runStyle(index) {
  const p = palette();
  const order = [p.blue, p.red, p.green, p.purple, p.orange, p.sky, p.yellow, p.grey];
  return {color: order[index % order.length], type: dashes[index % dashes.length]};
}

export function axis(p, more = {}) {
  return {
    nameLocation: 'middle',
    nameTextStyle: {color: p.soft, fontSize: 12},
    axisLine: {lineStyle: {color: p.soft}},
    axisTick: {lineStyle: {color: p.soft}},
    axisLabel: {color: p.soft, fontSize: 11, hideOverlap: true, ...more.axisLabel},
    splitLine: {lineStyle: {color: p.rule}},
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'axisLabel')),
  };
}

/**
 * A figure: heading, chart, and the caption that says in words what it shows.
 * @param build  (context) => option of ECharts, or null for nothing to show
 * @param say    () => the caption
 */
export class Picture {
  constructor({id, title, height = 320, build, say, after, controls = []}) {
    Object.assign(this, {id, title, height, build, say, after});
    this.canvas =
        h('div', {class: 'chart', role: 'img', 'aria-labelledby': `${id}-title ${id}-text`});
    this.caption = h('figcaption', {id: `${id}-text`});
    this.element =
        h('figure', {id}, h('h3', {id: `${id}-title`}, title),
          controls.length ? h('div', {class: 'controls'}, controls) : null, this.canvas,
          this.caption);
    this.chart = null;
    this.drawn = false;
    this.setHeight();
    this.caption.textContent = say();
    pictures.push(this);
    waiting.observe(this.canvas);
  }
  setHeight() {
    const height = typeof this.height === 'function' ? this.height() : this.height;
    this.canvas.style.height = `${height}px`;
  }
  draw() {
    this.setHeight();
    if (this.canvas.clientWidth === 0 || this.canvas.clientHeight === 0)
      return;  // hidden, or nothing to show
    if (!this.chart)
      this.chart = init(this.canvas, null, {renderer: 'canvas'});
    else
      this.chart.resize();
    const p = palette();
    const option = this.build({
      chart: this.chart,
      p,
      width: this.canvas.clientWidth,
      narrow: this.canvas.clientWidth < 560
    });
    this.chart.setOption(
        {animation: false, textStyle: {fontFamily: 'inherit'}, ...option}, {notMerge: true});
    if (!this.drawn && this.after) this.after(this);
    this.drawn = true;
  }
  /** The choice of run or site has changed. */
  refresh() {
    this.caption.textContent = this.say();
    if (this.drawn) this.draw();
  }
}

const waiting = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const picture = pictures.find((each) => each.canvas === entry.target);
    waiting.unobserve(entry.target);
    if (picture && !picture.drawn) picture.draw();
  }
}, {rootMargin: '300px 0px'});

export function redrawAll() {
  for (const picture of pictures)
    if (picture.drawn) picture.draw();
}

let lastWidth = 0;
new ResizeObserver(() => {
  const width = document.documentElement.clientWidth;
  if (width === lastWidth) return;  // a phone's address bar changes the height only
  lastWidth = width;
  redrawAll();
}).observe(document.documentElement);
prefersDark.addEventListener('change', redrawAll);

// On paper everything is drawn, in the light colours, at the width of the sheet.
function print(on) {
  if (printing === on) return;
  printing = on;
  document.documentElement.classList.toggle('printing', on);
  for (const picture of pictures) {
    if (on || picture.drawn) picture.draw();
  }
}
addEventListener('beforeprint', () => print(true));
addEventListener('afterprint', () => print(false));
matchMedia('print').addEventListener('change', (event) => print(event.matches));

export function tooltip(p, more = {}) {
  return {
    confine: true,
    backgroundColor: p.ground,
    borderColor: p.rule,
    textStyle: {color: p.ink, fontSize: 12},
    ...more,
  };
}
export const legend = (p, more = {}) => ({
  type: 'scroll',
  top: 0,
  left: 0,
  itemWidth: 22,
  itemHeight: 10,
  textStyle: {color: p.ink, fontSize: 12},
  pageTextStyle: {color: p.soft},
  pageIconColor: p.soft,
  inactiveColor: p.rule,
  ...more,
});
