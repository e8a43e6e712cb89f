// Where the work ran, of runs with several sites.

import {runs} from './data.js';
import {h, section, tip} from './dom.js';
import * as f from './format.js';
import {axis, legend, Picture, tooltip} from './picture.js';
import {onChange, run} from './state.js';
import {sortable} from './table.js';

function shares() {
  const {sites, shares: {ran}} = run();
  return sites.map((site) => {
    const own =
        ran.find((each) => each.site === site.name) ?? {jobs: 0, gpu_hours: 0, it_energy_j: 0};
    return {...site, jobs: own.jobs, gpu_hours: own.gpu_hours};
  });
}
const measures = [
  ['jobs', (s) => s.jobs, f.count], ['GPU-hours', (s) => s.gpu_hours, f.number],
  ['facility energy', (s) => s.facility_energy_j, f.energy],
  ['carbon', (s) => s.carbon_g, f.carbon], ['cost', (s) => s.cost, (v) => f.cost(v, run().currency)]
];
const colours = (p) => [p.blue, p.orange, p.green, p.red, p.purple, p.sky, p.yellow, p.grey];

function option({p, narrow}) {
  const rows = shares();
  const known = measures.filter(
      ([, value]) =>
          rows.every((row) => value(row) !== null) && rows.some((row) => value(row) > 0));
  const sum = (value) => rows.reduce((all, row) => all + value(row), 0);
  return {
    legend: legend(p),
    grid: {left: narrow ? 86 : 110, right: 20, top: 34, bottom: 44},
    xAxis: axis(p, {type: 'value', min: 0, max: 100, name: 'share [%]', nameGap: 26}),
    yAxis: axis(p, {
      type: 'category',
      inverse: true,
      data: known.map(([name]) => name),
      axisTick: {show: false}
    }),
    tooltip: tooltip(p, {
      formatter: ({seriesIndex, dataIndex}) => {
        const [name, value, text] = known[dataIndex];
        return tip(rows[seriesIndex].name, [[
                     name,
                     `${text(value(rows[seriesIndex]))} (${
                         f.percent(value(rows[seriesIndex]) / sum(value))})`
                   ]]);
      }
    }),
    series: rows.map((row, i) => ({
                       name: row.name,
                       type: 'bar',
                       stack: 'all',
                       itemStyle: {color: colours(p)[i % 8], borderColor: p.ground, borderWidth: 1},
                       data: known.map(([, value]) => 100 * value(row) / sum(value))
                     })),
  };
}

function flowOption({p}) {
  const {flows} = run().shares;
  const names = run().sites.map((site) => site.name);
  const node = (name, side) =>
      ({name: `${name}\n${side}`, itemStyle: {color: colours(p)[names.indexOf(name) % 8]}});
  const homes = [...new Set(flows.map((flow) => flow.home))];
  const ran = [...new Set(flows.map((flow) => flow.site))];
  return {
    tooltip: tooltip(p, {
      formatter: ({dataType, data}) =>
          dataType === 'edge' ? tip(`${data.home} → ${data.site}`,
                                    [
                                      ['jobs', f.count(data.jobs)],
                                      ['GPU-hours', f.number(data.value)],
                                      ['IT energy', f.energy(data.it_energy_j)]
                                    ]) :
                                ''
    }),
    series: [{
      type: 'sankey',
      left: 10,
      right: 110,
      top: 16,
      bottom: 16,
      draggable: false,
      nodeAlign: 'justify',
      emphasis: {focus: 'adjacency'},
      label: {color: p.ink, formatter: ({name}) => name.replace('\n', ' ')},
      lineStyle: {color: 'gradient', opacity: 0.45},
      data: [...homes.map((name) => node(name, 'home')), ...ran.map((name) => node(name, 'ran'))],
      links: flows.map((flow) => ({
                         ...flow,
                         source: `${flow.home}\nhome`,
                         target: `${flow.site}\nran`,
                         value: flow.gpu_hours
                       }))
    }],
  };
}

export function siteSection() {
  if (!runs.some((each) => each.sites.length > 1)) return null;
  const table = () => sortable({
    caption: 'Sites',
    columns: [
      {name: 'site', text: (row) => row.name}, {name: 'time zone', text: (row) => row.timezone},
      {name: 'jobs', value: (row) => row.jobs, text: (row) => f.count(row.jobs)},
      {name: 'GPU-hours', value: (row) => row.gpu_hours, text: (row) => f.number(row.gpu_hours)}, {
        name: 'IT energy',
        value: (row) => row.it_energy_j,
        text: (row) => f.energy(row.it_energy_j)
      },
      {
        name: 'facility',
        value: (row) => row.facility_energy_j,
        text: (row) => f.energy(row.facility_energy_j)
      },
      {name: 'carbon', value: (row) => row.carbon_g, text: (row) => f.carbon(row.carbon_g)}, {
        name: `cost [${run().currency}]`,
        value: (row) => row.cost,
        text: (row) => f.cost(row.cost, ''),
        hidden: run().summary.cost === null
      },
      {name: 'peak IT', value: (row) => row.peak_it_w, text: (row) => f.power(row.peak_it_w)}, {
        name: 'peak facility',
        value: (row) => row.peak_facility_w,
        text: (row) => f.power(row.peak_facility_w)
      }
    ].filter((each) => !each.hidden),
    rows: shares()
  });
  const box = h('div', {}, table());
  const picture = new Picture({
    id: 'shares',
    title: 'Share of each site',
    height: 300,
    build: option,
    say: () => {
      const rows = shares();
      const hours = rows.reduce((sum, row) => sum + row.gpu_hours, 0);
      return `Where jobs ran, and what the sites drew and emitted, idle power included. ` +
          rows.map((row) => `${row.name}: ${f.percent(row.gpu_hours / hours)} of the GPU-hours`)
              .join(', ') +
          '.';
    }
  });
  const parts = [picture.element, box];
  if (runs.some((each) => each.shares.flows.length)) {
    const flow = new Picture({
      id: 'flows',
      title: 'From home to where the jobs ran',
      height: 340,
      build: flowOption,
      say: () => {
        const {flows} = run().shares;
        const all = flows.reduce((sum, each) => sum + each.gpu_hours, 0);
        const moved = flows.filter((each) => each.home !== each.site)
                          .reduce((sum, each) => sum + each.gpu_hours, 0);
        return `Width is GPU-hours; left the home site of the jobs, right the site that ran them. ${
            f.percent(moved / all)} ran away from home.`;
      }
    });
    const show = () => {
      flow.element.hidden = run().shares.flows.length === 0;
    };
    show();
    parts.push(flow.element);
    onChange(show);
  }
  onChange((change) => {
    if ('run' in change) box.replaceChildren(table());
  });
  return section('sites', 'Sites', ...parts);
}
