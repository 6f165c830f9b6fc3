"use strict";
// The front page: see compare.py for the shape of its data.

(() => {
  const all = Site.data.compare;
  if (!all.runs.length) return;
  const FIELDS = ["kernel", "dtype", "machine", "threads", "clock", "size", "baseline"];
  const first = all.runs[0];
  const DEFAULTS = {
    machine: Site.place(first), threads: first.threads, clock: "warm", kernel: "logsumexp",
    dtype: "float64", size: "", baseline: all.baseline, tools: "",
  };
  const state = { ...DEFAULTS, ...Site.state() };

  const { place, unique, THREADS } = Site;
  const title = (name) => Site.titleOf(all.backends, name);
  const look = (name) => Site.lookOf(all.backends, name);

  // Restrict each choice to what was measured under those before it.
  function settle() {
    const places = unique(all.runs.map(place));
    state.machine = Site.choose("machine", places.map((p) =>
      [p, Site.placeTitle(all.runs.find((r) => place(r) === p))]), state.machine, DEFAULTS.machine);
    const here = all.runs.filter((r) => place(r) === state.machine);
    state.threads = Site.choose("threads", here.map((r) => [r.threads, THREADS[r.threads] || r.threads]), state.threads, DEFAULTS.threads);
    const run = here.find((r) => r.threads === state.threads);
    const clocks = Object.keys(all.clocks).filter((c) => run.clocks[c]);
    state.clock = Site.choose("clock", clocks.map((c) => [c, all.clocks[c]]), state.clock, DEFAULTS.clock);
    const tables = run.clocks[state.clock] || {};
    state.kernel = Site.choose("kernel", Object.keys(all.kernels).filter((k) => tables[k])
      .map((k) => [k, all.kernels[k].title]), state.kernel, DEFAULTS.kernel);
    const rows = tables[state.kernel] || [];
    state.dtype = Site.choose("dtype", unique(rows.map((r) => r[1])).sort().reverse().map((d) => [d, d]), state.dtype, DEFAULTS.dtype);
    const table = rows.filter((r) => r[1] === state.dtype);
    const sizes = all.kernels[state.kernel].sizes.filter((s) => table.some((r) => r[2] === s));
    // The largest up to a million elements: there the work counts, and most tools have been asked.
    const modest = sizes.filter((s) => all.kernels[state.kernel].elements[s] <= 1e6);
    const large = modest.at(-1) || sizes[0];
    state.size = Site.choose("size", sizes.map((s) => [s, Site.count(s)]), sizes.includes(state.size) ? state.size : large);
    const names = unique(table.map((r) => r[0])).sort((a, b) => title(a).localeCompare(title(b)));
    const timed = names.filter((n) => table.some((r) => r[0] === n && r[3] !== null));
    const fallback = timed.includes(all.baseline) ? all.baseline : timed.includes("numpy") ? "numpy" : timed[0];
    state.baseline = Site.choose("baseline", timed.map((n) => [n, title(n)]),
      timed.includes(state.baseline) ? state.baseline : fallback);
    const featured = names.filter((n) => all.featured.includes(n));
    const usual = state.kernel === "logsumexp" && state.clock === "warm" && featured.length > 3 && state.threads === "1" ? featured : names;
    const asked = state.tools === "all" ? names : state.tools ? state.tools.split(",").filter((n) => names.includes(n)) : usual;
    return { run, table, sizes, names, usual, shown: new Set(asked.length ? asked : usual), defaultSize: large };
  }

  function details(found, row) {
    const [name, dtype, size, value, low, high, commit] = row;
    const kernel = all.kernels[state.kernel];
    const bytes = ((kernel.bytes || {})[dtype] || {})[size];
    const base = found.table.find((r) => r[0] === state.baseline && r[2] === size);
    const id = all.commits[commit];
    return {
      title: title(name), name, size: Site.count(size), elements: kernel.elements[size],
      seconds: value, low, high, exact: Site.seconds(value),
      interval: low < high ? `${Site.seconds(low)} to ${Site.seconds(high)}` : "too few samples",
      ratio: base && base[3] ? `${Site.times(base[3] / value)} as fast as ${title(state.baseline)}` : "",
      rate: bytes ? Site.rate(bytes / value) : "",
      commit: `${id.slice(0, 8)} of ${Site.day(all.dates[id])}`,
      version: (found.run.installed || {})[name.split("_")[0].split(":")[0]] || "",
      colour: look(name).colour, dash: look(name).dash, kind: "tool", end: false,
    };
  }

  function lines(found) {
    const timed = found.table.filter((r) => r[3] !== null && found.shown.has(r[0]));
    const rows = timed.map((r) => details(found, r)).sort((a, b) => a.elements - b.elements);
    if (rows.length && state.kernel === "logsumexp" && state.clock === "warm") rows.push(...limits(found, rows));
    const ends = unique(rows.map((r) => r.name)).map((name) => rows.filter((r) => r.name === name).at(-1));
    for (const end of ends) end.end = true;
    const spans = rows.map((r) => r.seconds);
    Site.spread(ends, Math.max(1.02, (Math.max(...spans) / Math.min(...spans)) ** (1 / 26)));
    return rows;
  }

  function limits(found, rows) {
    const least = Math.min(...rows.map((r) => r.elements)), most = Math.max(...rows.map((r) => r.elements));
    const made = [];
    for (const [name, points] of Object.entries(found.run.limits)) {
      if (name === "copying") continue;
      const line = points.filter((p) => p[2] !== null && (!p[0] || p[0] === state.dtype)).flatMap(([, size, seconds]) => {
        const at = size ? [Number(size)] : [least, most];
        return at.filter((n) => n >= least && n <= most).map((elements) => ({
          name: `limit ${name}`, title: `limit: ${name}`, elements, seconds, label: seconds,
          kind: "limit", colour: "currentColor", dash: [2, 3], end: false,
        }));
      }).sort((a, b) => a.elements - b.elements);
      if (line.length > 1) made.push(...line);
    }
    return made;
  }

  function bars(found) {
    const base = found.table.find((r) => r[0] === state.baseline && r[2] === state.size);
    if (!base || base[3] === null) return [];
    return found.table.filter((r) => r[2] === state.size && r[3] !== null && found.shown.has(r[0])).map((row) => {
      const made = details(found, row);
      // Of two medians: as far as both intervals reach.
      const same = row === base;
      return {
        ...made, speedup: base[3] / row[3], least: same ? 1 : base[4] / row[5], most: same ? 1 : base[5] / row[4],
        shown: Site.times(base[3] / row[3]),
      };
    }).sort((a, b) => b.speedup - a.speedup);
  }

  function numbers(found) {
    const bound = {};
    for (const size of found.sizes) {
      const best = found.table.filter((r) => r[2] === size && r[3] !== null).sort((a, b) => a[3] - b[3])[0];
      bound[size] = best ? best[5] : -Infinity;
    }
    const rows = found.names.map((name) => ({
      name, cells: Object.fromEntries(found.table.filter((r) => r[0] === name).map((r) => [r[2], r])),
    }));
    const columns = [{ key: "tool", title: "tool", text: (row) => title(row.name) }];
    for (const size of found.sizes) {
      const cell = (row) => row.cells[size];
      columns.push({
        key: size, title: Site.count(size),
        sort: (row) => (cell(row) && cell(row)[3] !== null ? cell(row)[3] : undefined),
        text: (row) => (!cell(row) ? "" : cell(row)[3] === null ? "failed" : Site.seconds(cell(row)[3])),
        cell: (row) => {
          if (!cell(row) || cell(row)[3] === null) return cell(row) ? "failed" : "";
          return Site.make("a", { href: series(found, row.name, size) }, Site.seconds(cell(row)[3]));
        },
        tip: (row) => {
          if (!cell(row)) return "not measured";
          if (cell(row)[3] === null) return "it raised an error, or its result was wrong: it is not timed";
          const d = details(found, cell(row));
          return [`99 % interval ${d.interval}`, d.ratio, d.rate, `commit ${d.commit}`, d.version && `version ${d.version}`]
            .filter(Boolean).join("\n");
        },
        class: (row) => (cell(row) && cell(row)[3] !== null && cell(row)[4] <= bound[size] ? "number best" : "number"),
      });
    }
    const size = found.sizes.includes(state.size) ? state.size : found.sizes.at(-1);
    Site.table("numbers", columns, rows, size);
    document.getElementById("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "size", "seconds", "low", "high", "commit", "machine", "threads", "clock"];
      Site.download(`${state.kernel}-${state.dtype}-${state.clock}.csv`, Site.csv(names, found.table.map((r) =>
        [r[0], state.kernel, r[1], r[2], r[3], r[4], r[5], all.commits[r[6]], found.run.machine, found.run.threads, state.clock])));
    };
  }

  function series(found, name, size) {
    const suite = Site.suite(state.kernel);
    const modules = { warm: "warm", transfer: "transfer", first: "first_call", cached: "first_call" };
    const methods = { first: "track_cold", cached: "track_cached" };
    const bench = `${modules[state.clock]}.${suite}.${methods[state.clock] || "track_time"}`;
    return Site.history(all, found.run, bench, methods[state.clock] ? [name] : [name, state.dtype, size]);
  }

  function tools(found) {
    const boxes = found.names.map((name) => {
      const box = Site.make("input", { type: "checkbox", value: name });
      box.checked = found.shown.has(name);
      const look_ = look(name);
      const swatch = Site.make("span", { class: "swatch", style: `border-top: 3px ${look_.dash.length ? "dashed" : "solid"} ${look_.colour}` });
      return Site.make("label", {}, box, swatch, title(name));
    });
    Site.fill("tools", ...boxes);
  }

  function about(found) {
    const { run } = found;
    const versions = Object.entries(run.versions).map(([k, v]) => `${k} ${v}`).join(", ");
    const where = run.threads === "1" ? "one thread" : "all cores; only tools that can use them: do not compare with times of one thread";
    Site.fill("about", `${run.machine}, ${where}. Newest commit ${run.newest.slice(0, 8)}, measured ${Site.day(run.measured)}. Python ${run.python}, ${versions}.${extent(found)}`);
  }

  // A run of the quick profile takes some of the sizes, and takes them as any other profile does.
  function extent({ sizes }) {
    const declared = all.kernels[state.kernel].sizes.length;
    const quick = 2 * sizes.length <= declared ? ": a quick run" : "";
    return state.clock === "warm" && sizes.length < declared ? ` ${sizes.length} of ${declared} sizes were measured${quick}.` : "";
  }

  async function show() {
    const found = settle();
    state.tools = sameSet(found.shown, found.usual) ? "" : sameSet(found.shown, found.names) ? "all" : [...found.shown].join(",");
    Site.remember(state, { ...DEFAULTS, size: found.defaultSize });
    const kernel = all.kernels[state.kernel];
    document.getElementById("forms").textContent = Object.keys(kernel.forms).length
      ? Object.entries(kernel.forms).map(([form, text]) => `${form}: ${text}`).join(" ") : "";
    tools(found);
    about(found);
    Site.missing(all.backends, found.run, state.kernel, found.names);
    numbers(found);
    const one = found.sizes.length < 2;
    document.getElementById("lines-part").hidden = one;
    const rows = bars(found);
    document.getElementById("bars-title").textContent =
      `Times as fast as ${title(state.baseline)}, at ${Site.count(state.size)}`;
    const jobs = [Site.draw("bars", "bars", rows)];
    if (!one) jobs.push(Site.draw("lines", "lines", lines(found), (spec) => {
      if (state.kernel === "lu") spec.layer.forEach((l) => { if (l.encoding.x) l.encoding.x.title = "rows of the matrix"; });
    }));
    await Promise.all(jobs);
    document.body.dataset.ready = "yes";
  }

  const sameSet = (a, b) => { const x = new Set(a), y = new Set(b); return x.size === y.size && [...x].every((n) => y.has(n)); };

  document.getElementById("tools").addEventListener("change", () => {
    state.tools = [...document.querySelectorAll("#tools input:checked")].map((box) => box.value).join(",");
    show();
  });
  for (const which of ["all", "usual"])
    document.getElementById(`tools-${which}`).addEventListener("click", () => { state.tools = which === "all" ? "all" : ""; show(); });
  Site.listen(FIELDS, DEFAULTS, state, show, (field) => { if (field === "kernel" || field === "clock") state.tools = ""; });
  show();
})();
