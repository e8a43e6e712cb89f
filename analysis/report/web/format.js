// Numbers as text: four digits and a unit that fits. NaN and null are "unknown".

const unknown = 'unknown';
const missing = (value) => value === null || value === undefined || Number.isNaN(value);

export function number(value, digits = 4) {
  if (missing(value)) return unknown;
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2);
  return value.toLocaleString(
      'en',
      Math.abs(value) >= 1000 ? {maximumFractionDigits: 0} : {maximumSignificantDigits: digits});
}
export const count = (value) => missing(value) ? unknown : Math.round(value).toLocaleString('en');

/** [factor, unit] of the largest unit that leaves a number of at least 1. */
export function unitFor(value, units) {
  let chosen = units[0];
  for (const unit of units)
    if (Math.abs(value) >= unit[0]) chosen = unit;
  return chosen;
}
export const wattUnits = [[1, 'W'], [1e3, 'kW'], [1e6, 'MW'], [1e9, 'GW']];
export const jouleUnits = [[3.6e3, 'Wh'], [3.6e6, 'kWh'], [3.6e9, 'MWh'], [3.6e12, 'GWh']];
export const gramUnits = [[1, 'g'], [1e3, 'kg'], [1e6, 't'], [1e9, 'kt']];
const withUnit = (units) => (value) => {
  if (missing(value)) return unknown;
  const [factor, unit] = unitFor(value, units);
  return `${number(value / factor)} ${unit}`;
};
export const power = withUnit(wattUnits);
export const energy = withUnit(jouleUnits);
export const carbon = withUnit(gramUnits);
export function cost(value, currency) {
  if (missing(value)) return unknown;
  const digits = {minimumFractionDigits: 2, maximumFractionDigits: 2};
  return `${value.toLocaleString('en', digits)} ${currency}`.trim();
}
export const percent = (ratio, digits = 3) =>
    missing(ratio) ? unknown : `${number(100 * ratio, digits)} %`;

/**
 * A difference of figures like `base`. Sums of the same terms in another order differ by less than
 * 1e-12 of them, which is no difference (as in `compare`).
 */
export const cleaned = (difference, base) =>
    Math.abs(difference) < 1e-12 * Math.abs(base) ? 0 : difference;
export function signedPercent(ratio) {
  if (missing(ratio) || !Number.isFinite(ratio)) return '';
  const text = number(Math.abs(100 * ratio), 3);
  return `${ratio < 0 ? '−' : ratio > 0 ? '+' : '±'}${text} %`;
}
export function signed(value) {
  if (missing(value)) return unknown;
  return `${value < 0 ? '−' : value > 0 ? '+' : '±'}${number(Math.abs(value))}`;
}

/** The two largest units: "3 d 4 h", "12 min 5 s", "4.2 s". */
export function span(seconds) {
  if (missing(seconds)) return unknown;
  if (seconds < 0) return `−${span(-seconds)}`;
  if (seconds < 60) return `${number(seconds, 3)} s`;
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = units.findIndex(([length]) => seconds >= length);
  const [long, longName] = units[first];
  let whole = Math.floor(seconds / long);
  const rest = units[first + 1];
  if (!rest) return `${whole} ${longName}`;
  let part = Math.round((seconds - whole * long) / rest[0]);
  if (part * rest[0] >= long) {
    part = 0;
    ++whole;
  }
  return part ? `${whole} ${longName} ${part} ${rest[1]}` : `${whole} ${longName}`;
}

const pad = (value) => String(value).padStart(2, '0');
/** "2022-10-03 00:00" in UTC. */
export function instant(ms, withSeconds = false) {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ` +
      `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}${
             withSeconds ? `:${pad(d.getUTCSeconds())}` : ''}`;
}
/** "2022-10-03" of days since 1970-01-01. */
export const day = (days) => new Date(days * 86400e3).toISOString().slice(0, 10);
