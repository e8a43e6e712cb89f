// Tables that sort by keyboard and mouse, a page of rows at a time.

import {h} from './dom.js';

let next = 0;

/**
 * @param columns  {name, text(row), value(row)}: without `value` it sorts as text; `code` = fixed
 *     width
 * @param foot     rows that stay below, whatever the order
 */
export function sortable(
    {caption, columns, rows, perPage = 25, foot = [], filter = false, sortBy = null}) {
  const id = `table-${++next}`;
  let order = rows.map((_, index) => index);
  let by = null;
  let down = true;
  let page = 0;
  let wanted = '';

  const cell = (column, row) => {
    const text = column.text(row);
    return h(
        'td', {class: column.value ? 'number' : null}, column.code ? h('code', {}, text) : text);
  };
  const body = h('tbody', {});
  const place = h('span', {class: 'status', role: 'status'});
  const back = h('button', {type: 'button', onclick: () => turn(-1)}, 'Previous');
  const on = h('button', {type: 'button', onclick: () => turn(1)}, 'Next');
  const pages = () => Math.max(1, Math.ceil(order.length / perPage));
  function turn(by) {
    page = Math.max(0, Math.min(pages() - 1, page + by));
    show();
  }
  function show() {
    body.replaceChildren(
        ...order.slice(page * perPage, (page + 1) * perPage)
            .map((index) => h('tr', {}, columns.map((column) => cell(column, rows[index])))));
    const from = order.length ? page * perPage + 1 : 0;
    place.textContent =
        `${from.toLocaleString('en')} to ${
            Math.min(order.length, (page + 1) * perPage).toLocaleString('en')} of ` +
        `${order.length.toLocaleString('en')}`;
    back.disabled = page === 0;
    on.disabled = page === pages() - 1;
  }
  // Unknown values come last in either direction.
  function arrange() {
    order = rows.map((_, index) => index);
    if (wanted) {
      order = order.filter(
          (index) => columns.some(
              (column) => String(column.text(rows[index])).toLowerCase().includes(wanted)));
    }
    if (by) {
      const key = by.value ?? by.text;
      const keys = rows.map((row) => key(row));
      const none = (value) =>
          value === null || value === undefined || Number.isNaN(value) || value === '';
      order.sort((a, b) => {
        const [x, y] = [keys[a], keys[b]];
        if (none(x) || none(y)) return none(x) - none(y) || a - b;
        const difference =
            by.value ? x - y : String(x).localeCompare(String(y), 'en', {numeric: true});
        return (down ? -difference : difference) || a - b;
      });
    }
    page = 0;
    show();
  }
  const heads = columns.map((column) => {
    const head =
        h('th', {scope: 'col', class: column.value ? 'number' : null, 'aria-sort': 'none'},
          h('button', {type: 'button', class: 'sort', onclick: () => sort(column, head)},
            column.name));
    return head;
  });
  function sort(column, head) {
    down = by === column ? !down : Boolean(column.value);  // numbers: largest first
    by = column;
    for (const each of heads)
      each.setAttribute('aria-sort', each === head ? (down ? 'descending' : 'ascending') : 'none');
    arrange();
  }
  const table = h(
      'table', {id}, h('caption', {}, caption), h('thead', {}, h('tr', {}, heads)), body,
      foot.length ? h('tfoot', {},
                      foot.map((row) => h('tr', {}, columns.map((column) => cell(column, row))))) :
                    null);
  if (sortBy !== null)
    sort(columns[sortBy], heads[sortBy]);
  else
    show();
  const controls = [];
  if (filter) {
    controls.push(h('label', {class: 'choice'}, h('span', {}, 'Find'), h('input', {
                      type: 'search',
                      oninput: (event) => {
                        wanted = event.target.value.trim().toLowerCase();
                        arrange();
                      }
                    })));
  }
  if (rows.length > perPage) controls.push(back, on, place);
  return h(
      'div', {class: 'sortable'}, controls.length ? h('div', {class: 'controls'}, controls) : null,
      h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption}, table));
}
