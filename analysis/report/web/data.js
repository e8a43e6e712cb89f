// The data of the page: JSON with columns as base64 (analysis/report/encode.hpp).

const arrays = {
  f32: Float32Array,
  u32: Uint32Array,
  u16: Uint16Array
};

/** A column of `length` values: numbers that are all equal stand as one, null is NaN. */
export function column(json, length) {
  if (Array.isArray(json)) return json.map((value) => value ?? NaN);
  if (json === null || typeof json === 'number') {
    return new Float32Array(length).fill(json ?? NaN);
  }
  const [type] = Object.keys(json);
  const text = atob(json[type]);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return new arrays[type](bytes.buffer);
}

export const data = JSON.parse(document.getElementById('data').textContent);
export const runs = data.runs;
/** "A", "B", ..., "Z", "AA": what a run is called in legends and tables. */
runs.forEach((run, index) => {
  run.index = index;
  run.letter = (index >= 26 ? String.fromCharCode(64 + Math.floor(index / 26)) : '') +
      String.fromCharCode(65 + index % 26);
  // Folders are told where names alone would not tell runs apart.
  const last = (each) => each.file.split('/').pop();
  run.name = run.called                                             ? run.called :
      runs.some((each) => each !== run && last(each) === last(run)) ? run.file :
                                                                      last(run);
  run.label = runs.length > 1 ? `${run.letter} · ${run.name}` : run.title;
  run.currency = run.sites[0]?.currency ?? '';
  run.equalWork = data.comparisons.find((each) => each.run === index)?.equal_work ?? true;
});

/** Bins of a stack of columns, all of them or those that stand for them (docs/report.md). */
export class Bins {
  constructor(json, run, series) {
    this.bins = series.bins;
    this.stepMs = run.bin_s * 1000;
    this.startMs = run.start_unix_s * 1000;
    this.at = json.at ? column(json.at) : null;
    this.length = this.at ? this.at.length : this.bins;
    this.columns = {};
    for (const [name, values] of Object.entries(json)) {
      if (name !== 'at') this.columns[name] = column(values, this.length);
    }
    this.names = Object.keys(this.columns);
    this.sum = new Float64Array(this.length);
    for (const values of Object.values(this.columns)) {
      for (let i = 0; i < this.length; ++i) this.sum[i] += values[i];
    }
  }
  timeOf(i) { return this.startMs + (this.at ? this.at[i] : i) * this.stepMs; }
  endMs() { return this.startMs + this.bins * this.stepMs; }
  known() { return this.sum.some((value) => !Number.isNaN(value)); }
  /** The last index whose bin has begun at that time. */
  indexAt(ms) {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.timeOf(middle) <= ms)
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }
  /**
   * Indices between two times: all, or of each of `buckets` parts the smallest and the largest sum,
   * so that a peak of one bin is seen at any zoom.
   */
  window(fromMs, toMs, buckets) {
    const first = this.indexAt(fromMs);
    const last = Math.min(this.length - 1, this.indexAt(toMs) + 1);
    const count = last - first + 1;
    const out = [];
    if (count <= 2 * buckets) {
      for (let i = first; i <= last; ++i) out.push(i);
      return out;
    }
    const keep = (i) => {
      if (out.length === 0 || out[out.length - 1] < i) out.push(i);
    };
    keep(first);
    for (let b = 0; b < buckets; ++b) {
      const from = first + Math.floor(count * b / buckets);
      const to = first + Math.floor(count * (b + 1) / buckets);
      let least = from;
      let largest = from;
      for (let i = from; i < to; ++i) {
        if (Number.isNaN(this.sum[i])) continue;
        if (!(this.sum[i] >= this.sum[least])) least = i;
        if (!(this.sum[i] <= this.sum[largest])) largest = i;
      }
      keep(Math.min(least, largest));
      keep(Math.max(least, largest));
    }
    keep(last);
    return out;
  }
  /** [time, sum of the columns] at those indices; the last bin lasts to its end. */
  points(names, indices, scale = 1) {
    const columns = names.map((name) => this.columns[name]);
    const value = (i) => columns.reduce((sum, values) => sum + values[i], 0) / scale;
    const out = indices.map((i) => [this.timeOf(i), value(i)]);
    if (indices[indices.length - 1] === this.length - 1)
      out.push([this.endMs(), value(this.length - 1)]);
    return out;
  }
  largest() {
    let best = -1;
    for (let i = 0; i < this.length; ++i) {
      if (best < 0 ? !Number.isNaN(this.sum[i]) : this.sum[i] > this.sum[best]) best = i;
    }
    return best < 0 ? null : {value: this.sum[best], ms: this.timeOf(best)};
  }
  range() {
    let least = Infinity;
    let most = -Infinity;
    for (const value of this.sum) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return [least, most];
  }
}
