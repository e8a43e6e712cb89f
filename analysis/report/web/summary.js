// What was compared and on what, and the headline figures.

import {data, runs} from './data.js';
import {h, section} from './dom.js';
import * as f from './format.js';
import {overlay} from './overlay.js';
import {onChange, run, state} from './state.js';
import {sortable} from './table.js';

const millis = (each, seconds) => (each.start_unix_s + seconds) * 1000;
const short = (sha256) => sha256.slice(0, 12);

export function head() {
  const [first] = runs;
  const title = data.study ? data.study.title :
      runs.length > 1      ? `${runs.length} runs compared` :
                             first.title;
  const period =
      `${f.instant(millis(first, 0))} to ${f.instant(millis(first, first.period_end_s))} UTC ` +
      `(${f.span(first.period_end_s)})`;
  const rows = runs.map(
      (each) =>
          h('tr', {}, runs.length > 1 ? h('th', {scope: 'row'}, each.letter) : null,
            h('td', {}, each.title), h('td', {}, each.name), h('td', {}, each.source),
            h('td', {class: 'number'}, String(each.seed)),
            h('td', {class: 'number'}, f.count(each.jobs)),
            h('td', {}, h('code', {title: each.scenario_sha256}, short(each.scenario_sha256)))));
  const timeline = data.study ? 'combination' : 'timeline';
  const names = ['scenario', timeline, 'written by', 'seed', 'jobs', 'scenario SHA-256'];
  return h(
      'header', {}, h('p', {class: 'brand'}, 'nightwatt report'), h('h1', {}, title),
      h('p', {class: 'period'}, period),
      h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The runs'},
        h('table', {class: 'runs'},
          h('thead', {},
            h('tr', {}, runs.length > 1 ? h('th', {scope: 'col'}, 'run') : null,
              names.map(
                  (name) =>
                      h('th',
                        {scope: 'col', class: name === 'seed' || name === 'jobs' ? 'number' : null},
                        name)))),
          h('tbody', {}, rows))));
}

// Name, key of the summary or a function, text, and whether less is better (for the colour of a
// difference).
const figures = [
  [
    'Facility energy', (r) => r.summary.facility_energy_j, f.energy, true,
    (r) => `IT ${f.energy(r.summary.it_energy_j)}, PUE ${
        f.number(r.summary.facility_energy_j / r.summary.it_energy_j)}`
  ],
  [
    'Carbon', (r) => r.summary.carbon_g, (v) => v === null ? 'unknown' : `${f.carbon(v)} CO₂e`,
    true,
    (r) => r.summary.carbon_g === null ?
        'no intensity is given' :
        `${f.number(r.summary.carbon_g / r.summary.facility_energy_j * 3.6e6)} g a kWh`
  ],
  [
    'Cost', (r) => r.summary.cost, (v, r) => f.cost(v, r.currency), true,
    (r) => r.summary.cost === null ?
        'no price is given' :
        `${f.number(r.summary.cost / r.summary.facility_energy_j * 3.6e6)} ${r.currency} a kWh`
  ],
  [
    'Peak facility power', (r) => r.sites.length === 1 ? r.sites[0].peak_facility_w : null, f.power,
    true,
    (r) =>
        r.sites.length === 1 ? `mean of ${f.span(r.sites[0].peak_window_s)}` : 'by site: see there'
  ],
  [
    'Mean wait', (r) => r.summary.mean_wait_s, f.span, true,
    (r) => `95 % wait no longer than ${f.span(r.summary.p95_wait_s)}`
  ],
  [
    'Mean slowdown', (r) => r.summary.mean_bounded_slowdown, (v) => f.number(v), true,
    (r) =>
        `bounded at ${f.span(r.slowdown_tau_s)}; median ${f.number(r.summary.p50_bounded_slowdown)}`
  ],
  [
    'Utilization', (r) => r.summary.utilization, (v) => f.percent(v), null,
    (r) => `in a makespan of ${f.span(r.summary.makespan_s)}`
  ],
  [
    'Jobs completed', (r) => r.summary.jobs_completed, f.count, null,
    (r) => {
      const s = r.summary;
      const parts =
          [
            [s.jobs_unfinished, 'unfinished'], [s.jobs_killed_at_limit, 'killed at their limit'],
            [s.jobs_rejected, 'rejected']
          ].filter(([n]) => n > 0)
              .map(([n, what]) => `${f.count(n)} ${what}`);
      return parts.join(', ') || 'all of them';
    }
  ],
  [
    'Deadlines missed',
    (r) => r.summary.jobs_with_deadline > 0 ? r.summary.deadline_misses : undefined, f.count, true,
    (r) => `of ${f.count(r.summary.jobs_with_deadline)}`
  ],
];

