// Shared by the pages: formats of figures, creation of elements, appearance of charts.

const COLOURS = {
  light: ["#0173b2", "#de8f05", "#029e73", "#cc78bc", "#ca9161", "#56b4e9"],
  dark: ["#56b4e9", "#f0a830", "#2fc79a", "#e6a0d8", "#dfae84", "#8ccdf5"],
};

export const numbers = new Intl.NumberFormat("en");
export const amounts = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const shares = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  if (attributes.textContent !== undefined) made.textContent = readable(attributes.textContent);
  made.append(...children);
  return made;
}

export function looks() {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  const theme = document.documentElement.dataset.theme;
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelLimit: 200 },
    axisQuantitative: { tickCount: 6 },
    axisTemporal: { tickCount: 12, labelOverlap: "greedy", labelSeparation: 8 },
    scale: { bandPaddingInner: 0.4 },
    legend: { labelColor: ink, titleColor: soft, orient: "top" },
    text: { color: ink },
    range: { category: COLOURS[theme], heatmap: { scheme: theme === "dark" ? "viridis" : "blues" }, ramp: { scheme: theme === "dark" ? "viridis" : "blues" } },
    mark: { color: COLOURS[theme][0] },
    bar: { cornerRadiusEnd: 2 },
    view: { stroke: null },
  };
}

// Control characters draw nothing, or reverse the text beside them: each is shown as a replacement character.
export const readable = (value) => String(value).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "\ufffd");
const escaped = (value) => element("i", { textContent: readable(value) }).innerHTML;

// With `ast` Vega interprets expressions instead of compiling them: the page's policy forbids eval.
const drawing = () => ({ actions: false, ast: true, renderer: "svg", config: looks(), tooltip: { sanitize: escaped } });
let CheckedView = null;

// A subclass of Vega's View that keeps the error of a drawing, which View only writes to the console. vega.js does not
// export the class View, so it is taken from an instance.
async function checkedView() {
  const { view } = await vegaEmbed(element("div"), { data: { values: [] }, mark: "point" }, drawing());
  view.finalize();
  return class extends view.constructor {
    error(reason) {
      this.drawingError = reason;
    }
  };
}

// Draws `spec` in `place` and returns the view. Throws Vega's error if drawing fails.
export async function embed(place, spec) {
  CheckedView ??= await checkedView();
  const whole = { width: "container", autosize: { type: "fit", contains: "padding" }, ...spec };
  return checked((await vegaEmbed(place, whole, { ...drawing(), viewClass: CheckedView })).view);
}

// Draws `view` again with `rows` and returns it. Throws as `embed` does.
export async function redraw(view, rows) {
  return checked(await view.data("figures", rows).runAsync());
}

function checked(view) {
  if (view.drawingError === undefined) return view;
  view.finalize();
  throw view.drawingError;
}

// The message shown in the place of a chart that failed.
export function failure(error) {
  console.error(error);
  const reason = readable(error?.message ?? error);
  return element("div", { className: "empty bad", role: "alert", textContent: `This chart could not be drawn (${reason}). It is drawn again when its figures change.` });
}

export async function answerTo(path, signal) {
  const response = await fetch(path, { signal, headers: { Accept: "application/json" } });
  if (response.ok) return response.json();
  if (response.status === 401 || response.status === 403) throw new Error("You are no longer logged in: please reload the page.");
  const body = await response.json().catch(() => ({}));
  throw new Error(typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`);
}
