// Bundles this folder to one HTML file that needs nothing else.
// Usage: node build.mjs NODE_MODULES NOTICE OUT.html
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const [modules, notice, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const esbuild = createRequire(pathToFileURL(join(modules, 'x.js')))('esbuild');

const options = {
  bundle: true,
  write: false,
  minify: true,
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',  // NOTICE stands in the page
  nodePaths: [modules],
  logLevel: 'warning',
};
const script = esbuild.buildSync({...options, entryPoints: [join(here, 'main.js')], format: 'iife'})
                   .outputFiles[0]
                   .text.trim();
const style = esbuild.buildSync({...options, entryPoints: [join(here, 'style.css')]})
                  .outputFiles[0]
                  .text.trim();
if (/<\/(script|style)/i.test(script + style))
  throw new Error('the bundle would end its own element');

// Only this script may run, whatever a name in the data says, and nothing may be loaded.
const hash = createHash('sha256').update(script).digest('base64');
const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; ` +
    `img-src data:; base-uri 'none'; form-action 'none'`;
const parts = {
  policy,
  style,
  script,
  notice: readFileSync(notice, 'utf8').replaceAll('--', '- -'),
};
const page = readFileSync(join(here, 'page.html'), 'utf8')
                 .replace(/@(policy|style|script|notice)@/g, (_, name) => parts[name]);
writeFileSync(out, page);
