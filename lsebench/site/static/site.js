"use strict";
// What all pages share: units, the state in the address, tables, charts. All text goes into the page
// as text, never as markup.

const Site = { data: {}, charts: {} };

Site.digits = (value) => (value >= 99.95 ? value.toFixed(0) : Number(value.toPrecision(3)).toString());

// 1.23e-6 -> "1.23 µs"
Site.seconds = (value) => {
  for (const [factor, unit] of [[1e-9, "ns"], [1e-6, "µs"], [1e-3, "ms"]])
    if (value < 999.5 * factor) return `${Site.digits(value / factor)} ${unit}`;
  if (value < 119.5) return `${Site.digits(value)} s`;
  return value < 7200 ? `${Site.digits(value / 60)} min` : `${Site.digits(value / 3600)} h`;
};

// Of a row [value, low, high] the interval in words; there is none of fewer than five samples.
Site.interval = (row, words = Site.seconds) =>
  (row[1] === null || row[1] === undefined ? "too few samples for an interval" : `${words(row[1])} to ${words(row[2])}`);

// Whether two such rows are told apart: see apart() in results.py.
Site.apart = (a, b) => Number.isFinite(a[1] ?? NaN) && Number.isFinite(b[1] ?? NaN) && (a[1] > b[2] || b[1] > a[2]);

// 80000000 -> "76.3 MiB"
Site.bytes = (value) => {
  for (const [power, unit] of [[3, "GiB"], [2, "MiB"], [1, "KiB"]])
    if (value >= 1024 ** power) return `${Site.digits(value / 1024 ** power)} ${unit}`;
  return `${Site.digits(value)} B`;
};

