// Elements made without HTML text: names from files cannot become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on'))
      element.addEventListener(name.slice(2), value);
    else if (name === 'style')
      Object.assign(element.style, value);
    else
      element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A tooltip: a title and lines of [name, value, colour]. */
export function tip(title, lines) {
  return h(
      'div', {class: 'tip'}, h('strong', {}, title),
      h('table', {},
        lines.map(
            ([name, value, colour]) =>
                h('tr', {}, h('td', {}, colour ? h('i', {style: {background: colour}}) : '', name),
                  h('td', {}, value)))));
}

/** A drop-down with a label; `changed` gets the index. */
export function choice(label, names, changed, selected = 0) {
  const select =
      h('select', {onchange: () => changed(select.selectedIndex)},
        names.map((name, index) => h('option', {selected: index === selected}, name)));
  return h('label', {class: 'choice'}, h('span', {}, label), select);
}

/** Several figures under a heading. */
export function section(id, title, ...children) {
  return h(
      'section', {id, 'aria-labelledby': `${id}-title`}, h('h2', {id: `${id}-title`}, title),
      ...children);
}
