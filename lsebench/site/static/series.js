"use strict";
// Series over commits, wherever a number has a history: see rows/history.py for the shape of data/series.js,
// which every page loads, and of data/series/*.js, which are loaded when they are needed.

(() => {
  const all = Site.data.series || {};
  const { make, unique } = Site;
  const VERBS = {
    time: ["slower", "faster"], error: ["a larger error", "a smaller error"], memory: ["more memory", "less memory"],
    other: ["more", "less"],
  };
  const CAUSES = { code: "the code", library: "a library", machine: "the machine", "machine or library": "the machine or a library" };
  const BECAME = {
    there: ["still there", "still there"], back: ["repaired since", "lost again since"],
    partly: ["partly repaired since", "partly lost since"],
  };
  const UNITS = {
    time: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]],
    memory: [[1024 ** 3, "GiB"], [1024 ** 2, "MiB"], [1024, "KiB"], [1, "B"]],
  };
  const WIDEST = 4; // times: where a series spans more, its axis is logarithmic
  const alone = () => ["More commits: ", make("code", {}, "make bench-commits RANGE=v1..HEAD"), " measures each commit of a range."];

  // -- words, the same under every number and in the list of incidents -------------------------------

  const words = {
    commit: (place) => {
      const [id, seconds, subject] = all.commits[place];
      return { id: id.slice(0, 8), day: Site.day(seconds), subject };
    },
    rises: (step) => step.new > step.old,
    level: (benchmark, value) => {
      const { quantity, unit } = all.benchmarks[benchmark];
      if (quantity === "time") return Site.seconds(value);
      if (quantity === "memory") return Site.bytes(value);
      return `${quantity === "error" ? Site.error(value) : Site.digits(value)} ${unit}`;
    },
    // Of levels of zero or below a ratio says nothing.
    ratio: (step) => (step.ratio === null ? "–" : Site.times(step.ratio)),
    verb: (benchmark, step) => VERBS[all.benchmarks[benchmark].quantity][words.rises(step) ? 0 : 1],
    became: (step) => BECAME[step.became][words.rises(step) ? 0 : 1],
    cause: (step) => {
      if (step.confirmed) return `${CAUSES[step.cause] || step.cause}, measured again and confirmed`;
      if (step.cause === "unknown") return "unknown: git has nothing between the two commits";
      const versions = step.versions.map(([name, old, now]) => `${name} ${old ?? "(none)"} → ${now ?? "(none)"}`);
      return `probably ${CAUSES[step.cause]}${step.cause === "library" ? ` (${versions.join(", ")})` : ""}, not confirmed`;
    },
    environment: (number) => {
      const found = all.environments[number];
      return [Site.placeTitle(found), Site.THREADS[found.threads] || found.threads, found.title].join(", ");
    },
    step: (benchmark, step) => {
      const { id, day, subject } = words.commit(step.at);
      const [old, now] = [step.old, step.new].map((value) => words.level(benchmark, value));
      const range = step.commits > 1 ? `, or one of the ${step.commits - 1} commits before it` : "";
      return [
        make("b", {}, `${words.rises(step) ? "▲" : "▼"} ${step.ratio === null ? "" : `${Site.times(step.ratio)}, `}${words.verb(benchmark, step)}`),
        ` (${old} → ${now}) since `, make("code", {}, id), ` of ${day}${subject ? `, “${subject}”` : ""}${range}. `,
        `Cause: ${words.cause(step)}. `, make("b", {}, `${words.became(step)[0].toUpperCase()}${words.became(step).slice(1)}.`),
      ];
    },
    trend: (benchmark, trend) => {
      const [first, last] = [trend.before, trend.at].map(words.commit);
      const [old, now] = [trend.old, trend.new].map((value) => words.level(benchmark, value));
      return [
        make("b", {}, `${words.rises(trend) ? "▲" : "▼"} ${words.rises(trend) ? "rises" : "falls"} slowly, to ${words.ratio(trend)}`),
        ` (${old} → ${now}) over ${trend.held} measured commits, from `, make("code", {}, first.id), ` of ${first.day} to `,
        make("code", {}, last.id), ` of ${last.day}.`,
      ];
    },
    // Whose series it is, and of what.
    title: (row) => {
      const benchmark = all.benchmarks[row.benchmark];
      const { tool, dtype, n } = named(row);
      return [tool && Site.titleOf(all.backends, tool), benchmark.title, n && Site.count(n), dtype, benchmark.what].filter(Boolean).join(", ");
    },
  };
  Site.words = words;

  // The parameters of a series by what they are on every page.
  const named = (row) => {
    const { names } = all.benchmarks[row.benchmark];
    const found = Object.fromEntries(names.map((name, place) => [name, row.values[place]]));
    const { backend = "", dtype = "", ...rest } = found;
    return { tool: backend, dtype, n: Object.values(rest)[0] || "" };
  };
  Site.named = named;

  // -- finding a series ------------------------------------------------------------------------------

  // The file of a machine and a kernel: {commits: environment -> those measured, series}; undefined where there is none.
  Site.seriesOf = async (place, group) => {
    const name = ((all.files || {})[place] || {})[group];
    if (!name) return undefined;
    await Site.load(`data/${name}.js`);
    return Site.data[name];
  };

  const benchmarkOf = (group, clock) =>
    Object.keys(all.benchmarks || {}).find((name) => all.benchmarks[name].group === group && all.benchmarks[name].clock === clock);

  // `what` is {machine, threads, kernel, tool, dtype, n, clock}, with `libraries` where it is not the newest environment;
  // or {series: {benchmark, values, environment}}.
  async function find(what) {
    const asked = what.series || {};
    const environment = all.environments && all.environments[asked.environment];
    const machine = environment ? Site.place(environment) : what.machine;
    const threads = environment ? environment.threads : what.threads;
    const clock = what.clock || "warm";
    const benchmark = asked.benchmark || benchmarkOf(clock === "import" ? "imports" : what.kernel, clock);
    const file = benchmark && await Site.seriesOf(machine, all.benchmarks[benchmark].group);
    if (!file) return { why: [machine, what.kernel, clock] };
    const wanted = { backend: what.tool, dtype: what.dtype };
    const values = asked.values || all.benchmarks[benchmark].names.map((name) => (name in wanted ? wanted[name] : what.n));
    const same = file.series.filter((row) => row.benchmark === benchmark && row.values.join("\n") === values.join("\n"));
    const fits = (number) => {
      const one = all.environments[number];
      if (environment) return number === asked.environment;
      return one.threads === threads && (!what.libraries || one.name === what.libraries);
    };
    // The newest environment comes first.
    const row = same.filter((one) => fits(one.environment)).sort((a, b) => a.environment - b.environment)[0];
    return row ? { row, file, place: machine } : { why: [machine, what.kernel, clock] };
  }

  // The series of the same combination in other environments: at the commit that most of them have.
  function generations(file, row) {
    const group = all.generations.find(({ environments }) => environments.includes(row.environment));
    if (!group) return [];
    return group.environments.map((number) => {
      const one = file.series.find((other) => other.environment === number && other.benchmark === row.benchmark
        && other.values.join("\n") === row.values.join("\n"));
      const at = one ? one.commits.indexOf(group.commit) : -1;
      return at < 0 ? undefined : { number, at: group.commit, row: [one.value[at], one.low[at], one.high[at]] };
    }).filter(Boolean);
  }

  // What never changes, to tell the machine from the code: plain Python and a limit, at the size nearest below.
  // `itself`: also where the series is one of them.
  async function controls({ row, file, place }, itself = false) {
    const benchmark = all.benchmarks[row.benchmark];
    if (benchmark.quantity !== "time") return [];
    const own = named(row);
    const size = (text) => String(text).split("x").reduce((product, part) => product * Number(part), 1);
    const nearest = (rows) => rows.filter((one) => one.environment === row.environment).sort((a, b) => {
      const [x, y] = [a, b].map((one) => named(one));
      const away = (other) => (size(other.n) <= size(own.n) ? Math.abs(Math.log(size(own.n) / size(other.n))) : 1e3) || 0;
      return (x.dtype !== own.dtype) - (y.dtype !== own.dtype) || away(x) - away(y);
    })[0];
    const python = (name) => file.series.filter((one) => one.benchmark === name && named(one).tool.split(":")[0] === "python");
    const plain = nearest(python(row.benchmark)) || nearest(python(benchmarkOf(benchmark.group, "warm")));
    const limits = await Site.seriesOf(place, "limits");
    const of = (clock) => (limits ? nearest(limits.series.filter((one) => all.benchmarks[one.benchmark].clock === clock)) : undefined);
    const limit = of("read") || of("empty_call");
    const found = [];
    const at = (one) => (named(one).n ? ` of ${Site.count(named(one).n)}` : "");
    if (plain && (itself || plain !== row)) found.push({ name: `plain Python${at(plain)}`, row: plain, file, dash: [] });
    if (limit && (itself || limit !== row)) {
      const name = all.benchmarks[limit.benchmark].clock === "read" ? `reading once${at(limit)}` : "an empty call";
      found.push({ name, row: limit, file: limits, dash: [4, 3] });
    }
    return found;
  }

  Object.assign(Site, { generations, controls });

  // -- points ----------------------------------------------------------------------------------------

  // {points: [{place, row, at, environment}], labels: what stands below each place, count}
  function points(file, row, x, commits) {
    if (x === "libraries") {
      const found = generations(file, row);
      return found.map(({ number, at, row: value }, place) => ({ place, value, at, environment: number }));
    }
    const where = new Map(commits.map((commit, place) => [commit, place]));
    return row.commits.map((commit, n) => ({ place: where.get(commit), value: [row.value[n], row.low[n], row.high[n]], at: commit, environment: row.environment }))
      .filter((point) => point.place !== undefined);
  }

  function axis(drawn, x, commits, ticks) {
    const count = x === "libraries" ? drawn.length : commits.length;
    const chosen = count <= ticks ? [...Array(count).keys()] : unique([...Array(ticks).keys()].map((n) => Math.round(n * (count - 1) / (ticks - 1))));
    const text = (place) => {
      if (x === "libraries") return all.environments[drawn[place].environment].title;
      const { id, day } = words.commit(commits[place]);
      return count <= ticks ? id : day;
    };
    const margin = Math.max(0.5, count / 50);
    return { values: chosen, labels: Object.fromEntries(chosen.map((place) => [place, text(place)])), domain: [-margin, count - 1 + margin] };
  }

  const scaleX = (spec, { values, labels, domain }) => {
    for (const { encoding } of spec.layer)
      if (encoding.x) {
        encoding.x.scale = { ...encoding.x.scale, domain };
        if (encoding.x.axis) Object.assign(encoding.x.axis, { values, labelExpr: `${JSON.stringify(labels)}[datum.value]` });
      }
  };

  const scaleY = (spec, domain, type, title, ticks) => {
    for (const { encoding } of spec.layer)
      if (encoding.y && encoding.y.scale) {
        encoding.y.scale = { ...encoding.y.scale, domain, type };
        encoding.y.title = title;
        encoding.y.axis = { ...encoding.y.axis, tickCount: ticks, format: ".10~g" };
      }
  };

  const unitOf = (benchmark, most) => {
    const { quantity, unit } = all.benchmarks[benchmark];
    const known = UNITS[quantity];
    return known ? known.find(([factor]) => most >= factor) || known.at(-1) : [1, unit];
  };

  // The levels between the steps; where a trend is, its line stands for the level.
  function levels(row) {
    if (!row.steps.length) return [];
    const ends = [...row.steps.map((step) => step.before), row.commits.at(-1)];
    return ends.map((last, n) => ({ first: n ? row.steps[n - 1].at : row.commits[0], last, value: n ? row.steps[n - 1].new : row.steps[0].old }))
      .filter(({ first, last }) => !row.trends.some((trend) => trend.before >= first && trend.at <= last));
  }

  // Draw a series into `element`: `x` is commits or libraries, `commits` those on the axis; a small one has less text.
  Site.drawSeries = async (element, { row, file, x = "commits", commits = file.commits[row.environment], small = false }) => {
    const drawn = points(file, row, x, commits);
    const bounds = drawn.flatMap(({ value }) => value.filter((end) => end !== null && end !== undefined));
    let [least, most] = [Math.min(...bounds), Math.max(...bounds)];
    const [factor, unit] = unitOf(row.benchmark, most);
    const { tool } = named(row);
    const colour = tool ? Site.lookOf(all.backends, tool).colour : "#888888";
    const where = new Map(commits.map((commit, place) => [commit, place]));
    const rows = drawn.map(({ place, value, at, environment }) => {
      const { id, day, subject } = words.commit(at);
      const [middle, low, high] = value.map((end) => (end === null || end === undefined ? null : end / factor));
      return {
        kind: "point", place, value: middle, low, high, colour, bar: drawn.length <= 40, at: `${id} of ${day}`, subject,
        exact: words.level(row.benchmark, value[0]), interval: Site.interval(value, (end) => words.level(row.benchmark, end)),
        libraries: all.environments[environment].title,
      };
    });
    if (x === "commits") {
      for (const { first, last, value } of levels(row))
        rows.push({ kind: "level", place: where.get(first), end: where.get(last), value: value / factor, last: value / factor });
      for (const trend of row.trends)
        rows.push({ kind: "trend", place: where.get(trend.before), end: where.get(trend.at), value: trend.old / factor, last: trend.new / factor });
      for (const step of row.steps)
        rows.push({ kind: "step", place: where.get(step.at), value: Math.max(step.new, step.old) / factor,
          last: Math.min(step.new, step.old) / factor, text: words.ratio(step) });
    }
    // So little noise shall not look like much.
    const logarithmic = least > 0 && most > WIDEST * least;
    const room = Math.max((most - least) * 0.1, Math.abs(most) * 0.03) || 1;
    [least, most] = logarithmic ? [least / 1.1, most * 1.15] : [least - room < 0 && least >= 0 ? 0 : least - room, most + room];
    const ticks = small ? 3 : 6;
    await Site.draw(element, "series", rows, (spec) => {
      scaleX(spec, axis(drawn, x, commits, ticks));
      scaleY(spec, [least / factor, most / factor], logarithmic ? "log" : "linear", unit, small ? 3 : 5);
      if (small) spec.height = 120;
      spec.description = `${words.title(row)}: ${drawn.length} values over ${x === "libraries" ? "library generations" : "commits"}`;
    });
    return drawn;
  };

  // The strip of controls below it, with the same x.
  async function drawControls(element, found, x, commits) {
    const rows = found.flatMap(({ name, row, file, dash }) => {
      const drawn = points(file, row, x, commits);
      const sorted = drawn.map(({ value }) => value[0]).sort((a, b) => a - b);
      const middle = sorted[Math.floor(sorted.length / 2)];
      return drawn.map(({ place, value, at }) => ({
        name, dash, place, value: value[0] / middle, shown: Site.times(value[0] / middle), exact: words.level(row.benchmark, value[0]),
        at: `${words.commit(at).id} of ${words.commit(at).day}`,
      }));
    });
    if (!rows.length) return;
    const values = rows.map((row) => row.value);
    await Site.draw(element, "control", rows, (spec) => {
      const count = x === "libraries" ? Math.max(...rows.map((row) => row.place)) + 1 : commits.length;
      const margin = Math.max(0.5, count / 50);
      for (const { encoding } of spec.layer) encoding.x.scale = { ...encoding.x.scale, domain: [-margin, count - 1 + margin] };
      scaleY(spec, [Math.min(0.9, ...values), Math.max(1.1, ...values)], "linear", "control", 3);
      spec.description = `Control, as ratio to its own median: ${found.map(({ name }) => name).join(", ")}`;
    });
  }

  // -- under a number --------------------------------------------------------------------------------

  const link = (file, state, text) => make("a", { href: Site.root + Site.address(file, state) }, text);

  // All steps and trends of a series, as list items.
  Site.happened = (row) => [
    ...row.steps.map((step) => make("li", {}, ...words.step(row.benchmark, step))),
    ...row.trends.map((trend) => make("li", {}, ...words.trend(row.benchmark, trend))),
  ];

  function told(row) {
    const found = Site.happened(row);
    if (found.length) return make("ul", { class: "steps" }, ...found.reverse());
    if (row.of === 1) {
      const { id, day, subject } = words.commit(row.commits[0]);
      return make("p", {}, "Measured at one commit only, ", make("code", {}, id), ` of ${day}${subject ? `, “${subject}”` : ""}. `, ...alone());
    }
    if (row.of < all.fewest)
      return make("p", {}, `Measured at ${row.of} commits: a step can be told from noise in ${all.fewest} or more. `, ...alone());
    return make("p", {}, `No step and no trend in ${row.of} measured commits: the noise explains what moves.`);
  }

  // Of neighbouring generations, where the intervals tell them apart.
  function between(row, file) {
    const found = generations(file, row);
    const name = (one) => all.environments[one.number].title;
    const lines = found.slice(1).map((one, n) => [found[n], one]).filter(([a, b]) => Site.apart(a.row, b.row)).map(([a, b]) =>
      make("li", {}, make("b", {}, `${b.row[0] > a.row[0] ? "▲" : "▼"} ${Site.times(b.row[0] / a.row[0])}, ${words.verb(row.benchmark, { old: a.row[0], new: b.row[0] })}`),
        ` (${words.level(row.benchmark, a.row[0])} → ${words.level(row.benchmark, b.row[0])}) from ${name(a)} to ${name(b)}.`));
    const { id, day } = words.commit(found[0].at);
    const about = make("p", {}, `${found.length} library generations, all at `, make("code", {}, id), ` of ${day}.`
      + (lines.length ? "" : " The intervals do not tell neighbours apart."));
    return [about, ...(lines.length ? [make("ul", { class: "steps" }, ...lines)] : [])];
  }

  function notes({ row }, watched) {
    const found = [];
    if (row.failed) found.push(`It failed at ${row.failed[0]} commit${row.failed[0] === 1 ? "" : "s"}, last at ${words.commit(row.failed[1]).id}.`);
    if (row.of > row.commits.length)
      found.push(`${row.commits.length} of ${row.of} values are drawn: of each stretch the extremes, and both sides of every step.`);
    if (watched.length) found.push(`In grey the control, as ratio to its own median: ${watched.map(({ name, dash }) => name + (dash.length ? " (dashed)" : "")).join(", ")}. `
      + "Its code never changes: where it moves as well, the machine did.");
    else found.push(all.benchmarks[row.benchmark].quantity === "time" ? "No control was measured beside it: make bench measures plain Python and reading once."
      : "No control: the machine's speed does not move it.");
    return found;
  }

  // Draw a series in place: see find() for `what`. False, with a sentence in `element`, where there is none.
  Site.series = async (element, what) => {
    element.classList.add("series");
    const found = all.commits && all.commits.length ? await find(what) : { why: [what.machine, what.kernel, what.clock] };
    if (!found.row) {
      const [machine, kernel, clock] = found.why;
      element.replaceChildren(make("p", { class: "note" }, `No history here: ${[kernel, clock, what.tool, what.n].filter(Boolean).join(", ")} was not measured on `
        + `${machine || "any machine"} in this way. make bench measures the core tools, make bench-full all sizes, make bench-all all tools.`));
      return false;
    }
    const { row, file, place } = found;
    const commits = file.commits[row.environment];
    const watched = await controls(found);
    const both = generations(file, row).length > 1;
    let x = both && (what.x === "libraries" || (what.x === undefined && row.of === 1)) ? "libraries" : "commits";
    const { tool, dtype, n } = named(row);
    const benchmark = all.benchmarks[row.benchmark];
    const environment = all.environments[row.environment];
    const state = { kernel: benchmark.group, n, dtype, machine: place, threads: environment.threads, tool, clock: benchmark.clock, libraries: environment.name };
    const chart = make("div", { class: "chart" }), strip = make("div", { class: "chart strip" });
    const list = make("div", { "aria-live": "polite" });
    const buttons = both ? [["commits", "over commits"], ["libraries", "over library generations"]].map(([value, text]) => {
      const button = make("button", { type: "button", "data-x": value }, text);
      button.addEventListener("click", () => { x = value; return show(); });
      return button;
    }) : [];
    const raw = Site.raw(row);
    const links = [
      ...(what.alone === false ? [] : [link("history.html", state, "all series of this kernel")]),
      ...(raw ? [make("a", { href: raw }, "this series in asv's browser")] : []),
    ];
    async function show() {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.x === x));
      await Site.drawSeries(chart, { row, file, x, commits });
      await drawControls(strip, watched, x, commits);
      list.replaceChildren(...(x === "libraries" ? between(row, file) : [told(row)]));
    }
    element.replaceChildren(
      make("p", { class: "series-title" }, make("b", {}, words.title(row)), ` · ${words.environment(row.environment)} `, ...buttons),
      chart, strip, list, make("p", { class: "note" }, notes(found, watched).join(" ")),
      make("p", { class: "note series-links" }, ...links));
    await show();
    return true;
  };

  // -- asv's own browser -----------------------------------------------------------------------------

  // The address of one series in asv-tachyon, or undefined. It wants the place of the combination among all
  // of the benchmark, and every axis by which asv tells series apart, also those that have no value.
  Site.raw = ({ benchmark: bench, environment, values }) => {
    const { parameters, axes } = all.raw || {}, run = all.environments[environment];
    const known = (parameters || {})[bench];
    if (!known || values.some((v, i) => !known[i].includes(v))) return undefined;
    const index = values.reduce((place, v, i) => place * known[i].length + known[i].indexOf(v), 0);
    const there = axes.filter((a) => a.machine === run.machine && a.python === run.python
      && a["env-LSEKERNELS_THREADS"] === run.threads && Object.entries(run.versions).every(([k, v]) => a[k] === v));
    // An environment with further libraries also has all of these.
    const more = (a) => Object.values(a).filter((value) => value !== null).length;
    const found = there.sort((a, b) => more(a) - more(b))[0];
    if (!found) return undefined;
    const asked = new URLSearchParams({ view: "explore", bench, params: index });
    for (const [name, value] of Object.entries(found))
      asked.set(["machine", "branch", "python"].includes(name) ? name : `f-${name}`, value);
    return `${Site.root}raw.html#${asked}`;
  };
})();