// 2.5e10 -> "25 GB/s"
Site.rate = (bytes) => {
  for (const [factor, unit] of [[1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"]])
    if (bytes >= 0.9995 * factor) return `${Site.digits(bytes / factor)} ${unit}`;
  return `${Site.digits(bytes)} B/s`;
};

// 0.4671 -> "0.47", 5.5e15 -> "5.5 × 10¹⁵"
Site.error = (value) => {
  if (value < 1e4) return Number(value.toPrecision(2)).toString();
  const [digits, power] = value.toExponential(1).split("e+");
  return `${digits} × 10${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
};

// "1e5", "100_000", "100,000" and "100 000" are numbers; undefined where it is no whole one above 0.
Site.whole = (text) => {
  const plain = String(text).trim().replace(/[_,\s\u2009\u202f]/g, "");
  const value = /^\d+(\.\d+)?(e\+?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
};

Site.times = (ratio) => `${Site.digits(ratio)}×`;
Site.count = (text) => (/^\d+$/.test(text) ? Number(text).toLocaleString("en") : text.replace("x", " × "));
Site.day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

// -- elements ---------------------------------------------------------------------------------------

// Site.make("td", {class: "number"}, "12 ns", another element)
Site.make = (tag, attributes, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  made.append(...children);
  return made;
};

Site.fill = (id, ...children) => document.getElementById(id).replaceChildren(...children);

// What the address asked for and is not there: said above the page, never passed over, and taken along to
// the next page, which may have it.
Site.unknown = [];
Site.wanted = {};
Site.say = (what, asked, shown) => Site.unknown.push(`${what} “${asked}” was asked for, and there is no such result`
  + `${shown ? `: shown is “${shown}”` : ""}.`);

// Fill a <select>; options are [value, text]. Takes `chosen`, or else `usual`, where it is among them;
// returns the choice.
Site.choose = (id, options, chosen, usual) => {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map(([value, text]) => Site.make("option", { value }, text)));
  const found = [chosen, usual].find((wanted) => options.some(([value]) => value === wanted));
  if (found !== undefined) select.value = found;
  if (chosen && found !== chosen) {
    Site.wanted[id] = chosen;
    const label = select.closest("label");
    Site.say(label ? label.firstChild.textContent.trim() : id, chosen, select.value ? select.selectedOptions[0].textContent : "");
  }
  select.disabled = options.length < 2;
  select.title = options.length === 1 ? "It is the only one that was measured here." : options.length ? "" : "Nothing was measured here.";
  return select.value;
};

// -- the words for runs and tools, the same on all pages ---------------------------------------------------

Site.unique = (list) => [...new Set(list)];
Site.THREADS = { 1: "one thread", all: "all cores" };
Site.KINDS = { here: ", the libraries it had", source: ", from source" };
Site.place = (run) => (run.kind === "pinned" ? run.machine : `${run.machine}/${run.kind}`);
Site.placeTitle = (run) =>
  run.machine + (Site.KINDS[run.kind] || "") + (run.kind === "source" ? ` (${run.python})` : "");
Site.titleOf = (backends, name) => {
  const [backend, form] = name.split(":");
  return (backends[backend] ? backends[backend].title : backend) + (form ? `: ${form.trim()}` : "");
};
// logsumexp_rows -> LogsumexpRows, the name of its suites
Site.suite = (kernel) => kernel.split("_").map((word) => word[0].toUpperCase() + word.slice(1)).join("");
Site.lookOf = (backends, name) => backends[name.split(":")[0]] || { colour: "#888888", dash: [] };

// -- the state is in the address ------------------------------------------------------------------------

Site.state = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

// What pages have in common, and take along from one to the other; of a key that a page has no use for it says
// nothing.
Site.SHARED = ["kernel", "n", "dtype", "calls", "process", "heap", "data", "machine", "threads", "tool", "hide", "unfold"];
Site.root = document.body.dataset.root || "";
Site.address = (file, state) => {
  const kept = Object.entries(state).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return file + (kept.length ? `#${new URLSearchParams(kept)}` : "");
};
Site.carried = {};
Site.carry = (state) => {
  for (const key of Site.SHARED) if (state[key] !== undefined) Site.carried[key] = Site.wanted[key] || state[key];
  for (const link of document.querySelectorAll("nav a, a[data-keep]"))
    link.setAttribute("href", Site.address(link.getAttribute("href").split("#")[0], Site.carried));
};

// All of the state is written, the defaults too: they may be others when there are more results. What a
// person has changed is a step of its own, to which Back leads.
Site.remember = (state) => {
  const hash = Site.address("", state) || "#";
  if (hash !== location.hash) history[Site.changed ? "pushState" : "replaceState"](null, "", hash);
  Site.changed = false;
  Site.carry(state);
  Site.tell();
};
Site.tell = () => {
  Site.fill("unknown", ...Site.unique(Site.unknown).map((text) => Site.make("p", { class: "warning" }, text)));
  Site.unknown = [];
};

// Show the state again when a control changes it, or when the address does. `change(field)` may clear
// what no longer fits.
Site.listen = (fields, defaults, state, show, change) => {
  for (const field of fields)
    document.getElementById(field).addEventListener("change", (event) => {
      state[field] = event.target.value;
      delete Site.wanted[field];
      Site.changed = true;
      if (change) change(field);
      show();
    });
  window.addEventListener("hashchange", () => {
    for (const key of Object.keys(state)) delete state[key];
    Site.wanted = {};
    Object.assign(state, defaults, Site.state());
    show();
  });
};

// A script of the site, loaded when it is needed: "static/vega.js". Scripts alone can be read from the disk.
Site.scripts = {};
Site.load = (file) => (Site.scripts[file] ||= document.querySelector(`script[src="${Site.root}${file}"]`) ? Promise.resolve()
  : new Promise((resolve, reject) => {
    const script = Site.make("script", { src: Site.root + file });
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${file} is not there`)));
    document.head.append(script);
  }));

// -- tables -----------------------------------------------------------------------------------------

// columns: {key, title, text(row), sort(row), title(row), class(row)}; a click on a head sorts. At first the
// rows are sorted by column `sorted`, the largest first where `down`.
Site.table = (id, columns, rows, sorted, down = false) => {
  const draw = (key, down) => {
    const column = columns.find((c) => c.key === key) || columns[0];
    const value = (row) => {
      const found = column.sort ? column.sort(row) : column.text(row);
      return found === null || found === undefined || Number.isNaN(found) ? undefined : found;
    };
    const ordered = rows.slice().sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
    const heads = columns.map((c) => {
      const button = Site.make("button", { type: "button" }, c.title);
      button.addEventListener("click", () => draw(c.key, c.key === key ? !down : false));
      const order = c.key === column.key ? (down ? "descending" : "ascending") : "none";
      return Site.make("th", { scope: "col", "aria-sort": order }, button);
    });
    const body = ordered.map((row) =>
      Site.make("tr", {}, ...columns.map((c, i) => {
        const attributes = { class: c.class && c.class(row), title: c.tip && c.tip(row) };
        const content = c.cell ? c.cell(row) : c.text(row);
        return Site.make(i ? "td" : "th", i ? attributes : { ...attributes, scope: "row" }, content);
      })));
    const focused = document.activeElement && document.activeElement.closest("#" + id);
    Site.fill(id, Site.make("thead", {}, Site.make("tr", {}, ...heads)), Site.make("tbody", {}, ...body));
    if (focused) document.querySelector(`#${id} th[aria-sort$="ending"] button`).focus();
  };
  draw(sorted || columns[0].key, down);
};

// Bring a column of a table into view, and before it what fits, beside the names, which stay: no number is half
// below them.
Site.bring = (id, column) => {
  const heads = [...document.querySelectorAll(`#${id} thead th`)], scroller = heads[0].closest(".scroll");
  const right = heads[column].offsetLeft + heads[column].offsetWidth, room = scroller.clientWidth - heads[0].offsetWidth;
  const first = heads.findIndex((one, i) => i && (i === column || right - one.offsetLeft <= room));
  const left = heads[first].offsetLeft - heads[0].offsetWidth;
  scroller.style.paddingRight = "0";
  scroller.style.paddingRight = `${Math.max(0, left - (scroller.scrollWidth - scroller.clientWidth))}px`;
  scroller.scrollLeft = left;
};

// Draw a series in a row of its own, below a row of a table.
Site.below = (row, what) => {
  const place = Site.make("div", { class: "in-place" });
  row.after(Site.make("tr", { class: "history", "data-history": "" }, Site.make("td", { colspan: row.children.length }, place)));
  return Site.series(place, what);
};

// A number that opens its history below its row, and closes it again; of what is `within`, the table's body
// where nothing else is said, one is open at a time. `what` as for Site.series.
Site.opens = (content, what, { style = "cell", within } = {}) => {
  const button = Site.make("button", { type: "button", class: style, "aria-expanded": "false", title: "click for its history" }, content);
  button.addEventListener("click", () => {
    const row = button.closest("tr"), all = within || row.parentElement, open = button.getAttribute("aria-expanded") === "true";
    for (const other of all.querySelectorAll("tr.history")) other.remove();
    for (const other of all.querySelectorAll("button[aria-expanded=true]")) other.setAttribute("aria-expanded", "false");
    if (open) return;
    button.setAttribute("aria-expanded", "true");
    Site.below(row, what);
  });
  return button;
};

Site.csv = (columns, rows) => {
  const quoted = (value) => {
    const text = String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...rows].map((line) => line.map(quoted).join(","));
  return lines.join("\r\n") + "\r\n";
};

Site.download = (name, text) => {
  const link = Site.make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// Put text on the clipboard, or where that is not allowed (a page from the disk, for some browsers) show it
// to be copied by hand; the button says which.
Site.copy = async (text, button) => {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    const area = Site.make("textarea", { readonly: true, "aria-label": "text to copy" }, text);
    button.after(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "copied" : "copy it by hand";
    if (button.textContent === "copied") area.remove();
  }
  setTimeout(() => { button.textContent = words; }, 2000);
};

// Say of each tool that has `kernel` but is not among `names` why it is missing. `more` are [name, why] of others.
Site.missing = (backends, run, kernel, names, more = []) => {
  const have = new Set(names.map((name) => name.split(":")[0]));
  const gone = Object.entries(backends).filter(([name, backend]) => !have.has(name)
    && (backend.kernels || []).includes(kernel) && (run.threads === "1" || backend.parallel));
  const lines = [...more, ...gone.map(([name, backend]) => [backend.title, run.reasons[name] || "not measured in this run"])];
  Site.fill("missing", ...lines.map(([name, why]) => Site.make("li", {}, Site.make("b", {}, name), `: ${why}`)));
  document.getElementById("missing-count").textContent = lines.length;
};

// -- charts -----------------------------------------------------------------------------------------

// Draw chart `name` of charts.py with `rows`. `ast` interprets its expressions: no eval is allowed here.
Site.draw = async (id, name, rows, change, least = 0) => {
  await Promise.all([Site.load("static/vega.js"), Site.load("data/charts.js")]);
  const spec = structuredClone(Site.charts[name]);
  spec.datasets = { ...spec.datasets, rows };
  if (change) change(spec);
  const place = typeof id === "string" ? document.getElementById(id) : id;
  if (place.view) place.view.finalize();
  place.view = undefined;
  if (!rows.length) {
    place.replaceChildren(Site.make("p", { class: "note" }, "There is nothing to draw for this choice."));
    return;
  }
  // On a phone the chart scrolls in its place, where it would else have no room for its texts.
  if (least > place.clientWidth) spec.width = least;
  const options = { ast: true, actions: false, renderer: "svg", tooltip: { theme: "custom" } };
  const { view } = await vegaEmbed(place, spec, options);
  place.view = view;
};

// Keep texts at the ends of lines apart: as near to them as can be, on the logarithmic axis, and `gap` from
// each other. Texts that touch share the middle of their ends.
Site.spread = (ends, gap) => {
  const groups = [];
  for (const end of ends.sort((a, b) => a.seconds - b.seconds)) {
    groups.push({ ends: [end], middle: Math.log(end.seconds) });
    for (let [below, last] = groups.slice(-2); last && last.middle - below.middle < Math.log(gap) * (below.ends.length + last.ends.length) / 2; [below, last] = groups.slice(-2)) {
      const count = below.ends.length + last.ends.length;
      groups.splice(-2, 2, { ends: [...below.ends, ...last.ends], middle: (below.middle * below.ends.length + last.middle * last.ends.length) / count });
    }
  }
  for (const group of groups)
    group.ends.forEach((end, i) => { end.label = Math.exp(group.middle + (i - (group.ends.length - 1) / 2) * Math.log(gap)); });
};
