// Energy and carbon by hour and day.

import {column} from './data.js';
import {section, tip} from './dom.js';
import * as f from './format.js';
import {axis, Picture, tooltip, viridis} from './picture.js';
import {run, state} from './state.js';

const calendar = () => run().calendar[state.site];

const values = (key) => column(calendar()[key], 24 * calendar().columns);

/** Days run from left to right; of a few days, the hours do. */
function option({p, narrow}, key, unit) {
  const {first_day: first, days_a_column: together} = calendar();
  const cells = values(key);
  const days = cells.length / 24;
  const across = days >= 10;
  const dates = Array.from({length: days}, (_, i) => f.day(first + i * together));
  const hours = Array.from({length: 24}, (_, i) => `${String(i).padStart(2, '0')}:00`);
  const data = [];
  let least = Infinity;
  let most = -Infinity;
  cells.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const day = Math.floor(i / 24);
    const hour = i % 24;
    data.push(across ? [day, hour, value] : [hour, day, value]);
    least = Math.min(least, value);
    most = Math.max(most, value);
  });
  const category = (data, name, more) => axis(
      p,
      {type: 'category', data, name, splitLine: {show: false}, splitArea: {show: false}, ...more});
  const zone = calendar().zone;
  return {
    grid: {left: narrow ? 60 : 84, right: 16, top: 8, bottom: 92},
    xAxis: across ? category(dates, `day (${zone})`, {nameGap: 26}) :
                    category(hours, `hour (${zone})`, {nameGap: 26}),
    yAxis: across ? category(hours, 'hour', {inverse: true, nameGap: 44}) :
                    category(dates, '', {inverse: true}),
    visualMap: {
      type: 'continuous',
      min: least,
      max: most === least ? least + 1 : most,
      calculable: false,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemHeight: narrow ? 120 : 220,
      itemWidth: 12,
      inRange: {color: viridis},
      text: [`${f.number(most, 3)} ${unit}`, f.number(least, 3)],
      textStyle: {color: p.soft},
      formatter: (value) => f.number(value, 3)
    },
    tooltip: tooltip(p, {
      formatter: ({value: [x, y, amount]}) => {
        const [day, hour] = across ? [x, y] : [y, x];
        return tip(
            `${dates[day]} ${hours[hour]}${together > 1 ? `, mean of ${together} days` : ''}`,
            [['', `${f.number(amount)} ${unit}`]]);
      }
    }),
    series: [{
      type: 'heatmap',
      data,
      progressive: 0,
      emphasis: {itemStyle: {borderColor: p.ink, borderWidth: 1}}
    }],
  };
}

function say(key, what, text) {
  const cells = values(key);
  const {first_day: first, days_a_column: together, zone} = calendar();
  let best = -1;
  const byHour = new Float64Array(24);
  const counts = new Float64Array(24);
  cells.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    if (best < 0 || value > cells[best]) best = i;
    byHour[i % 24] += value;
    ++counts[i % 24];
  });
  if (best < 0) return `${what} is unknown: no series is given for it.`;
  const means = Array.from(byHour, (sum, hour) => counts[hour] ? sum / counts[hour] : NaN);
  const known = means.filter((mean) => !Number.isNaN(mean));
  const high = means.indexOf(Math.max(...known));
  const low = means.indexOf(Math.min(...known));
  const bins = run().bin_s > 3600 ?
      ` The file has means of ${f.span(run().bin_s)}, which are spread evenly over their hours.` :
      '';
  const twice = repeated(zone, first, cells.length / 24) ?
      ' The hour that clocks repeat in autumn holds both.' :
      '';
  const days = together > 1 ? ` Each column is the mean of ${together} days.` : '';
  return `${what} of each hour, on the clock of ${zone}. The hour with the most is ${
             f.day(first + Math.floor(best / 24) * together)} ` +
      `${best % 24}:00 with ${text(cells[best])}; by hour of the day, the mean is highest at ${
             high}:00 (${text(means[high])}) and lowest at ` +
      `${low}:00 (${text(means[low])}). The first and the last hour may be cut short by the run.${
             twice}${bins}${days}`;
}

/** Whether clocks there go back within these days. */
function repeated(zone, first, days) {
  let format;
  try {
    format = new Intl.DateTimeFormat('en', {timeZone: zone, timeZoneName: 'longOffset'});
  } catch {
    return false;  // a fixed offset, which browsers do not all take
  }
  const minutes = (day) => {
    const [, sign, hours, rest] =
        format.format(new Date(day * 86400e3 + 43200e3)).match(/GMT([+-])?(\d+)?:?(\d+)?/);
    return (sign === '-' ? -1 : 1) * (60 * Number(hours ?? 0) + Number(rest ?? 0));
  };
  for (let day = first; day < first + days; ++day)
    if (minutes(day) < minutes(day - 1)) return true;
  return false;
}

function height(key) {
  const {columns: days} = calendar();
  if (values(key).every(Number.isNaN)) return 0;
  return days >= 10 ? 380 : 110 + 26 * days;
}

export function calendarSection() {
  return section(
      'calendar', 'By hour and day',
      new Picture({
        id: 'calendar-energy',
        title: 'Facility energy',
        height: () => height('energy_kwh'),
        build: (c) => option(c, 'energy_kwh', 'kWh'),
        say: () => say('energy_kwh', 'Facility energy', (v) => `${f.number(v)} kWh`)
      }).element,
      new Picture({
        id: 'calendar-carbon',
        title: 'Carbon',
        height: () => height('carbon_kg'),
        build: (c) => option(c, 'carbon_kg', 'kg CO₂e'),
        say: () => say('carbon_kg', 'Carbon', (v) => `${f.number(v)} kg CO₂e`)
      }).element);
}
