// Which run, site and span the page shows.

import {runs} from './data.js';
import {pictures} from './picture.js';

export const state = {
  run: 0,
  site: 0
};
const listeners = [];
export const run = () => runs[state.run];
/** Of the run: '' = all sites together. */
export const siteName = () => run().series[state.site]?.site ?? '';
export const onChange = (listener) => listeners.push(listener);

export function choose(change) {
  Object.assign(state, change);
  if (state.site >= run().series.length) state.site = 0;
  for (const listener of listeners) listener(change);
  for (const picture of pictures) picture.refresh();
}
