"use strict";
// Which tool for a job: see choose.py for the shape of the data.

// The maths. Times are [value, low, high]; what was not measured is a string that says so.
Site.choice = {
  // The time at n elements, on the straight line between measured neighbours of the log-log chart;
  // undefined beyond them. `points` are [elements, time].
  at: (points, n) => {
    const sorted = points.slice().sort((a, b) => a[0] - b[0]);
    const above = sorted.findIndex(([elements]) => elements >= n);
    if (above < 0) return undefined;
    const [high, y] = sorted[above];
    if (high === n) return y;
    if (!above) return undefined;
    const [low, x] = sorted[above - 1];
    const part = Math.log(n / low) / Math.log(high / low);
    // An interval may begin at 0, which no logarithm has.
    return x.map((value, i) => (value > 0 && y[i] > 0 ? value * (y[i] / value) ** part : Math.min(value, y[i])));
  },

  times: (time, calls) => time.map((value) => value * calls),

  total: (parts) => {
    const known = parts.filter(Array.isArray);
    return [0, 1, 2].map((i) => known.reduce((sum, part) => sum + part[i], 0));
  },

  // Put the rows in order and give them ranks: what is not told from the best shares rank 1, any other
  // comes after those that are surely faster. Rows that lack a part have no rank and come last: their
  // total is a lower bound.
  rank: (rows) => {
    const sorted = rows.slice().sort((a, b) => (a.missing.length > 0) - (b.missing.length > 0) || a.total[0] - b.total[0]);
    const ranked = sorted.filter((row) => !row.missing.length);
    for (const row of ranked) {
      const tied = row.total[1] <= ranked[0].total[2];
      row.rank = tied ? 1 : 1 + ranked.filter((other) => other.total[2] < row.total[1]).length;
    }
    return sorted;
  },
};

