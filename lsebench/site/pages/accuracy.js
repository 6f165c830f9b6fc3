"use strict";
// The page of accuracy: see accuracy.py for the shape of its data.

(() => {
  const all = Site.data.accuracy;
  if (!all.runs.length) return;
  const FIELDS = ["kernel", "dtype", "machine", "threads", "input", "n"];
  const WORST = "worst";
  const LEAST = 560; // pixels that the chart needs across
  // What the address leaves open is settled by what was measured.
  const DEFAULTS = Object.fromEntries(FIELDS.map((field) => [field, ""]));
  const state = { ...DEFAULTS, ...Site.state() };
  const title = (name) => Site.titleOf(all.backends, name);

  // Restrict each choice to what was measured under those before it.
  // What a person has changed may leave the other choices without results: that is no question of the address.
  function settle() {
    const changed = Site.changed;
    const choose = (id, options, usual) => {
      const fits = options.some(([value]) => value === state[id]);
      state[id] = Site.choose(id, options, changed && !fits ? "" : state[id], usual);
    };
    choose("machine", Site.unique(all.runs.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.runs.find((run) => Site.place(run) === place))]), Site.place(all.runs[0]));
    const here = all.runs.filter((run) => Site.place(run) === state.machine);
    choose("threads", here.map((run) => [run.threads, Site.THREADS[run.threads] || run.threads]), "1");
    const run = here.find((r) => r.threads === state.threads);
    const names = Object.keys(all.kernels).filter((name) => run.kernels[name]);
    choose("kernel", names.map((name) => [name, all.kernels[name].title]), "logsumexp");
    const kernel = all.kernels[state.kernel];
    const { errors, worst, times } = run.kernels[state.kernel];
    choose("dtype", Object.keys(errors).sort().reverse().map((dtype) => [dtype, dtype]), "float64");
    const table = errors[state.dtype];
    const inputs = Object.keys(kernel.inputs).filter((input) => Object.values(table).some((cells) => cells[input]));
    const options = inputs.map((input) => [input, kernel.inputs[input].title]);
    if (inputs.filter((input) => kernel.inputs[input].well).length > 1)
      options.unshift([WORST, "the worst of the well conditioned"]);
    choose("input", options, options[0][0]);
    const timed = times[state.dtype] || {};
    const sizes = kernel.sizes.filter((size) => timed[size]);
    // The largest up to a million elements: there the work counts, and most tools have been asked.
    choose("n", sizes.map((size) => [size, Site.count(size)]), sizes.filter((size) => kernel.elements[size] <= 1e6).at(-1) || sizes[0]);
    return { run, kernel, table, inputs, worst: worst[state.dtype], timed: timed[state.n] || {} };
  }

  const version = (run, name) => run.installed[name.split(":")[0].split("_")[0]] || "";
  const commit = (id) => `${id.slice(0, 8)} of ${Site.day(all.dates[id])}`;

  function errors({ run, kernel, table, inputs }) {
    const rows = Object.entries(table).map(([name, cells]) => ({ name, cells, unsafe: kernel.unsafe[name] }));
    const what = (row, input) => ({
      machine: Site.place(run), kind: run.kind, threads: run.threads, kernel: state.kernel, tool: row.name, dtype: state.dtype, n: input, clock: "error",
    });
    const columns = [{ key: "tool", title: "tool", text: (row) => title(row.name), sort: (row) => title(row.name).toLowerCase() }];
    for (const input of inputs)
      columns.push({
        key: input, title: kernel.inputs[input].title,
        text: (row) => (row.cells[input] ? row.cells[input].text : ""),
        sort: (row) => (row.cells[input] ? row.cells[input].error : undefined),
        cell: (row) => {
          const cell = row.cells[input];
          if (!cell) return "";
          return Site.opens(row.unsafe ? Site.make("span", {}, cell.text, Site.make("small", {}, "unsafe form")) : cell.text, what(row, input));
        },
        tip: (row) => {
          const cell = row.cells[input];
          if (!cell) return "not measured";
          const grade = row.unsafe || (cell.grade === null ? "failed" : kernel.grades[cell.grade]);
          return [grade, commit(cell.commit), version(run, row.name)].filter(Boolean).join("; ");
        },
        class: (row) => {
          const cell = row.cells[input];
          return !cell ? "number" : cell.grade === null ? "number bad" : `number grade-${cell.grade}`;
        },
      });
    Site.table("errors", columns, rows, "tool");
    document.getElementById("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "input", "error", "unit", "commit", "machine", "threads"];
      Site.download(`${state.kernel}-${state.dtype}-errors.csv`, Site.csv(names, rows.flatMap((row) => Object.entries(row.cells).map(([input, cell]) =>
        [row.name, state.kernel, state.dtype, input, cell.error, kernel.unit, cell.commit, run.machine, run.threads]))));
    };
    document.getElementById("errors-title").textContent = `Error by class of input (${kernel.unit})`;
    document.getElementById("unit").textContent = kernel.about;
    const grades = kernel.grades.map((words, place) => [`grade-${place}`, words]);
    if (rows.some((row) => row.unsafe)) grades.push(["bad", "an unsafe form, whatever its error here"]);
    Site.fill("legend", ...grades.map(([kind, words]) => Site.make("li", { class: kind }, words)));
    const unsafe = rows.filter((row) => row.unsafe);
    document.getElementById("unsafe").hidden = !unsafe.length;
    document.getElementById("unsafe").textContent = Site.unique(unsafe.map((row) => row.unsafe))
      .map((why) => `${unsafe.filter((row) => row.unsafe === why).map((row) => title(row.name)).join(", ")}: ${why}`).join(" ");
    Site.fill("inputs", ...inputs.flatMap((input) =>
      [Site.make("dt", {}, kernel.inputs[input].title), Site.make("dd", {}, kernel.inputs[input].help)]));
  }

  // Of each timed tool the error that the chart shows; `absent` says of the others why they have none.
  function marks({ kernel, worst, timed }) {
    const rows = [], absent = [];
    for (const [name, time] of Object.entries(timed)) {
      const found = worst[name] && worst[name][state.input];
      if (!found) continue;
      if (found.failed) { absent.push(`${title(name)} (failed: ${found.failed.join(", ")})`); continue; }
      if (!time.time) { absent.push(`${title(name)} (the timed call failed)`); continue; }
      const [seconds, low, high] = time.time;
      rows.push({
        name, title: title(name) + (kernel.unsafe[name] ? " (unsafe)" : ""), colour: Site.lookOf(all.backends, name).colour, error: found.error,
        shown: found.text, input: found.input, seconds, low, high, exact: time.text, interval: time.interval, commit: commit(found.commit),
      });
    }
    return { rows, absent };
  }

  async function chart(found) {
    const { rows, absent } = marks(found);
    document.getElementById("chart-part").hidden = !rows.length;
    document.getElementById("no-chart").hidden = rows.length > 0;
    const others = absent.length ? `Not drawn: ${absent.join("; ")}.` : "";
    document.getElementById(rows.length ? "left-out" : "no-chart").textContent = rows.length ? others
      : `No chart: no tool of this table was also timed in this run. ${others}`;
    if (!rows.length) return;
    // A logarithmic axis has no 0.
    const least = Math.min(...rows.filter((row) => row.error > 0).map((row) => row.error), 1);
    const floor = Math.min(0.01, 10 ** Math.floor(Math.log10(least / 2)));
    const zero = rows.some((row) => row.error === 0);
    for (const row of rows) row.error = row.error || floor;
    document.getElementById("zero").textContent = zero ? `An error of 0 is drawn at ${floor}.` : "";
    const across = domain(rows.map((row) => row.error).concat(1)), up = domain(rows.flatMap((row) => (row.low > 0 ? [row.low, row.high] : [row.seconds])));
    const height = Math.max(480, 18 * rows.length);
    place(rows, across, up, (up[1] / up[0]) ** (15 / height));
    const input = state.input === WORST ? "worst well-conditioned input" : found.kernel.inputs[state.input].title;
    document.getElementById("chart-title").textContent = `Error against time of one call, at ${Site.count(state.n)}`;
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
    Site.missing(all.backends, found.run, state.kernel, Object.keys(found.table));
    await chart(found);
    document.body.dataset.ready = "yes";
  }

  Site.listen(FIELDS, DEFAULTS, state, show);
  show();
})();
