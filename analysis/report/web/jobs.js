// The jobs that matter, and totals by class and user.

import {column} from './data.js';
import {h, section} from './dom.js';
import * as f from './format.js';
import {onChange, run} from './state.js';
import {sortable} from './table.js';

const states = ['completed', 'killed at its limit', 'rejected', 'unfinished'];
const numbers = [
  'submit_s', 'wait_s', 'run_s', 'slowdown', 'gpus', 'it_energy_j', 'facility_energy_j', 'carbon_g',
  'cost', 'cap_w', 'state', 'missed'
];
const names = ['site', 'partition', 'class', 'user'];

function rowsOf(tables) {
  const columns =
      Object.fromEntries(numbers.map((name) => [name, column(tables[name], tables.shown)]));
  return tables.id.map((id, i) => {
    const row = {id};
    for (const name of numbers) row[name] = columns[name][i];
    for (const name of names)
      row[name] = tables[name].index[i] < 0 ? '' : tables[name].names[tables[name].index[i]];
    return row;
  });
}

function jobTable() {
  const {tables, start_unix_s: start, currency} = run();
  const rows = rowsOf(tables);
  const some = (name) => rows.some((row) => !Number.isNaN(row[name]));
  const columns = [
    {name: 'job', text: (row) => row.id},
    {name: 'class', text: (row) => row.class, hidden: tables.class.names.length === 0},
    {name: 'user', text: (row) => row.user, hidden: tables.user.names.length === 0},
    {name: 'ran on', text: (row) => row.site ? `${row.site}/${row.partition}` : ''},
    {name: 'GPUs', value: (row) => row.gpus, text: (row) => f.number(row.gpus)},
    {
      name: 'submitted (UTC)',
      value: (row) => row.submit_s,
      text: (row) => f.instant((start + row.submit_s) * 1000)
    },
    {
      name: 'wait',
      value: (row) => row.wait_s,
      text: (row) => Number.isNaN(row.wait_s) ? '' : f.span(row.wait_s)
    },
    {name: 'run time', value: (row) => row.run_s, text: (row) => f.span(row.run_s)},
    {
      name: 'slowdown',
      value: (row) => row.slowdown,
      text: (row) => Number.isNaN(row.slowdown) ? '' : f.number(row.slowdown)
    },
    {name: 'IT energy', value: (row) => row.it_energy_j, text: (row) => f.energy(row.it_energy_j)},
    {
      name: 'facility',
      value: (row) => row.facility_energy_j,
      text: (row) => f.energy(row.facility_energy_j)
    },
    {
      name: 'carbon',
      value: (row) => row.carbon_g,
      text: (row) => f.carbon(row.carbon_g),
      hidden: !some('carbon_g')
    },
    {
      name: `cost [${currency}]`,
      value: (row) => row.cost,
      text: (row) => f.cost(row.cost, ''),
      hidden: !some('cost')
    },
    {
      name: 'cap',
      value: (row) => row.cap_w,
      text: (row) => Number.isNaN(row.cap_w) ? '' : f.power(row.cap_w),
      hidden: !some('cap_w')
    },
    {name: 'state', text: (row) => states[row.state]},
    {
      name: 'deadline',
      text: (row) => row.missed ? 'missed' : '',
      hidden: run().summary.jobs_with_deadline === 0
    },
  ].filter((each) => !each.hidden);
  const left = tables.all - tables.shown;
  const text = left > 0 ?
      `${f.count(tables.shown)} of ${
          f.count(
              tables
                  .all)} jobs: those with the most energy, the longest wait, and a missed deadline. ` +
          `${f.count(left)} are left out here, and nowhere else on this page.` :
      `All ${
          f.count(
              tables.all)} jobs. Energy is what their GPUs drew, with their share of the hosts.`;
  return [
    h('p', {}, text), sortable({
      caption: 'Jobs',
      columns,
      rows,
      filter: true,
      sortBy: columns.findIndex((each) => each.name === 'IT energy')
    })
  ];
}

function totals(what, table) {
  const {currency} = run();
  const rows = table.rows.map((row) => ({...row, name: row.name ?? `of no ${what}`}));
  const all = run().summary.jobs_it_energy_j;
  const some = (name) => rows.some((row) => row[name] !== null);
  const columns = [
    {name: what, text: (row) => row.name},
    {name: 'jobs', value: (row) => row.jobs, text: (row) => f.count(row.jobs)},
    {name: 'GPU-hours', value: (row) => row.gpu_hours, text: (row) => f.number(row.gpu_hours)},
    {name: 'IT energy', value: (row) => row.it_energy_j, text: (row) => f.energy(row.it_energy_j)},
    {
      name: 'share',
      value: (row) => row.it_energy_j / all,
      text: (row) => f.percent(row.it_energy_j / all)
    },
    {
      name: 'facility',
      value: (row) => row.facility_energy_j,
      text: (row) => f.energy(row.facility_energy_j)
    },
    {
      name: 'carbon',
      value: (row) => row.carbon_g,
      text: (row) => f.carbon(row.carbon_g),
      hidden: !some('carbon_g')
    },
    {
      name: `cost [${currency}]`,
      value: (row) => row.cost,
      text: (row) => f.cost(row.cost, ''),
      hidden: !some('cost')
    },
    {name: 'mean wait', value: (row) => row.mean_wait_s, text: (row) => f.span(row.mean_wait_s)},
    {
      name: 'deadlines missed',
      value: (row) => row.missed,
      text: (row) => f.count(row.missed),
      hidden: run().summary.jobs_with_deadline === 0
    },
  ].filter((each) => !each.hidden);
  const foot =
      table.others ? [{...table.others, name: `${f.count(table.others_count)} others`}] : [];
  return sortable({caption: `Totals by ${what}`, columns, rows, foot, perPage: 15});
}

export function jobSection() {
  const box = h('div', {});
  const fill = () => {
    const {by_class: classes, by_user: users} = run().tables;
    const told = (table) => table.rows.length > 1 || table.rows.some((row) => row.name !== null);
    box.replaceChildren(
        ...jobTable(), ...(told(classes) ? [totals('class', classes)] : []),
        ...(told(users) ? [totals('user', users)] : []));
  };
  fill();
  onChange((change) => {
    if ('run' in change) fill();
  });
  return section('jobs', 'Jobs', box);
}