(() => {
  const all = Site.data.home;
  if (!all || !all.runs.length) return;
  const { place, unique, THREADS } = Site;
  const DATA = { numpy: "in NumPy arrays", own: "where the tool wants it" };
  const PROCESS = { warm: "already warm", fresh: "fresh (import counts)" };
  const CACHE = { empty: "empty", filled: "filled by an earlier run" };
  const DEFAULTS = {
    kernel: "logsumexp", n: "10000", dtype: "float64", calls: "1000", data: "numpy", process: "warm", cache: "empty",
    machine: place(all.runs[0]), threads: all.runs[0].threads,
  };
  const state = { ...DEFAULTS, ...Site.state() };

  const backend = (tool) => tool.split(":")[0];
  const title = (tool) => Site.titleOf(all.backends, tool);
  const span = ([, low, high]) => (low < high ? `${Site.seconds(low)} to ${Site.seconds(high)}` : "");
  const bytes = (value) => (value ? Site.rate(value).replace("/s", "") : "none seen");
  const whole = (text) => (/^\d{1,15}$/.test(text) && Number(text) >= 1 ? Number(text) : undefined);
  const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  // Restrict each choice to what was measured under those before it.
  function settle() {
    state.machine = Site.choose("machine", unique(all.runs.map(place)).map((p) =>
      [p, Site.placeTitle(all.runs.find((r) => place(r) === p))]), state.machine);
    const here = all.runs.filter((r) => place(r) === state.machine);
    state.threads = Site.choose("threads", here.map((r) => [r.threads, THREADS[r.threads] || r.threads]), state.threads);
    const run = here.find((r) => r.threads === state.threads);
    state.kernel = Site.choose("kernel", Object.keys(all.kernels).filter((k) => run.warm[k])
      .map((k) => [k, all.kernels[k].title]), state.kernel);
    const tools = run.warm[state.kernel];
    const dtypes = unique(Object.values(tools).flatMap(Object.keys)).sort().reverse();
    state.dtype = Site.choose("dtype", dtypes.map((d) => [d, d]), state.dtype);
    for (const [field, options] of Object.entries({ data: DATA, process: PROCESS, cache: CACHE }))
      state[field] = Site.choose(field, Object.entries(options), state[field]);
    document.getElementById("cache").disabled = state.process === "warm";
    const kernel = all.kernels[state.kernel];
    document.getElementById("number-part").hidden = kernel.shapes;
    document.getElementById("shape-part").hidden = !kernel.shapes;
    document.getElementById("number-label").textContent = state.kernel === "lu" ? "N: rows of the matrix" : "N: how many elements";
    if (kernel.shapes) state.n = Site.choose("shape", kernel.sizes.map((s) => [s, Site.count(s)]), state.n);
    else if (state.n.includes("x")) state.n = DEFAULTS.n;
    for (const [id, value] of [["number", kernel.shapes ? "" : state.n], ["calls", state.calls]]) {
      const input = document.getElementById(id);
      if (input !== document.activeElement) input.value = value;
    }
    return { run, kernel, tools };
  }

  // The time of one call, or why there is none.
  function call(found, tool) {
    const moves = state.data === "numpy" && all.backends[backend(tool)].moves;
    const young = state.process === "fresh" && state.kernel === "logsumexp";
    const source = moves ? (state.kernel === "logsumexp" ? found.run.transfer[tool] : undefined)
      : (young && found.run.fresh[tool]) || found.tools[tool];
    const table = (source || {})[state.dtype];
    if (!table) return moves ? "transfer not measured" : `not measured for ${state.dtype}`;
    if (found.kernel.shapes) return table[state.n] || (table[state.n] === null ? "failed" : "size not measured");
    const points = Object.entries(table).filter(([, time]) => time).map(([size, time]) => [Number(size), time]);
    if (!points.length) return "failed";
    const sizes = points.map(([size]) => size);
    return Site.choice.at(points, whole(state.n))
      || `measured from ${Math.min(...sizes).toLocaleString("en")} to ${Math.max(...sizes).toLocaleString("en")} only`
      + (young ? " in a fresh process" : "");
  }

  function imported(found, tool) {
    const own = found.run.imports[backend(tool)];
    if (!own || state.data === "own") return own || "import not measured";
    const numpy = found.run.imports.numpy;
    if (!numpy) return "import of NumPy not measured";
    return own[0] < numpy[0] ? numpy : own;
  }

  function compiled(found, tool) {
    const known = all.backends[backend(tool)];
    if (state.kernel !== "logsumexp")
      return known.compiled === "jit" ? "compile not measured" : [0, 0, 0];
    return found.run.compile[known.cache ? state.cache : "empty"][backend(tool)] || "compile not measured";
  }

  function ranking(found) {
    const rows = [];
    for (const tool of Object.keys(found.tools)) {
      const once = call(found, tool);
      if (typeof once === "string") { rows.push({ tool, absent: once }); continue; }
      const calls = Site.choice.times(once, whole(state.calls));
      const fresh = state.process === "fresh";
      const parts = fresh ? [imported(found, tool), compiled(found, tool), calls] : [calls];
      rows.push({
        tool, once, calls, import: fresh ? parts[0] : null, compile: fresh ? parts[1] : null,
        total: Site.choice.total(parts), missing: parts.filter((part) => typeof part === "string"),
      });
    }
    return { ranked: Site.choice.rank(rows.filter((row) => !row.absent)), absent: rows.filter((row) => row.absent) };
  }

  const two = (time, before = "") => Site.make("span", {}, before + Site.seconds(time[0]), Site.make("small", {}, span(time)));
  const part = (value) => (value === null ? "–" : typeof value === "string" ? value : two(value));
  const order = (value) => (Array.isArray(value) ? value[0] : undefined);

  // A link to the history of one call, at the measured size that is nearest to N.
  function linked(found, row, content) {
    const times = (found.tools[row.tool] || {})[state.dtype] || {};
    const away = (size) => (found.kernel.shapes ? Number(size !== state.n) : Math.abs(Math.log(Number(size) / whole(state.n))));
    const size = Object.keys(times).filter((known) => times[known]).sort((a, b) => away(a) - away(b))[0];
    const suite = Site.suite(state.kernel);
    const tuned = row.tool.includes(": "); // the tool in a heap that keeps all memory
    const href = size && (tuned ? Site.history(all, found.run, "heap.TunedLogsumexp.track_time", [backend(row.tool), size])
      : Site.history(all, found.run, `warm.${suite}.track_time`, [row.tool, state.dtype, size]));
    return href ? Site.make("a", { href }, content) : content;
  }

  function table(found, ranked) {
    const errors = (state.kernel === "logsumexp" && found.run.errors[state.dtype]) || {};
    const memory = (state.kernel === "logsumexp" && found.run.memory[state.dtype]) || {};
    const number = () => "number";
    const nothing = state.kernel === "logsumexp" ? "not measured" : "for logsumexp only";
    const error = (row) => errors[backend(row.tool)];
    const built = (row) => state.process === "fresh" && state.kernel !== "logsumexp" && Array.isArray(row.compile);
    const columns = [
      { key: "tool", title: "tool", text: (row) => title(row.tool) },
      { key: "rank", title: "rank", sort: (row) => row.rank, class: number, text: (row) => (row.rank ? String(row.rank) : "no rank") },
      { key: "total", title: "total", sort: (row) => row.total[0], class: (row) => (row.rank === 1 ? "number best" : "number"),
        cell: (row) => two(row.total, row.missing.length ? "≥ " : "") },
      { key: "import", title: "import", sort: (row) => order(row.import), class: number, cell: (row) => part(row.import) },
      { key: "compile", title: "compile", sort: (row) => order(row.compile), class: number,
        cell: (row) => (built(row) ? "nothing to compile; not measured" : part(row.compile)) },
      { key: "calls", title: "calls", sort: (row) => row.calls[0], class: number, cell: (row) => linked(found, row, two(row.calls)),
        tip: (row) => `one call: ${Site.seconds(row.once[0])}` },
      { key: "error", title: "error in ulp", class: number,
        sort: (row) => (error(row) ? error(row)[0] ?? Infinity : undefined),
        cell: (row) => (!error(row) ? nothing : Site.make("span", {},
          error(row)[0] === null ? "fails" : Site.error(error(row)[0]), Site.make("small", {}, error(row)[1].replaceAll("_", " ")))) },
      { key: "memory", title: "added memory", sort: (row) => memory[backend(row.tool)], class: number,
        text: (row) => (backend(row.tool) in memory ? bytes(memory[backend(row.tool)]) : nothing) },
    ];
    Site.table("ranking", columns, ranked, "rank");
  }

  function answer(found, ranked) {
    const n = found.kernel.shapes ? Site.count(state.n) : whole(state.n).toLocaleString("en");
    const what = state.kernel === "lu" ? `a ${state.dtype} matrix of ${n} rows` : `${n} ${state.dtype} numbers`;
    const process = state.process === "warm" ? "a warm process"
      : `a fresh process, compile caches ${state.cache}`;
    const start = `For ${found.kernel.title} of ${what}, ${plural(whole(state.calls), "call")} in ${process} on ${found.run.machine} `
      + `(${THREADS[state.threads] || state.threads}, data ${DATA[state.data]}): `;
    const [best, ...others] = ranked.filter((row) => !row.missing.length);
    if (!best) {
      const least = ranked[0];
      return start + (least ? `no tool has all parts measured. The least that was measured is ${title(least.tool)} with `
        + `${Site.seconds(least.total[0])}, without: ${least.missing.join(", ")}.` : "no tool was measured at this size, nor below and above it.");
    }
    const same = others.filter((row) => row.rank === 1).map((row) => title(row.tool));
    const open = ranked.filter((row) => row.missing.length && row.total[1] <= best.total[2]).map((row) => title(row.tool));
    return `${start}${title(best.tool)}, ${Site.seconds(best.total[0])}${same.length ? `; also within the noise: ${same.join(", ")}` : ""}.`
      + (open.length ? ` Not ranked, for a part was not measured: ${open.join(", ")}.` : "");
  }

  function winners(found) {
    document.getElementById("winners-about").textContent = `${found.kernel.title}, ${state.dtype}, warm calls, data ${DATA[state.data]}, `
      + `${THREADS[state.threads] || state.threads}; in a warm process the winner is the same for any number of calls. `
      + "A range ends only where none of its fastest tools wins any more. Sizes at which most tools have no time are left out.";
    const ranges = found.run.winners[state.kernel][state.dtype][state.data];
    Site.fill("winners", ...ranges.map(({ sizes, tools }) => {
      const text = unique([sizes[0], sizes.at(-1)]).map(Site.count).join(" to ");
      return Site.make("tr", {}, Site.make("th", { scope: "row" }, text),
        Site.make("td", {}, title(tools[0])), Site.make("td", {}, tools.slice(1).map(title).join(", ")));
    }));
  }

  function pays(found) {
    const known = state.kernel === "logsumexp" ? ((found.run.pays[state.dtype] || {})[state.cache] || []) : [];
    document.getElementById("pays").hidden = !known.length;
    const about = document.getElementById("pays-about");
    if (!known.length) {
      about.textContent = state.kernel === "logsumexp" ? "NumPy, or every compiled tool, lacks a time in this run: there is nothing to compare."
        : "Only logsumexp has its first call timed; for other kernels this is not known.";
      return;
    }
    about.textContent = `Calls after which the gain per call has paid for import and compilation, against NumPy, by number of elements: `
      + `${state.dtype}, a fresh process, data in NumPy arrays, compile caches ${state.cache}. Of medians; “never”: it is slower; “unclear”: `
      + "the noise does not tell it from NumPy.";
    const sizes = found.kernel.sizes.filter((size) => known.some((row) => size in row.calls));
    const text = (row, size) => {
      if (row.missing.length) return `${row.missing.join(", ")} not measured`;
      const calls = row.calls[size];
      return calls === undefined ? "" : typeof calls === "number" ? calls.toLocaleString("en") : calls;
    };
    Site.table("pays", [
      { key: "tool", title: "tool", text: (row) => title(row.tool) },
      ...sizes.map((size) => ({
        key: size, title: Site.count(size), class: () => "number", text: (row) => text(row, size),
        sort: (row) => (typeof row.calls[size] === "number" ? row.calls[size] : undefined),
      })),
    ], known, "tool");
  }

  function about(found) {
    const { run } = found;
    const versions = Object.entries(run.versions).map(([name, text]) => `${name} ${text}`).join(", ");
    document.getElementById("about").textContent = `Newest commit ${run.newest.slice(0, 8)}, measured ${Site.day(run.measured)}. `
      + `Python ${run.python}, ${versions}.`;
  }

  function show() {
    const found = settle();
    about(found);
    winners(found);
    pays(found);
    Site.remember(state);
    const valid = whole(state.calls) && (found.kernel.shapes || whole(state.n));
    if (!valid) {
      document.getElementById("answer").textContent = "Enter whole numbers of at least 1 for N and for the calls.";
      Site.fill("ranking");
    } else {
      const { ranked, absent: without } = ranking(found);
      document.getElementById("answer").textContent = answer(found, ranked);
      table(found, ranked);
      Site.missing(all.backends, found.run, state.kernel, Object.keys(found.tools),
        without.map((row) => [title(row.tool), row.absent]));
    }
    document.body.dataset.ready = "yes";
  }

  for (const [id, field, event] of [["number", "n", "input"], ["calls", "calls", "input"], ["shape", "n", "change"]])
    document.getElementById(id).addEventListener(event, (e) => { state[field] = e.target.value; show(); });
  Site.listen(["kernel", "dtype", "data", "process", "cache", "machine", "threads"], DEFAULTS, state, show);
  show();
})();
