// Draws one dashboard: its panels once, then their figures every few seconds, in place.
// look.js draws with `vegaEmbed` from vega.js, which the page loads first.

import { amounts, answerTo, element, embed, failure, numbers, readable, redraw, shares } from "./look.js";

const REFRESH_MS = 5000;
const CHART_HEIGHT = 250;

const board = document.getElementById("panels");
const status = document.getElementById("status");
const feed = document.getElementById("feed");
const address = new URL(window.location.href);
// The reader may have clicked before this script ran: a range that is already checked was clicked.
const clicked = document.querySelector("input[name=range]:checked")?.value;
const chosen = { range: clicked || address.searchParams.get("range") || "24h", feed: address.searchParams.get("feed") || "" };
const views = new Map(); // panel id -> the chart and the rows it shows
let source = null;
let asking = null;
let turn = Promise.resolve();

const written = {
  text: readable,
  count: (value) => numbers.format(value),
  cents: (value) => amounts.format(value / 100),
  seconds: (value) => `${amounts.format(value / 60)} min`,
  score: (value) => amounts.format(value),
  share: (value) => shares.format(value),
  time: (value) => new Date(value).toISOString().slice(0, 16).replace("T", " "),
};

function figure(column, row) {
  const at = (path) => path.match(/[^.[\]]+/g).reduce((value, step) => value?.[step], row);
  const value = column.per === null ? at(column.field) : at(column.field) / at(column.per);
  return value === null || value === undefined || Number.isNaN(value) ? "–" : written[column.kind](value);
}

function emptyPanel(panel) {
  const section = element("section", { className: `panel ${panel.width}`, id: panel.id });
  section.setAttribute("aria-labelledby", `${panel.id}-title`);
  section.append(
    element("h2", { id: `${panel.id}-title`, textContent: panel.title }),
    element("p", { textContent: panel.question + (panel.window_ms ? " By the hour, over all feeds." : "") }),
    element("div", { className: "figures" }, element("div", { className: "empty", textContent: "Loading…" })),
  );
  return section;
}

