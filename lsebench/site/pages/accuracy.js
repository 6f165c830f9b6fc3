"use strict";
// The page of accuracy: see accuracy.py for the shape of its data.

(() => {
  const all = Site.data.accuracy;
  if (!all.runs.length) return;
  const FIELDS = ["kernel", "dtype", "machine", "threads", "input", "size"];
  const WORST = "worst";
  const LEAST = 560; // pixels that the chart needs across
  const DEFAULTS = {
    machine: Site.place(all.runs[0]), threads: all.runs[0].threads, kernel: "logsumexp", dtype: "float64",
    input: WORST, size: "",
  };
  const state = { ...DEFAULTS, ...Site.state() };
  const title = (name) => Site.titleOf(all.backends, name);

  // Restrict each choice to what was measured under those before it.
  function settle() {
    state.machine = Site.choose("machine", Site.unique(all.runs.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.runs.find((run) => Site.place(run) === place))]), state.machine);
    const here = all.runs.filter((run) => Site.place(run) === state.machine);
    state.threads = Site.choose("threads", here.map((run) => [run.threads, Site.THREADS[run.threads] || run.threads]), state.threads);
    const run = here.find((r) => r.threads === state.threads);
    const names = Object.keys(all.kernels).filter((name) => run.kernels[name]);
    state.kernel = Site.choose("kernel", names.map((name) => [name, all.kernels[name].title]), state.kernel);
    const kernel = all.kernels[state.kernel];
    const { errors, times } = run.kernels[state.kernel];
    const dtypes = Site.unique(errors.map((row) => row[1])).sort().reverse();
    state.dtype = Site.choose("dtype", dtypes.map((dtype) => [dtype, dtype]), state.dtype);
    const table = errors.filter((row) => row[1] === state.dtype);
    const inputs = Object.keys(kernel.inputs).filter((input) => table.some((row) => row[2] === input));
    const options = inputs.map((input) => [input, kernel.inputs[input].title]);
    if (inputs.filter((input) => kernel.inputs[input].well).length > 1)
      options.unshift([WORST, "the worst of the well conditioned"]);
    state.input = Site.choose("input", options, state.input);
    const timed = times.filter((row) => row[1] === state.dtype);
    const sizes = kernel.sizes.filter((size) => timed.some((row) => row[2] === size));
    // The largest up to a million elements: there the work counts, and most tools have been asked.
    const usual = sizes.filter((size) => kernel.elements[size] <= 1e6).at(-1) || sizes[0] || "";
    state.size = Site.choose("size", sizes.map((size) => [size, Site.count(size)]), sizes.includes(state.size) ? state.size : usual);
    return { run, kernel, table, inputs, timed: timed.filter((row) => row[2] === state.size), usual };
  }

  const version = (run, name) => run.installed[name.split(":")[0].split("_")[0]] || "";
  const commit = (id) => `${id.slice(0, 8)} of ${Site.day(all.dates[id])}`;

  function errors({ run, kernel, table, inputs }) {
    const rows = Site.unique(table.map((row) => row[0])).map((name) => ({
      name, cells: Object.fromEntries(table.filter((row) => row[0] === name).map((row) => [row[2], row])),
    }));
    const suite = Site.suite(state.kernel);
    const columns = [{ key: "tool", title: "tool", text: (row) => title(row.name), sort: (row) => title(row.name).toLowerCase() }];
    for (const input of inputs) {
      const text = (row) => {
        const cell = row.cells[input];
        return !cell ? "" : cell[3] === null ? "failed" : Site.error(cell[3]);
      };
      columns.push({
        key: input, title: kernel.inputs[input].title, text,
        sort: (row) => (row.cells[input] ? row.cells[input][3] : undefined),
        cell: (row) => {
          const cell = row.cells[input];
          const href = cell && Site.history(all, run, `accuracy.${suite}.track_error`, cell.slice(0, 3));
          return href ? Site.make("a", { href }, text(row)) : text(row);
        },
        tip: (row) => {
          const cell = row.cells[input];
          if (!cell) return "not measured";
          const grade = cell[3] === null ? "failed" : kernel.grades[cell[4]];
          return [grade, commit(cell[5]), version(run, row.name)].filter(Boolean).join("; ");
        },
        class: (row) => {
          const cell = row.cells[input];
          return !cell ? "number" : cell[3] === null ? "number bad" : `number grade-${cell[4]}`;
        },
      });
    }
    Site.table("errors", columns, rows, "tool");
    document.getElementById("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "input", "error", "unit", "commit", "machine", "threads"];
      Site.download(`${state.kernel}-${state.dtype}-errors.csv`, Site.csv(names, table.map((row) =>
        [row[0], state.kernel, row[1], row[2], row[3], kernel.unit, row[5], run.machine, run.threads])));
    };
    document.getElementById("errors-title").textContent = `Error by class of input (${kernel.unit})`;
    document.getElementById("unit").textContent = kernel.about;
    Site.fill("legend", ...kernel.grades.map((words, place) => Site.make("li", { class: `grade-${place}` }, words)));
    Site.fill("inputs", ...inputs.flatMap((input) =>
      [Site.make("dt", {}, kernel.inputs[input].title), Site.make("dd", {}, kernel.inputs[input].help)]));
  }

  // Of each timed tool, the error that the chart shows; a tool that failed has none.
  function marks({ kernel, table, inputs, timed }) {
    const asked = state.input === WORST ? inputs.filter((input) => kernel.inputs[input].well) : [state.input];
    const rows = [];
    for (const [name, , , seconds, low, high] of timed) {
      const found = table.filter((row) => row[0] === name && asked.includes(row[2]));
      if (!found.length || found.some((row) => row[3] === null)) continue;
      const worst = found.reduce((a, b) => (b[3] > a[3] ? b : a));
      rows.push({
        name, title: title(name), colour: Site.lookOf(all.backends, name).colour, error: worst[3],
        shown: `${Site.error(worst[3])} ${kernel.unit}`, input: kernel.inputs[worst[2]].title, seconds, low, high,
        exact: Site.seconds(seconds), interval: low < high ? `${Site.seconds(low)} to ${Site.seconds(high)}` : "too few samples",
        commit: commit(worst[5]),
      });
    }
    return rows;
  }

  async function chart(found) {
    const rows = marks(found);
    document.getElementById("chart-part").hidden = !rows.length;
    document.getElementById("no-chart").hidden = rows.length > 0;
    if (!rows.length) return;
    // A logarithmic axis has no 0.
    const least = Math.min(...rows.filter((row) => row.error > 0).map((row) => row.error), 1);
    const floor = Math.min(0.01, 10 ** Math.floor(Math.log10(least / 2)));
    const zero = rows.some((row) => row.error === 0);
    for (const row of rows) row.error = row.error || floor;
    document.getElementById("zero").textContent = zero ? `An error of 0 is drawn at ${floor}.` : "";
    const across = domain(rows.map((row) => row.error).concat(1)), up = domain(rows.flatMap((row) => [row.low, row.high]));
    const height = Math.max(480, 18 * rows.length);
    place(rows, across, up, (up[1] / up[0]) ** (15 / height));
    const input = state.input === WORST ? "worst well-conditioned input" : found.kernel.inputs[state.input].title;
    document.getElementById("chart-title").textContent = `Error against time of one call, at ${Site.count(state.size)}`;
    await Site.draw("chart", "accuracy", rows, (spec) => {
      spec.height = height;
      for (const { encoding } of spec.layer)
        for (const [channel, ends] of [[encoding.x, across], [encoding.y, up]])
          if (channel && channel.axis) {
            channel.scale.domain = ends;
            channel.axis.values = ticks(ends);
            if (channel === encoding.x) channel.title = `error (${found.kernel.unit}), ${input}`;
          }
    }, LEAST);
  }

  const domain = (values) => [Math.min(...values) / 1.6, Math.max(...values) * 1.6];

  // Powers of ten, with 2 and 5 times them where they are few.
  function ticks([low, high]) {
    const steps = high / low < 2e3 ? [1, 2, 5] : [1];
    const powers = Array.from({ length: 30 }, (_, place) => place - 10);
    return powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`))).filter((tick) => low <= tick && tick <= high);
  }

  // Put each name beside its mark, or above or below it as near as there is room. On logarithmic axes
  // distances are factors: `line` is the height of a line of text.
  function place(rows, across, up, line) {
    const pixel = (across[1] / across[0]) ** (1 / (Math.max(document.getElementById("chart").clientWidth, LEAST) - 200));
    const steps = Array.from({ length: 4 * rows.length }, (_, step) => (step % 2 ? step + 1 : -step) / 4);
    const meet = (a, b) => {
      const left = a.error <= b.error ? a : b, right = left === a ? b : a;
      return right.error / left.error < pixel ** (7 * left.title.length + 16) && Math.abs(Math.log(a.label / b.label)) < 0.99 * Math.log(line);
    };
    const placed = [];
    for (const row of rows.sort((a, b) => a.seconds - b.seconds)) {
      for (const step of steps) {
        row.label = row.seconds * line ** step;
        if (up[0] <= row.label && row.label <= up[1] && !placed.some((other) => meet(other, row))) break;
      }
      placed.push(row);
    }
  }

  function about({ run, kernel }) {
    const versions = Object.entries(run.versions).map(([name, text]) => `${name} ${text}`).join(", ");
    Site.fill("about", `${run.machine}, ${Site.THREADS[run.threads] || run.threads}. Newest commit ${run.newest.slice(0, 8)}, `
      + `measured ${Site.day(run.measured)}. Python ${run.python}, ${versions}.`);
    Site.fill("forms", Object.entries(kernel.forms).map(([form, text]) => `${form}: ${text}`).join(" "));
  }

  async function show() {
    const found = settle();
    Site.remember(state);
    about(found);
    errors(found);
    Site.missing(all.backends, found.run, state.kernel, found.table.map((row) => row[0]));
    await chart(found);
    document.body.dataset.ready = "yes";
  }

  Site.listen(FIELDS, DEFAULTS, state, show);
  show();
})();
