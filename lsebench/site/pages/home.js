"use strict";
// The front page: the answer first, then all of it in one matrix. See home.py for the shape of the data.

(() => {
  const all = Site.data.home;
  if (!all || !all.runs.length) return;
  const { make, place, seconds, THREADS, unique } = Site;
  const PROCESS = {
    warm: "that is running", empty: "that starts anew, compile caches empty", filled: "that starts anew, compile caches filled",
  };
  const HEAPS = { settled: "settled", young: "young", tuned: "tuned: all memory kept" };
  const DATA = { numpy: "in NumPy arrays", own: "where the tool wants it" };
  const TIMED = "logsumexp"; // whose transfers, first calls and states of the heap are timed
  const LITTLE = 0.1; // seconds: a job that takes NumPy no longer is not worth another tool
  const usual = all.runs[0];
  const DEFAULTS = {
    kernel: TIMED, n: "100000", dtype: "float64", calls: "1000", process: "warm", heap: "settled", data: "numpy",
    machine: place(usual), threads: usual.threads, hide: "", unfold: "",
  };
  const state = { ...DEFAULTS, ...Site.state() };
  let snap = !Site.state().n; // N becomes a measured size of a kernel that is newly chosen
  const now = {}; // what of it applies: a kernel whose transfers were not timed has no choice
  const element = (id) => document.getElementById(id);
  const title = (tool) => Site.titleOf(all.backends, tool);
  const backend = (tool) => tool.split(":")[0];
  const known = (tool) => all.backends[backend(tool)] || {};
  const fresh = () => now.process !== "warm";
  const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
  const list = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

  // -- what is asked ---------------------------------------------------------------------------------

  // Everything declared can be chosen; what was not measured says so, and how to measure it.
  function settle() {
    state.machine = Site.choose("machine", unique(all.runs.map(place)).map((p) =>
      [p, Site.placeTitle(all.runs.find((r) => place(r) === p))]), state.machine, DEFAULTS.machine);
    const here = all.runs.filter((r) => place(r) === state.machine);
    const cores = Object.keys(THREADS).map((t) => [t, THREADS[t] + (here.some((r) => r.threads === t) ? "" : " (not measured here)")]);
    state.threads = Site.choose("threads", cores, state.threads, "1");
    const run = state.threads === "all" ? withOneThread(here) : here.find((r) => r.threads === state.threads);
    const times = (run || here[0]).times;
    state.kernel = Site.choose("kernel", Object.entries(all.kernels).map(([name, { title: text }]) =>
      [name, text + (times[name] ? "" : " (not measured here)")]), state.kernel, TIMED);
    const kernel = all.kernels[state.kernel];
    state.dtype = Site.choose("dtype", kernel.dtypes.slice().sort().reverse().map((d) => [d, d]), state.dtype, "float64");
    state.process = Site.choose("process", Object.entries(PROCESS), state.process, "warm");
    state.heap = Site.choose("heap", Object.entries(HEAPS), state.heap, "settled");
    state.data = Site.choose("data", Object.entries(DATA), state.data, "numpy");
    Object.assign(now, { process: state.process, heap: state.process === "warm" ? state.heap : "young", data: state.data });
    const only = state.kernel === TIMED ? "" : `only of ${all.kernels[TIMED].title} is this timed`;
    still("process", only); still("data", only);
    still("heap", only || (fresh() ? "in a fresh process it is young" : ""));
    if (only) Object.assign(now, { process: "warm", heap: "settled", data: "own" });
    for (const id of ["process", "heap", "data"]) element(id).value = now[id];
    for (const id of SHOWN) element(id).checked = !hidden(id);
    element("n-label").textContent = `N: ${kernel.what}`;
    Site.fill("sizes", ...kernel.sizes.map((size) => make("option", { value: size })));
    if (snap) state.n = measured(times[state.kernel], kernel) || state.n;
    snap = false;
    for (const [field, values] of Object.entries({ hide: SHOWN, unfold: ["all", ...unique(Object.values(all.backends).map((b) => b.family))] }))
      for (const value of state[field].split(",").filter((one) => one && !values.includes(one))) Site.say(field, value);
    for (const id of ["n", "calls"]) if (element(id) !== document.activeElement) element(id).value = pretty(state[id]);
    element("more-now").textContent = `${THREADS[state.threads]}, on ${state.machine}, in a program ${PROCESS[now.process]}`
      + `${only ? "" : `, heap ${now.heap}, data ${DATA[now.data]}`}`;
    return { run, kernel, heaps: (run && run.times[state.kernel]) || {} };
  }

  // All cores, where a tool was measured with them; any other does what it does with one, and is marked.
  function withOneThread(here) {
    const many = here.find((r) => r.threads === "all"), one = here.find((r) => r.threads === "1");
    return many && one ? { ...merged(one, many), many } : many;
  }

  const merged = (one, over) => (over === undefined ? one : !one || Array.isArray(over) || typeof over !== "object" || over === null ? over
    : Object.fromEntries(unique([...Object.keys(one), ...Object.keys(over)]).map((key) => [key, merged(one[key], over[key])])));
  const single = (found, tool) => found.run.many && !(((found.run.many.times[state.kernel] || {}).settled || {})[tool]);

  // The measured size of a kernel that is nearest to N.
  function measured(heaps, kernel) {
    const sizes = kernel.sizes.filter((size) => Object.values((heaps || {}).settled || {}).some((tables) => (tables[state.dtype] || {})[size]));
    const wanted = Site.whole(state.n) || 1e5;
    const away = (size) => Math.abs(Math.log(kernel.elements[size] / wanted));
    return sizes.sort((a, b) => away(a) - away(b))[0];
  }

  function still(id, why) { element(id).disabled = Boolean(why); element(id).title = why; }
  const SHOWN = ["installable", "ours", "gpu"];
  const hidden = (what) => state.hide.split(",").includes(what);
  const pretty = (text) => (Site.whole(text) ? Site.whole(text).toLocaleString("en") : text);

  // -- times -----------------------------------------------------------------------------------------

  // size -> time of one call of a tool, or why there is none.
  function table(found, tool) {
    const moves = state.kernel === TIMED && now.data === "numpy" && known(tool).moves;
    const heap = found.heaps[now.heap] || {};
    const times = ((moves ? found.run.transfer[now.heap] || {} : heap)[tool] || {})[state.dtype];
    const where = now.heap === "settled" ? "" : ` in a ${now.heap} heap`;
    return times || (moves ? `its transfer was not measured${where}` : `not measured for ${state.dtype}${where}`);
  }

  // The time at N: measured, or between two measured sizes (then `about` is true); or why there is none.
  function call(found, tool) {
    const times = table(found, tool);
    if (typeof times === "string") return times;
    const exact = times[found.size];
    if (exact) return { time: exact, about: false };
    if (exact === null) return "failed, or its result was wrong";
    const points = Object.entries(times).filter(([, time]) => time).map(([size, time]) => [found.kernel.elements[size] || Number(size), time]);
    const between = found.kernel.shapes ? undefined : Site.choice.at(points, Number(found.size));
    return between ? { time: between, about: true } : "not measured at this N, nor near enough on both sides";
  }

  // What a fresh process pays before its first result.
  function start(found, tool) {
    if (!fresh()) return [];
    const own = found.run.imports[backend(tool)], numpy = found.run.imports.numpy;
    const first = found.run.compile[known(tool).cache && now.process === "filled" ? "filled" : "empty"][backend(tool)];
    // Whatever takes NumPy arrays imports NumPy, too.
    const both = now.data === "numpy" || !known(tool).moves ? own && numpy && (own[0] < numpy[0] ? numpy : own) : own;
    return [both || "import", first || "first call"];
  }

  function rows(found) {
    const calls = Site.whole(state.calls) || 1;
    const tools = Object.keys(found.heaps.settled || {}).filter((tool) => seen(tool));
    return tools.map((tool) => {
      const one = call(found, tool);
      if (typeof one === "string") return { tool, absent: one };
      const parts = [...start(found, tool), Site.choice.times(one.time, calls)];
      return { tool, ...one, total: Site.choice.total(parts), missing: parts.filter((part) => typeof part === "string") };
    });
  }

  const unsafe = (tool) => all.kernels[state.kernel].unsafe[tool.split(":")[1]];
  const seen = (tool) => !(hidden("gpu") && known(tool).device === "gpu") && !(hidden("ours") && known(tool).ours)
    && !(hidden("installable") && !known(tool).ours);

  // Forms of different tasks are not compared: python:sum_loop and python:len_called have no order.
  function task(tool) {
    const form = tool.split(":")[1];
    return (Object.entries(all.kernels[state.kernel].tasks).find(([, forms]) => forms.includes(form)) || [""])[0];
  }

  // -- the answer ------------------------------------------------------------------------------------

  function answer(found) {
    const calls = Site.whole(state.calls);
    if (!found.size) return [make("p", { class: "warning" }, found.kernel.shapes ? "N: rows and columns, as 1000x1000."
      : "N: a whole number, as 1000, 1e5 or 100_000.")];
    if (!calls) return [make("p", { class: "warning" }, "Calls: a whole number, as 1000, 1e5 or 100_000.")];
    const of = found.kernel.shapes ? `${Site.count(found.size)} ${state.dtype} numbers`
      : found.kernel.what === "numbers" ? `${Site.count(found.size)} ${state.dtype} numbers`
        : `${Site.count(found.size)} ${found.kernel.what}${found.kernel.dtypes.length > 1 ? `, ${state.dtype}` : ""}`;
    const job = make("p", { class: "job-words" }, `${found.kernel.title}, ${of}, ${plural(calls, "call")}, on ${state.machine}`
      + ` (${THREADS[state.threads]}):`);
    if (!found.run || !found.heaps.settled) return [job, missing(found)];
    const ranked = rows(found).filter((row) => !row.absent);
    const tasks = ranked.length ? unique(ranked.map((row) => task(row.tool))) : [""];
    return [job, ...tasks.flatMap((one) => best(found, ranked.filter((row) => task(row.tool) === one), one))];
  }

  function missing(found) {
    const what = !found.run ? `${THREADS[state.threads]}` : `${found.kernel.title} in ${state.dtype}`;
    return make("p", { class: "answer" }, `Not measured here: ${what}. `, ...how(found));
  }

  // How to measure what is asked for, where there is a suite of it.
  function how(found) {
    if (found.size && !found.kernel.sizes.includes(found.size)) return ["No suite has this size."];
    const suite = { settled: `warm.${Site.suite(state.kernel)}`, young: "heap.YoungLogsumexp", tuned: "heap.TunedLogsumexp" }[now.heap];
    const profile = found.size === "100000000" ? "huge" : "full";
    return ["To measure it: ", make("code", {}, `python -m lsebench run ${profile} --bench "${suite}${now.heap === "settled" ? `.*${state.dtype}` : ""}"`)];
  }

  function best(found, ranked, what) {
    const lead = what ? `${what.replaceAll("_", " ")}: ` : "";
    const library = Site.choice.rank(ranked.filter((row) => !known(row.tool).ours && !unsafe(row.tool)));
    const own = Site.choice.rank(ranked.filter((row) => known(row.tool).ours && !unsafe(row.tool)));
    const tied = plainFirst(library.filter((row) => row.best));
    // Of those that nothing tells apart, NumPy: it is there already.
    const numpy = ranked.find((row) => row.tool === "numpy" && !row.missing.length);
    const top = (tied.includes(numpy) && numpy) || tied[0] || library[0] || own[0];
    if (!top || top.missing.length) return nothing(found, top, lead);
    const about = top.about ? "≈ " : "";
    const head = make("p", { class: "answer" }, lead, link(top.tool), ` ${about}${seconds(top.total[0])}`,
      Site.whole(state.calls) > 1 ? make("span", { class: "each" }, ` (${about}${seconds(top.time[0])} a call)`) : "");
    const lines = [];
    const against = ["numpy", "scipy"].filter((name) => name !== top.tool).map((name) => ranked.find((row) => row.tool === name))
      .filter((row) => row && !row.missing.length).map((row) => ratio(row, top));
    lines.push([against.join("; "), against.length ? ". " : "", trust(found, top)]);
    if (top.total[1] === null) {
      const near = library.filter((row) => row !== top && !row.missing.length && row.total[0] < 1.5 * top.total[0]).map((row) => title(row.tool));
      lines.push([`The least that was measured; ${fresh() ? "of first calls there are" : "there are"} too few samples to call it the fastest.`
        + (near.length ? ` Near it: ${list(near)}.` : "")]);
    } else if (tied.length > 1) lines.push([`Not told apart from it: ${few(tied.filter((row) => row !== top))}.`]);
    const told = own.length && !own[0].missing.length && own[0].total[1] !== null && Site.apart(own[0].total, top.total);
    if (numpy === top && tied.length > 1) lines.push([make("b", {}, told ? "" : "It does not matter: take NumPy. "), "No library is told to be faster than NumPy."]);
    else if (numpy && numpy !== top && numpy.total[0] < LITTLE)
      lines.push([make("b", {}, "It does not matter: take NumPy. "), `It takes ${seconds(numpy.total[0])} for all of it.`]);
    const careful = digits(found, top) && library.find((row) => !row.missing.length && !digits(found, row));
    if (careful) lines.push([`${title(top.tool)} has no digit right for some input; `, link(careful.tool), ` keeps them: ${seconds(careful.total[0])}.`]);
    const mine = plainFirst(own.filter((row) => row.best))[0] || own[0];
    if (mine && mine !== top && !mine.missing.length) {
      const same = own.filter((row) => row.best && row !== mine);
      lines.push(["Ours: ", link(mine.tool), ` ${mine.about ? "≈ " : ""}${seconds(mine.total[0])}`, same.length ? ` (or ${few(same)})` : "", `, ${ratio(top, mine)}.`]);
    }
    const open = library.filter((row) => row.missing.length && row.total[0] <= top.total[0]).map((row) => title(row.tool));
    if (open.length) lines.push([`Left out, for a part of it was not measured: ${list(open)}.`]);
    const all_ = Object.keys(found.heaps.settled).filter(seen);
    if (2 * ranked.length < all_.length && !what) lines.push([`Only ${ranked.length} of ${all_.length} tools were measured so${numpy ? "" : ", and NumPy was not"}.`]);
    const install = known(top.tool).install;
    const use = install ? make("p", { class: "use" }, make("code", {}, install), " ", copyButton(install, "copy"), " ",
      make("a", { href: page(top.tool) }, "its code"), known(top.tool).needs ? make("small", {}, known(top.tool).needs) : "") : "";
    return [head, use, ...lines.map((line) => make("p", {}, ...line))];
  }

  // Of what is not told apart first what needs no further threads.
  const plainFirst = (rows) => rows.slice().sort((a, b) => Boolean(known(a.tool).parallel) - Boolean(known(b.tool).parallel) || a.total[0] - b.total[0]);
  const few = (rows) => list([...rows.slice(0, 3).map((row) => title(row.tool)), ...(rows.length > 3 ? [`${rows.length - 3} more`] : [])]);
  const digits = (found, row) => state.kernel === TIMED && ((found.run.errors[state.dtype] || {})[backend(row.tool)] || [])[2] === all.nothing_right;

  function nothing(found, top, lead) {
    if (top) return [make("p", { class: "answer" }, lead, `No tool has all parts measured; of ${title(top.tool)} is lacking: ${list(top.missing)}.`)];
    const tools = Object.keys(found.heaps.settled);
    if (!tools.some(seen)) return [make("p", { class: "answer" }, "All tools that were measured here are hidden: tick installable, ours or GPU.")];
    const sizes = found.kernel.sizes.filter((size) => tools.filter(seen).some((tool) => typeof table(found, tool) !== "string" && table(found, tool)[size]));
    const said = sizes.length ? "Not measured at this N, nor near enough on both sides to tell. Measured: "
      : `Not measured here in ${state.dtype}${now.heap === "settled" ? "" : `, in a ${now.heap} heap`}.`;
    return [make("p", { class: "answer" }, lead, said, ...sizes.flatMap((size) => [sizeLink(size), " "])), make("p", { class: "note" }, ...how(found))];
  }

  function ratio(slow, fast) {
    if (slow.total[1] === null || fast.total[1] === null) return `against ${title(slow.tool)}: too few samples to tell`;
    if (!Site.apart(slow.total, fast.total)) return `not told apart from ${title(slow.tool)}`;
    const times = slow.total[0] / fast.total[0];
    return times > 1 ? `${Site.times(times)} as fast as ${title(slow.tool)}` : `${title(slow.tool)} is ${Site.times(1 / times)} as fast`;
  }

  // How far the number is to be trusted: samples, interval, digits, machine.
  function trust(found, row) {
    const [value, low, high] = row.total, samples = row.time[3];
    const words = [];
    if (samples) words.push(fresh() ? "few samples of a first call" : plural(samples, "sample"));
    words.push(low === null ? "no interval" : `±${Site.digits((50 * (high - low)) / value)} %`);
    const error = (state.kernel === TIMED && (found.run.errors[state.dtype] || {})[backend(row.tool)]) || undefined;
    if (error) words.push(error[2] === all.nothing_right ? "no digit right for some input" : `${Site.error(error[0])} ulp`);
    const machine = (Site.data.machines || {})[found.run.machine];
    words.push(!machine || !machine.bad ? "machine never checked" : machine.bad.length ? "machine not tuned" : "machine tuned");
    return make("span", { class: "trust", title: "samples, 99 % interval, largest error, the machine" }, words.join(" · "));
  }

  const page = (tool) => Site.address(known(tool).page || "tools.html", { ...shared(), tool: backend(tool) });
  const shared = () => Object.fromEntries(Site.SHARED.map((key) => [key, state[key]]));
  const link = (tool) => make("a", { href: page(tool) }, title(tool));

  function sizeLink(size) {
    const button = make("button", { type: "button", class: "link" }, Site.count(size));
    button.addEventListener("click", () => { state.n = size; Site.changed = true; show(); });
    return button;
  }

  function copyButton(text, words) {
    const button = make("button", { type: "button" }, words);
    button.addEventListener("click", () => Site.copy(text, button));
    return button;
  }

  // -- the matrix ------------------------------------------------------------------------------------

  function matrix(found) {
    const tools = Object.keys(found.heaps.settled || {}).filter(seen);
    const tables = Object.fromEntries(tools.map((tool) => [tool, table(found, tool)]));
    const timed = tools.filter((tool) => typeof tables[tool] !== "string" && Object.values(tables[tool]).some((t) => t !== undefined));
    // A size that few tools have compares little: it has a column where it is asked for.
    const having = (size) => timed.filter((tool) => size in tables[tool]).length;
    const most = Math.max(...found.kernel.sizes.map(having));
    const few = found.kernel.sizes.filter((size) => having(size) && having(size) < most / 4 && size !== found.size);
    const sizes = found.kernel.sizes.filter((size) => having(size) && !few.includes(size));
    const cell = (tool, size) => tables[tool][size];
    // The least of each column, of what is compared with each other and may be called the best.
    const least = {};
    for (const tool of timed)
      for (const size of sizes) {
        const key = `${task(tool)} ${size}`, time = cell(tool, size);
        if (time && !unsafe(tool) && (!least[key] || time[0] < least[key][0])) least[key] = time;
      }
    const at = sizes.includes(found.size) ? found.size : nearest(found, sizes);
    const order = (tool) => (cell(tool, at) ? cell(tool, at)[0] : Infinity);
    const groups = {};
    for (const tool of timed) (groups[task(tool) || known(tool).family || backend(tool)] ||= []).push(tool);
    // Of a family first the plainest of those that are not told from its least.
    for (const members of Object.values(groups)) {
      members.sort((a, b) => Boolean(unsafe(a)) - Boolean(unsafe(b)) || order(a) - order(b));
      const least = cell(members[0], at), tied = members.filter((tool) => least && cell(tool, at) && !unsafe(tool)
        && least[1] !== null && cell(tool, at)[1] !== null && !Site.apart(cell(tool, at), least));
      const [first = members[0]] = plainFirst(tied.map((tool) => ({ tool, total: cell(tool, at) }))).map((row) => row.tool);
      members.splice(0, members.length, first, ...members.filter((tool) => tool !== first));
    }
    const sorted = Object.entries(groups).sort(([, a], [, b]) => order(a[0]) - order(b[0]));
    const more = extras(found);
    const heads = [make("th", { scope: "col" }, "tool"), ...sizes.map((size) =>
      make("th", { scope: "col", class: size === at ? "here" : "" }, sizeLink(size))), ...more.map(({ name, help }) =>
      make("th", { scope: "col", title: help }, name))];
    const body = sorted.flatMap(([family, members]) => {
      const open = opened(family) || task(members[0]);
      return (open ? members : members.slice(0, 1)).map((tool, i) => {
        const fold = !i && members.length > 1 && !task(tool) ? foldButton(family, members.length - 1, open) : "";
        const name = make("th", { scope: "row", class: i ? "member" : "" }, make("a", { href: page(tool) }, title(tool)),
          known(tool).ours ? make("span", { class: "tag" }, "ours") : "", known(tool).device === "gpu" ? make("span", { class: "tag" }, "GPU") : "",
          single(found, tool) ? make("span", { class: "tag" }, "one thread") : "",
          unsafe(tool) ? make("span", { class: "tag bad", title: unsafe(tool) }, "unsafe") : "", fold);
        const times = sizes.map((size) => timeCell(found, tool, size, cell(tool, size), least[`${task(tool)} ${size}`], size === at));
        return make("tr", { "data-tool": tool }, name, ...times, ...more.map((extra) => extraCell(found, tool, extra, at)));
      });
    });
    Site.fill("matrix", make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
    element("matrix").style.setProperty("--columns", sizes.length);
    if (sizes.length) Site.bring("matrix", sizes.indexOf(at) + 1);
    const where = state.kernel === TIMED ? `, ${DATA[now.data]}, heap ${now.heap}` : ", data where the tool wants it";
    element("matrix-title").textContent = `Time of one call, ${found.kernel.title}, ${state.dtype}`;
    element("matrix-note").textContent = timed.length ? `Columns: ${found.kernel.what}${where}. Of a family the plainest of the fastest at ${Site.count(at || "")} comes first.`
      + (few.length ? ` Of few tools ${few.map(Site.count).join(" and ")} were measured, too: ask for them as N.` : "")
      + (hidden("gpu") || timed.some((tool) => known(tool).device === "gpu") ? "" : " No GPU was measured here: make bench-gpu.") : "";
    if (!timed.length) Site.fill("matrix", make("tbody", {}, make("tr", {}, make("td", {}, tools.length ? "Not measured here. " : "No tool is shown. ", ...(tools.length ? how(found) : [])))));
    csv(found, timed, sizes, cell);
    return { tools, timed, tables, sizes, at };
  }

  const opened = (family) => state.unfold === "all" || state.unfold.split(",").includes(family);

  function foldButton(family, count, open) {
    const button = make("button", { type: "button", class: "fold", "aria-expanded": String(Boolean(open)) }, open ? "fewer" : `+${count}`);
    button.setAttribute("aria-label", open ? `hide the other tools of the family ${family}` : `show ${count} more of the family ${family}`);
    button.addEventListener("click", () => {
      const now = state.unfold === "all" ? unique(Object.values(all.backends).map((b) => b.family)) : state.unfold.split(",").filter(Boolean);
      state.unfold = (open ? now.filter((f) => f !== family) : [...now, family]).join(",");
      Site.changed = true;
      show();
    });
    return button;
  }

  function timeCell(found, tool, size, time, least, here) {
    if (!time) return make("td", { class: `number${here ? " here" : ""}` }, time === null ? make("small", {}, "failed")
      : make("span", { class: "same", title: "not measured: make bench-full" }, "–"));
    const grade = unsafe(tool) ? undefined : Site.choice.grade(time, least || time);
    const times = least && time[0] !== least[0] ? `${Site.digits(time[0] / least[0])}×` : "";
    const commit = all.commits[time[4]];
    const tip = [Site.interval(time), plural(time[3], "sample"), `commit ${commit[0].slice(0, 8)} of ${Site.day(commit[1])}`,
      grade === undefined ? "" : grade === 0 ? "fastest, or not told from it" : `${times} as long as the fastest`];
    const button = make("button", { type: "button", class: "cell", title: tip.filter(Boolean).join("\n") },
      make("span", {}, seconds(time[0])), make("small", {}, grade === undefined || grade === 0 ? " " : times),
      make("span", { class: "bar", style: `width: ${least ? Math.max(2, (100 * least[0]) / time[0]) : 100}%`, "aria-hidden": "true" }));
    button.addEventListener("click", () => open(tool, size));
    return make("td", { class: `number${grade === undefined ? "" : ` grade-${grade}`}${here ? " here" : ""}` }, button);
  }

  // A click on a cell: its size becomes N, and its history opens below the row; a second click closes it.
  let shown = "";
  async function open(tool, size) {
    const key = `${tool} ${size}`;
    if (size !== found_.size) { state.n = size; Site.changed = true; shown = ""; show(); }
    document.querySelector("tr.history")?.remove();
    if (shown === key) { shown = ""; return; }
    shown = key;
    const row = document.querySelector(`#matrix tr[data-tool="${CSS.escape(tool)}"]`);
    if (!row) return;
    const moves = state.kernel === TIMED && now.data === "numpy" && known(tool).moves;
    const clock = moves ? "transfer" : { settled: "warm", young: "young", tuned: "tuned" }[now.heap];
    await Site.below(row, { machine: state.machine, threads: state.threads, kernel: state.kernel, tool, dtype: state.dtype, n: size, clock });
  }

  // What is known of a tool besides, of logsumexp.
  function extras(found) {
    if (!found.run || state.kernel !== TIMED) return [];
    const { run } = found, errors = run.errors[state.dtype] || {}, memory = run.memory[state.dtype] || {};
    const cache = now.process === "filled" ? "filled" : "empty";
    const pays = Object.fromEntries(((run.pays[state.dtype] || {})[cache] || []).map((row) => [row.tool, row]));
    const once = (row) => (row ? [seconds(row[0]), Site.interval(row)] : ["", "not measured: make bench-all"]);
    return [
      { name: "digits, ulp", help: "the largest error of all classes of input, in units of the last place", of: (tool) => {
        const error = errors[backend(tool)];
        return !error ? ["", "not measured"] : [error[0] === null ? "fails" : Site.error(error[0]), error[1].replaceAll("_", " ")];
      } },
      { name: "memory", help: "what a call on 10,000,000 elements adds", of: (tool) =>
        (backend(tool) in memory ? [Site.bytes(memory[backend(tool)]), ""] : ["", "not measured: make bench-all"]) },
      { name: "import", help: "of the library, in a fresh process", of: (tool) => once(run.imports[backend(tool)]) },
      { name: "first call", help: `of a fresh process, compile cache ${cache}`, of: (tool) => once(run.first[known(tool).cache ? cache : "empty"][backend(tool)]) },
      { name: "pays after", help: "calls at N after which import and compilation are paid back, against NumPy, in a fresh process", of: (tool, at) => {
        const row = pays[tool];
        if (!row) return ["", known(tool).compiled === "no" ? "it compiles nothing" : "not measured"];
        if (row.missing.length) return ["", `${list(row.missing)} not measured`];
        const calls = row.calls[at];
        if (calls === undefined) return ["", "not measured at this size"];
        const words = { never: "it is slower", unclear: "it is not told from NumPy" };
        return typeof calls === "number" ? [`${row.about ? "≈ " : ""}${calls.toLocaleString("en")}`, row.about ? "the first call has too few samples for an interval" : ""]
          : [calls, words[calls]];
      } },
    ];
  }

  function extraCell(found, tool, extra, at) {
    const [text, tip] = extra.of(tool, at);
    return make("td", { class: "number extra", title: tip }, text || make("span", { class: "same" }, "–"));
  }

  const nearest = (found, sizes) => sizes.slice().sort((a, b) => away(found, a) - away(found, b))[0];
  const away = (found, size) => Math.abs(Math.log((found.kernel.elements[size] || 1) / (Number(found.size) || 1e5)));

  function csv(found, timed, sizes, cell) {
    element("csv").onclick = () => {
      const names = ["tool", "kernel", "dtype", "size", "seconds", "low", "high", "samples", "commit", "machine", "threads", "heap", "data"];
      const lines = timed.flatMap((tool) => sizes.filter((size) => cell(tool, size)).map((size) => {
        const [value, low, high, samples, commit] = cell(tool, size);
        return [tool, state.kernel, state.dtype, size, value, low, high, samples, all.commits[commit][0], found.run.machine, state.threads, now.heap, now.data];
      }));
      Site.download(`${state.kernel}-${state.dtype}.csv`, Site.csv(names, lines));
    };
  }

  function about({ run, kernel }) {
    element("forms").textContent = Object.entries({ ...kernel.forms, ...kernel.unsafe }).map(([form, text]) => `${form}: ${text}`).join(" ");
    if (!run) { element("about").textContent = ""; return; }
    const versions = Object.entries(run.versions).map(([name, text]) => `${name} ${text}`).join(", ");
    const noise = run.noise === null ? "never measured, 5 % is assumed" : `${Site.digits(100 * run.noise)} %`;
    element("about").textContent = `${run.machine}: newest commit ${run.newest.slice(0, 8)}, measured ${Site.day(run.measured)}. `
      + `Python ${run.python}, ${versions}. Processes differ by: ${noise}.`;
  }

  let found_ = {};
  function show(remember = true) {
    const found = settle();
    const whole = found.kernel.shapes ? (/^\d+x\d+$/.test(state.n) ? state.n : undefined) : Site.whole(state.n);
    found.size = whole ? String(whole) : "";
    if (found.size) state.n = found.size;
    if (Site.whole(state.calls)) state.calls = String(Site.whole(state.calls));
    found_ = found;
    const { tools, tables } = matrix(found);
    Site.fill("answer", ...answer(found));
    about(found);
    const absent = tools.filter((tool) => typeof tables[tool] === "string").map((tool) => [title(tool), tables[tool]]);
    Site.missing(all.backends, found.run || { reasons: {}, threads: state.threads }, state.kernel, tools, absent);
    element("unfold").checked = state.unfold === "all";
    if (remember) Site.remember(state);
    document.body.dataset.ready = "yes";
  }

  for (const id of ["n", "calls"]) {
    element(id).addEventListener("input", (event) => { state[id] = event.target.value; show(false); });
    element(id).addEventListener("change", (event) => { state[id] = event.target.value; Site.changed = true; event.target.blur(); show(); });
  }
  for (const id of SHOWN)
    element(id).addEventListener("change", () => {
      state.hide = SHOWN.filter((one) => !element(one).checked).join(",");
      Site.changed = true;
      show();
    });
  element("unfold").addEventListener("change", (event) => { state.unfold = event.target.checked ? "all" : ""; Site.changed = true; show(); });
  element("copy").addEventListener("click", () => Site.copy(location.href, element("copy")));
  Site.listen(["kernel", "dtype", "process", "heap", "data", "machine", "threads"], DEFAULTS, state, show, (field) => { snap = field === "kernel"; });
  show();
})();