function cards() {
  const chosen = run();
  const base = runs[0];
  return figures.flatMap(([name, value, text, less, more]) => {
    const own = value(chosen);
    if (own === undefined) return [];
    const card =
        h('div', {class: 'card'}, h('h3', {}, name), h('p', {class: 'value'}, text(own, chosen)),
          h('p', {class: 'more'}, more(chosen)));
    const before = value(base);
    if (chosen !== base && chosen.equalWork && own !== null && before) {
      const change = f.cleaned(own - before, before) / before;
      const good = less === null || change === 0 ? '' : change < 0 ? ' better' : ' worse';
      card.append(
          h('p', {class: `change${good}`}, `${f.signedPercent(change)} against ${base.letter}`));
    }
    return [card];
  });
}

const termNames = {
  jobs: 'jobs',
  idle: 'idle GPUs',
  base: 'idle hosts',
  loss: 'supply and fan losses',
  asleep: 'sleeping nodes',
  boot: 'booting nodes'
};
function terms() {
  const sums = {};
  for (const site of run().sites)
    for (const [term, j] of Object.entries(site.terms_j)) sums[term] = (sums[term] ?? 0) + j;
  const all = run().summary.it_energy_j;
  const parts = Object.entries(sums)
                    .filter(([, j]) => j !== 0)
                    .map(([term, j]) => `${termNames[term]} ${f.percent(j / all)}`);
  return `IT energy went to: ${parts.join(', ')}. It is counted from the start of the period to ` +
      `${f.instant(millis(run(), run().file_end_s))} UTC. Conserved to ${
             f.number(run().summary.conservation_error)} (1e-9 is allowed).`;
}

export function summarySection() {
  const box = h('div', {class: 'cards'}, cards());
  const text = h('p', {}, terms());
  onChange(() => {
    box.replaceChildren(...cards());
    text.textContent = terms();
  });
  return section('summary', 'At a glance', box, text);
}

export function comparisonSection() {
  if (data.comparisons.length === 0) return null;
  const parts = data.comparisons.map((comparison) => {
    const other = runs[comparison.run];
    const base = runs[0];
    const withInterval = comparison.rows.some((row) => row.low !== null);
    const columns = [
      {name: 'figure', text: (row) => row.metric},
      {name: 'unit', text: (row) => row.unit.replace('CO2e', 'CO₂e')},
      {name: base.letter, value: (row) => row.base, text: (row) => f.number(row.base)},
      {name: other.letter, value: (row) => row.other, text: (row) => f.number(row.other)},
    ];
    const known = (row) => row.base !== null && row.other !== null;
    const difference = (row) => known(row) ? f.cleaned(row.other - row.base, row.base) : NaN;
    const change = (row) => difference(row) / row.base;
    if (comparison.equal_work) {
      columns.push(
          {
            name: `${other.letter} − ${base.letter}`,
            value: difference,
            text: (row) => f.signed(difference(row))
          },
          {name: 'change', value: change, text: (row) => f.signedPercent(change(row))});
    }
    if (withInterval && comparison.equal_work) {
      columns.push({
        name: 'interval',
        text: (row) => row.low === null ? '' :
                                          `${f.signed(f.cleaned(row.low, row.base))} to ${
                                              f.signed(f.cleaned(row.high, row.base))}`
      });
    }
    return h(
        'div', {class: 'comparison'}, h('h3', {}, `${other.label} against ${base.label}`),
        comparison.warnings.map((text) => h('p', {class: 'warning'}, text)),
        comparison.equal_work ?
            null :
            h('p', {class: 'warning'},
              'What one run saved against the other cannot be said: no differences are shown.'),
        sortable({
          caption: `Differences of ${other.label} from ${base.label}`,
          columns,
          rows: comparison.rows,
          perPage: 100
        }),
        comparison.interval ? h('p', {class: 'hint'}, comparison.interval) : null,
        scenarioDifference(base, other));
  });
  return section('comparison', 'Comparison', ...parts, overlay());
}

