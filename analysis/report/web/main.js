import {runs} from './data.js';
import {h} from './dom.js';
import {pictures} from './picture.js';
import {timeSection} from './time.js';

const app = document.getElementById('app');
document.title = `${runs.length > 1 ? `${runs.length} runs` : runs[0].title} · nightwatt report`;
app.append(h('main', {id: 'content'}, timeSection()));
// For tests and for the console.
globalThis.nightwatt = {pictures, runs};