function table(panel, rows) {
  const aligned = (column) => (column.kind === "text" || column.kind === "time" ? "" : "number");
  const head = panel.columns.map((column) =>
    element("th", { scope: "col", className: aligned(column), textContent: column.title }),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      ...panel.columns.map((column, i) =>
        element(i === 0 ? "th" : "td", { className: aligned(column), textContent: figure(column, row) }),
      ),
    ),
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

function tiles(panel, row) {
  const pairs = panel.columns.map((column) =>
    element(
      "div",
      {},
      element("dt", { textContent: column.title }),
      element("dd", { textContent: figure(column, row) }),
    ),
  );
  return element("dl", { className: "tiles" }, ...pairs);
}

function draw(panel, place, rows) {
  const height = panel.chart.encoding?.yOffset ? Math.max(CHART_HEIGHT, rows.length * 42) : CHART_HEIGHT;
  const description = `${panel.title}. ${panel.question}`;
  return embed(place, { ...panel.chart, description, data: { name: "figures", values: rows }, height });
}

async function show(panel, answer) {
  const section = document.getElementById(panel.id);
  const place = section.querySelector(".figures");
  section.classList.remove("stale");
  const shown = views.get(panel.id);
  const same = shown && JSON.stringify(shown.rows) === JSON.stringify(answer.rows);
  if (same) return;
  if (answer.error !== null || answer.rows.length === 0 || answer.documents === 0) {
    const why = answer.error !== null ? `Elasticsearch refused this query: ${answer.error}` : "No data in this time range.";
    place.replaceChildren(element("div", { className: "empty", textContent: why }));
    views.get(panel.id)?.view?.finalize();
    views.delete(panel.id);
    return;
  }
  if (panel.chart === null) {
    place.replaceChildren(tiles(panel, answer.rows[0]));
    views.set(panel.id, { rows: answer.rows });
    return;
  }
  const open = place.querySelector("details")?.open ?? false;
  const details = element("details", { open }, element("summary", { textContent: "Figures" }));
  details.append(element("div", {}, table(panel, answer.rows)));
  // If drawing fails there is no view, and the table still shows the figures.
  views.set(panel.id, { rows: answer.rows });
  // Vega changes the rows it draws, so it gets a copy.
  const rows = structuredClone(answer.rows);
  let view;
  try {
    if (shown?.view && !panel.chart.encoding?.yOffset) {
      place.querySelector("details").replaceWith(details);
      view = await redraw(shown.view, rows);
    } else {
      shown?.view?.finalize();
      const chart = element("div", { className: "chart" });
      place.replaceChildren(chart, details);
      view = await draw(panel, chart, rows);
    }
    views.set(panel.id, { view, rows: answer.rows });
  } catch (error) {
    place.replaceChildren(failure(error), details);
  }
}

function say(text, bad = false) {
  status.textContent = readable(text);
  status.classList.toggle("bad", bad);
}

function offerFeeds(feeds) {
  const wanted = ["", ...new Set([...feeds, ...(chosen.feed ? [chosen.feed] : [])])];
  if (wanted.join("\n") === [...feed.options].map((option) => option.value).join("\n")) return;
  feed.replaceChildren(...wanted.map((name) => element("option", { value: name, textContent: name || "all feeds" })));
  feed.value = chosen.feed;
}

// Refreshes run one after the other: two at once would draw into the same panels, perhaps the older one last.
function refresh() {
  asking?.abort();
  const own = (asking = new AbortController());
  turn = turn.then(() => own.signal.aborted || askAndShow(own));
}

async function askAndShow(own) {
  const wanted = new URLSearchParams(chosen.feed ? chosen : { range: chosen.range });
  try {
    source ??= await answerTo(`${board.dataset.source}/source`, own.signal);
    if (board.childElementCount === 0) board.append(...source.panels.map(emptyPanel));
    const answer = await answerTo(`${board.dataset.source}/figures?${wanted}`, own.signal);
    offerFeeds(answer.feeds);
    const by = new Map(answer.panels.map((panel) => [panel.panelId, panel]));
    for (const panel of source.panels) {
      await show(panel, by.get(panel.id));
      if (own.signal.aborted) return;
    }
    const until = `${written.time(answer.fromMs)} to ${written.time(answer.toMs)} UTC`;
    say(
      answer.anySessions
        ? `${until} · as of ${new Date(answer.askedAtMs).toISOString().slice(11, 19)}, renewed every ${REFRESH_MS / 1000} s`
        : "No sessions yet. `./vitrine demo` sends some, `./vitrine ingest FILE` imports a file; they appear here within seconds.",
    );
    board.dataset.drawn = String(answer.askedAtMs);
  } catch (error) {
    if (own.signal.aborted) return;
    for (const section of board.children) section.classList.add("stale");
    delete board.dataset.drawn;
    say(`${error.message} Trying again every ${REFRESH_MS / 1000} s.`, true);
  } finally {
    if (asking === own) asking = null;
  }
}

function choose(changes) {
  Object.assign(chosen, changes);
  address.searchParams.set("range", chosen.range);
  if (chosen.feed) address.searchParams.set("feed", chosen.feed);
  else address.searchParams.delete("feed");
  window.history.replaceState(null, "", address);
  say("Loading…");
  refresh();
}

document.querySelector(`input[name=range][value="${CSS.escape(chosen.range)}"]`)?.click();
document.getElementById("range").addEventListener("change", (event) => choose({ range: event.target.value }));
feed.addEventListener("change", () => choose({ feed: feed.value }));
document.addEventListener("themechange", () => {
  for (const shown of views.values()) shown.view?.finalize();
  views.clear();
  refresh();
});
setInterval(() => document.hidden || asking || refresh(), REFRESH_MS);
choose({});