/** Lines of b that a has not, and the other way round, in order (longest common subsequence). */
function lineDifference(a, b) {
  const table = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      table[i][j] =
          a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  const out = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      ++i;
      ++j;
    } else if (j === b.length || (i < a.length && table[i + 1][j] >= table[i][j + 1])) {
      out.push(['−', a[i++]]);
    } else {
      out.push(['+', b[j++]]);
    }
  }
  return out;
}

function scenarioDifference(base, other) {
  const a = base.scenario_yaml.split('\n');
  const b = other.scenario_yaml.split('\n');
  if (base.scenario_sha256 === other.scenario_sha256) {
    return h('p', {class: 'hint'}, 'Both ran the same scenario, values and seed.');
  }
  if (a.length * b.length > 4e6) return null;  // a second of work for a text nobody would read
  return h(
      'details', {class: 'difference'},
      h('summary', {}, `What differs in the scenario of ${other.letter}`),
      h('pre', {},
        lineDifference(a, b).map(
            ([sign, line]) =>
                h('span', {class: sign === '+' ? 'added' : 'removed'}, `${sign} ${line}\n`))));
}

const rulesText = (rules) =>
    rules.map(([rule, choice, rows]) => `${rule}: ${f.count(rows)} ${choice}`).join('; ');

export function provenanceSection() {
  const parts = runs.map((each) => {
    const inputs = sortable({
      caption: `Inputs of ${each.label}`,
      columns: [
        {name: 'role', text: (row) => row.role}, {name: 'path, as given', text: (row) => row.path},
        {name: 'format', text: (row) => row.format},
        {name: 'rows', value: (row) => row.rows, text: (row) => f.count(row.rows)}, {
          name: 'rows skipped or adjusted',
          text: (row) => rulesText([...row.skipped, ...row.adjusted])
        },
        {name: 'SHA-256', text: (row) => row.sha256, code: true}
      ],
      rows: each.inputs,
      perPage: 50
    });
    const facts = [
      ['timeline', each.file],
      ['written by', `${each.source}, schema ${each.schema_version}`],
      ['scenario', each.title],
      ['SHA-256 of the scenario', each.scenario_sha256],
      ['seed', String(each.seed)],
      [
        'period',
        `${f.instant(millis(each, 0), true)} to ${
            f.instant(millis(each, each.period_end_s), true)} UTC`
      ],
      ['charged to', `${f.instant(millis(each, each.file_end_s), true)} UTC`],
      [
        'warm-up',
        each.warmup_s > 0 ?
            `jobs of the first ${f.span(each.warmup_s)} are left out of waits and slowdowns` :
            'none'
      ],
      [
        'partitions',
        each.partitions
            .map(
                (p) => `${p.site}/${p.name}: ${f.count(p.nodes)} nodes, ${f.count(p.gpus)} ` +
                    `${p.cores ? 'cores' : 'GPUs'} (${p.device})`)
            .join('; ')
      ],
    ];
    return h(
        'div', {class: 'provenance'}, runs.length > 1 ? h('h3', {}, each.label) : null,
        h('dl', {}, facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
        each.inputs.length ? inputs : h('p', {}, 'The run read no files.'),
        each.counts.length ? h('p', {}, `Counted in the run: ${rulesText(each.counts)}.`) : null,
        each.notes.length ? h('ul', {class: 'notes'}, each.notes.map((note) => h('li', {}, note))) :
                            null,
        h('details', {}, h('summary', {}, 'The scenario, with all defaults filled in'),
          h('pre', {}, each.scenario_yaml)));
  });
  return section('provenance', 'Where this comes from', ...parts);
}

export function chooser(choice) {
  const controls = [];
  if (runs.length > 1)
    controls.push(choice(
        'Run',
        runs.map(
            (each) => each.called ? each.label : `${each.letter} · ${each.title} (${each.name})`),
        (index) => ({run: index})));
  const sites = h('span', {});
  const fill = () => {
    const names = run().series.map((each) => each.site === '' ? 'all sites' : each.site);
    sites.replaceChildren(...(
        names.length > 1 ? [choice('Site', names, (index) => ({site: index}), state.site)] : []));
  };
  fill();
  onChange((change) => {
    if ('run' in change) fill();
  });
  controls.push(sites);
  return controls;
}
