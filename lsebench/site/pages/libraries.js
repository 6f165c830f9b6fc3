"use strict";
// The page of library generations: see libraries.py for the shape of its data.

(() => {
  const all = Site.data.libraries;
  if (!all.groups.length) return;
  const FIELDS = ["kernel", "dtype", "n", "machine", "threads", "python"];
  const LEAST = 640; // pixels that the chart needs across
  const FIRST = 5; // changes that are shown at once
  // What the address leaves open is settled by what was measured.
  const DEFAULTS = Object.fromEntries(FIELDS.map((field) => [field, ""]));
  const state = { ...DEFAULTS, ...Site.state() };
  const title = (name) => Site.titleOf(all.backends, name);
  const asked = (group) => Site.unique(group.environments.flatMap((environment) => Object.keys(environment.versions)));
  const told = (cell) => cell && (cell.verdict === "faster" || cell.verdict === "slower");

  // Restrict each choice to what was measured under those before it.
  // What a person has changed may leave the other choices without results: that is no question of the address.
  function settle() {
    const changed = Site.changed;
    const choose = (id, options, usual) => {
      const fits = options.some(([value]) => value === state[id]);
      state[id] = Site.choose(id, options, changed && !fits ? "" : state[id], usual);
    };
    choose("machine", Site.unique(all.groups.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.groups.find((group) => Site.place(group) === place))]), Site.place(all.groups[0]));
    const here = all.groups.filter((group) => Site.place(group) === state.machine);
    choose("threads", Site.unique(here.map((group) => group.threads)).map((threads) => [threads, Site.THREADS[threads] || threads]), "1");
    const so = here.filter((group) => group.threads === state.threads);
    choose("python", so.map((group) => [group.python, group.python]));
    const group = so.find((g) => g.python === state.python);
    choose("kernel", Object.keys(all.kernels).filter((name) => group.kernels[name]).map((name) => [name, all.kernels[name].title]), "logsumexp");
    const dtypes = group.kernels[state.kernel];
    choose("dtype", Object.keys(dtypes).sort().reverse().map((dtype) => [dtype, dtype]), "float64");
    const kernel = all.kernels[state.kernel];
    const sizes = kernel.sizes.filter((size) => dtypes[state.dtype][size]);
    choose("n", sizes.map((size) => [size, Site.count(size)]), sizes.filter((size) => kernel.elements[size] <= 1e6).at(-1) || sizes[0]);
    return { group, kernel, table: dtypes[state.dtype][state.n] };
  }

  const reason = (environment, name) => environment.reasons[name.split(":")[0]] || "not measured";

  // -- what changed ---------------------------------------------------------------------------------------

  function changes({ group }) {
    const list = (rows) => Site.make("ul", {}, ...rows.map((row) => Site.make("li", {}, linked(row))));
    // A change is slower or faster with the newer libraries; faster alone is green.
    const some = (rows, word) => {
      if (!rows.length) return [];
      const rest = rows.slice(FIRST);
      const more = rest.length ? [Site.make("details", {}, Site.make("summary", {}, `${rest.length} more became ${word}`), list(rest))] : [];
      return [Site.make("p", {}, Site.make("strong", { class: word }, `Became ${word}:`)), list(rows.slice(0, FIRST)), ...more];
    };
    const nothing = (step) => {
      if (!step.compared) return "No time has an interval in both: nothing can be compared. Run make bench-libraries to the end.";
      const words = ["slower", "faster"].filter((word) => !step[word].length);
      const compared = `${step.compared.toLocaleString("en")} times were compared`;
      return words.length ? `Nothing became ${words.join(" or ")} beyond the noise; ${compared}.` : `${compared}.`;
    };
    Site.fill("changes", ...group.changes.flatMap((step) => [
      Site.make("h3", {}, `From ${step.from} to ${step.to}`),
      ...some(step.slower, "slower"), ...some(step.faster, "faster"), Site.make("p", {}, nothing(step)),
    ]));
  }

  // A change leads to its chart and its numbers.
  function linked(row) {
    const wanted = { ...state, kernel: row.kernel, dtype: row.dtype, n: row.n, tool: row.tool };
    const link = Site.make("a", { href: Site.address("", wanted) }, row.text);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      Object.assign(state, wanted);
      Site.changed = true;
      show().then(() => document.getElementById("chart-title").scrollIntoView());
    });
    return link;
  }

  // -- its numbers ----------------------------------------------------------------------------------------

  function numbers({ group, table }) {
    const rows = Object.entries(table.tools).map(([name, cells]) => ({ name, cells }));
    const what = (row) => ({
      machine: Site.place(group), kind: group.kind, threads: group.threads, kernel: state.kernel, tool: row.name, dtype: state.dtype, n: state.n, clock: "warm", x: "libraries",
    });
    const columns = [{ key: "tool", title: "tool", text: (row) => title(row.name), sort: (row) => title(row.name).toLowerCase() }];
    group.environments.forEach((environment, place) => columns.push({
      key: environment.name, title: head(group, environment),
      sort: (row) => (row.cells[place] && row.cells[place].ratio ? row.cells[place].ratio[0] : undefined),
      cell: (row) => {
        const cell = row.cells[place];
        if (!cell) return Site.make("small", {}, reason(environment, row.name));
        if (cell.verdict === "failed") return "failed";
        const lines = [cell.interval, all.verdicts[cell.verdict]].filter(Boolean).map((text) => Site.make("small", {}, text));
        return Site.opens(Site.make("span", {}, cell.text, ...lines), what(row));
      },
      tip: (row) => (row.cells[place] ? row.cells[place].exact : undefined),
      class: (row) => {
        const cell = row.cells[place];
        return !cell ? "" : cell.verdict === "failed" ? "number bad" : told(cell) ? `number ${cell.verdict}` : cell.verdict === "newest" ? "number" : "number same";
      },
    }));
    Site.table("numbers", columns, rows, "tool");
    document.getElementById("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "size", "generation", "seconds", "low", "high", "ratio", "least", "most", "verdict", "commit", "machine", "threads"];
      const none = [null, null, null];
      Site.download(`${state.kernel}-${state.dtype}-libraries.csv`, Site.csv(names, rows.flatMap((row) =>
        group.environments.map((environment, place) => [environment, row.cells[place]]).filter(([, cell]) => cell)
          .map(([environment, cell]) => [row.name, state.kernel, state.dtype, state.n, environment.name, ...(cell.time || none),
            ...(cell.ratio || none), cell.verdict, group.commit, group.machine, group.threads]))));
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
    for (const [name, cells] of Object.entries(table.tools)) {
      const look = Site.lookOf(all.backends, name);
      const line = cells.map((cell, place) => ({ cell, place })).filter(({ cell }) => cell && cell.ratio);
      if (line.length < 2) continue;
      line.forEach(({ cell, place }, number) => rows.push({
        name, title: title(name), place, generation: group.environments[place].name, ratio: cell.ratio[0], least: cell.ratio[1],
        most: cell.ratio[2], seconds: cell.ratio[0], colour: look.colour, dash: look.dash, differs: cells.some(told), first: number === 0,
        shown: cell.text, interval: cell.interval, verdict: all.verdicts[cell.verdict], exact: cell.exact,
      }));
    }
    return rows;
  }

  async function chart(found) {
    const rows = marks(found);
    // The coloured lines' intervals fit; the grey ones have none drawn.
    const values = rows.flatMap((row) => (row.differs && row.least > 0 ? [row.least, row.most] : [row.ratio])).concat(0.8, 1.25);
    const domain = [Math.min(...values) / 1.05, Math.max(...values) * 1.05];
    Site.spread(rows.filter((row) => row.differs && row.first), (domain[1] / domain[0]) ** (1 / 25));
    document.getElementById("chart-title").textContent =
      `Time of one call at ${Site.count(state.n)}, as ratio to the newest libraries`;
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
    const shaky = document.getElementById("shaky");
    shaky.hidden = !table.drift;
    shaky.textContent = table.drift;
  }

  async function show() {
    const found = settle();
    Site.remember(state);
    about(found);
    changes(found);
    numbers(found);
    installed(found);
    await chart(found);
    document.body.dataset.ready = "yes";
  }

  Site.listen(FIELDS, DEFAULTS, state, show);
  show();
})();
