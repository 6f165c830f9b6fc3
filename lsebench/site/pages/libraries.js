"use strict";
// The page of library generations: see libraries.py for the shape of its data.

(() => {
  const all = Site.data.libraries;
  if (!all.groups.length) return;
  const FIELDS = ["kernel", "dtype", "size", "machine", "threads", "python"];
  const LEAST = 640; // pixels that the chart needs across
  const WORDS = {
    faster: "faster", slower: "slower", same: "within the noise", unsure: "too few samples to tell",
    alone: "no time with the newest", newest: "newest",
  };
  const first = all.groups[0];
  const DEFAULTS = {
    machine: Site.place(first), threads: first.threads, python: first.python, kernel: "logsumexp", dtype: "float64", size: "",
  };
  const state = { ...DEFAULTS, ...Site.state() };
  const title = (name) => Site.titleOf(all.backends, name);
  const asked = (group) => Site.unique(group.environments.flatMap((environment) => Object.keys(environment.versions)));
  const told = (cell) => cell && (cell[6] === "faster" || cell[6] === "slower");

  // Restrict each choice to what was measured under those before it.
  function settle() {
    state.machine = Site.choose("machine", Site.unique(all.groups.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.groups.find((group) => Site.place(group) === place))]), state.machine);
    const here = all.groups.filter((group) => Site.place(group) === state.machine);
    state.threads = Site.choose("threads", Site.unique(here.map((group) => group.threads)).map((threads) =>
      [threads, Site.THREADS[threads] || threads]), state.threads);
    const so = here.filter((group) => group.threads === state.threads);
    state.python = Site.choose("python", so.map((group) => [group.python, group.python]), state.python);
    const group = so.find((g) => g.python === state.python);
    state.kernel = Site.choose("kernel", Object.keys(all.kernels).filter((name) => group.kernels[name])
      .map((name) => [name, all.kernels[name].title]), state.kernel);
    const dtypes = group.kernels[state.kernel];
    state.dtype = Site.choose("dtype", Object.keys(dtypes).sort().reverse().map((dtype) => [dtype, dtype]), state.dtype);
    const kernel = all.kernels[state.kernel];
    const sizes = kernel.sizes.filter((size) => dtypes[state.dtype][size]);
    const usual = sizes.filter((size) => kernel.elements[size] <= 1e6).at(-1) || sizes[0];
    state.size = Site.choose("size", sizes.map((size) => [size, Site.count(size)]), sizes.includes(state.size) ? state.size : usual);
    return { group, kernel, table: dtypes[state.dtype][state.size], usual };
  }

  const interval = (cell) => `${Site.digits(cell[4])} to ${Site.digits(cell[5])}`;
  const reason = (environment, name) => environment.reasons[name.split(":")[0]] || "not measured";

  function numbers({ group, table }) {
    const suite = Site.suite(state.kernel);
    const rows = Object.entries(table).map(([name, cells]) => ({ name, cells }));
    const columns = [{ key: "tool", title: "tool", text: (row) => title(row.name), sort: (row) => title(row.name).toLowerCase() }];
    group.environments.forEach((environment, place) => {
      const run = { ...group, versions: environment.versions };
      const link = (row, text) => {
        const href = Site.history(all, run, `warm.${suite}.track_time`, [row.name, state.dtype, state.size]);
        return href ? Site.make("a", { href }, text) : text;
      };
      columns.push({
        key: environment.name, title: head(group, environment),
        sort: (row) => (row.cells[place] && row.cells[place][0] !== null ? row.cells[place][3] ?? undefined : undefined),
        cell: (row) => {
          const cell = row.cells[place];
          if (!cell) return Site.make("small", {}, reason(environment, row.name));
          if (cell[0] === null) return "failed";
          const time = Site.seconds(cell[0]);
          if (cell[6] === "newest" || cell[6] === "alone")
            return Site.make("span", {}, link(row, time), Site.make("small", {}, WORDS[cell[6]]));
          const range = cell[6] === "unsure" ? [] : [Site.make("small", {}, interval(cell))];
          return Site.make("span", {}, link(row, Site.times(cell[3])), ...range, Site.make("small", {}, WORDS[cell[6]]));
        },
        tip: (row) => {
          const cell = row.cells[place];
          return cell && cell[0] !== null ? `${Site.seconds(cell[0])} (${Site.seconds(cell[1])} to ${Site.seconds(cell[2])})` : undefined;
        },
        class: (row) => {
          const cell = row.cells[place];
          return !cell ? "" : cell[0] === null ? "number bad" : told(cell) ? `number ${cell[6]}` : cell[6] === "newest" ? "number" : "number same";
        },
      });
    });
    Site.table("numbers", columns, rows, "tool");
    document.getElementById("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "size", "generation", "seconds", "low", "high", "ratio", "verdict", "commit", "machine", "threads"];
      Site.download(`${state.kernel}-${state.dtype}-libraries.csv`, Site.csv(names, rows.flatMap((row) =>
        group.environments.map((environment, place) => [environment, row.cells[place]]).filter(([, cell]) => cell)
          .map(([environment, cell]) => [row.name, state.kernel, state.dtype, state.size, environment.name, cell[0], cell[1], cell[2],
            cell[3], cell[6], group.commit, group.machine, group.threads]))));
    };
  }

  // What was really installed, marked where something else was asked for.
  function head(group, environment) {
    const lines = group.libraries.map((name) => {
      const wanted = environment.versions[name], there = environment.installed[name];
      const differs = environment.differs.includes(name);
      return Site.make("span", { class: differs ? "bad" : "" }, `${name} ${there || wanted}${differs ? `, asked: ${wanted}` : ""}`);
    });
    return Site.make("span", { class: "generation" }, ...lines);
  }

  function installed({ group }) {
    const names = asked(group);
    const order = [...group.libraries, ...names.filter((name) => !group.libraries.includes(name)).sort()];
    const cell = (environment, name) => {
      if (!(name in environment.versions)) return Site.make("td", { class: "same" }, "not asked for");
      const wanted = environment.versions[name], there = environment.installed[name];
      if (!environment.differs.includes(name)) return Site.make("td", {}, there || `${wanted}, not recorded`);
      return Site.make("td", { class: "bad" }, `${there || "not installed"}, asked: ${wanted}`);
    };
    const heads = ["library", ...group.environments.map((environment) => environment.name)];
    Site.fill("installed",
      Site.make("thead", {}, Site.make("tr", {}, ...heads.map((text) => Site.make("th", { scope: "col" }, text)))),
      Site.make("tbody", {}, ...order.map((name) => Site.make("tr", {},
        Site.make("th", { scope: "row" }, name), ...group.environments.map((environment) => cell(environment, name))))));
    const differ = group.environments.some((environment) => environment.differs.length);
    const recorded = group.environments.every((environment) => Object.values(environment.installed).some(Boolean));
    document.getElementById("installed-about").textContent = differ ? "The marked versions are not those that were asked for."
      : recorded ? "All of it as asked for." : "Of some environments only what was asked for is known.";
  }

  // One row for each time that has a ratio; the names are at the old end, for all lines meet at the new one.
  function marks({ group, table }) {
    const rows = [];
    for (const [name, cells] of Object.entries(table)) {
      const differs = cells.some(told);
      const look = Site.lookOf(all.backends, name);
      const line = cells.map((cell, place) => ({ cell, place })).filter(({ cell }) => cell && cell[0] !== null && cell[3] !== null);
      if (line.length < 2) continue;
      line.forEach(({ cell, place }, number) => rows.push({
        name, title: title(name), place, generation: group.environments[place].name, ratio: cell[3], least: cell[4], most: cell[5],
        seconds: cell[3], colour: look.colour, dash: look.dash, differs, first: number === 0, shown: Site.times(cell[3]),
        interval: interval(cell), verdict: WORDS[cell[6]], exact: Site.seconds(cell[0]),
      }));
    }
    return rows;
  }

  async function chart(found) {
    const rows = marks(found);
    // The coloured lines' intervals fit; the grey ones have none drawn.
    const values = rows.flatMap((row) => (row.differs ? [row.least, row.most] : [row.ratio])).concat(0.8, 1.25);
    const domain = [Math.min(...values) / 1.05, Math.max(...values) * 1.05];
    Site.spread(rows.filter((row) => row.differs && row.first), (domain[1] / domain[0]) ** (1 / 25));
    document.getElementById("chart-title").textContent =
      `Time of one call at ${Site.count(state.size)}, as ratio to the newest libraries`;
    await Site.draw("chart", "libraries", rows, (spec) => {
      for (const { encoding } of spec.layer) if (encoding.y.scale) encoding.y.scale.domain = domain;
    }, LEAST);
  }

  function about({ group, kernel, table }) {
    const threads = Site.THREADS[group.threads] || group.threads;
    const more = group.left_out ? ` ${group.left_out} more generations have no result at this commit.` : "";
    Site.fill("about", `${group.machine}, ${threads}, Python ${group.python}. All at commit ${group.commit.slice(0, 8)} of `
      + `${Site.day(group.date)}, the newest that most generations share.${more}`);
    Site.fill("forms", Object.entries(kernel.forms).map(([form, text]) => `${form}: ${text}`).join(" "));
    const controls = Object.entries(table).filter(([name]) => name.split(":")[0] === all.control);
    const drifts = controls.flatMap(([, cells]) => cells.filter((cell) => cell && cell[3]).map((cell) => cell[3]));
    const most = Math.max(1, ...drifts, ...drifts.map((ratio) => 1 / ratio));
    const shaky = document.getElementById("shaky");
    shaky.hidden = controls.length > 0 && most < 1.1;
    shaky.textContent = controls.length
      ? `Plain Python, which uses none of these libraries, differs by up to ${Site.times(most)} between generations: so much is the machine or the noise. Differences within that do not count.`
      : "Plain Python was not timed here: how much the machine changed between generations is not known.";
  }

  async function show() {
    const found = settle();
    Site.remember(state);
    about(found);
    numbers(found);
    installed(found);
    await chart(found);
    document.body.dataset.ready = "yes";
  }

  Site.listen(FIELDS, DEFAULTS, state, show);
  show();
})();
