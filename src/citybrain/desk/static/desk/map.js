// A map without tiles: the counties' outlines out of the warehouse, and what stands on them. Shared by the map of
// cases and the command page; the colours are the page's own, light or dark.
import { timeLeft, urgency } from "./time_left.js";

const { LngLatBounds, Map: Sheet, NavigationControl, Popup, ScaleControl } = window.maplibregl;

const EMPTY = { type: "FeatureCollection", features: [] };
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const collection = (features) => ({ type: "FeatureCollection", features });
export const point = (lon, lat, told) => ({ type: "Feature", properties: told, geometry: { type: "Point", coordinates: [lon, lat] } });
const MOST_URGENT = ["case", [">", ["get", "late"], 0], "late", [">", ["get", "watch"], 0], "watch", [">", ["get", "good"], 0], "good", "none"];
const counted = (urgency) => ["+", ["case", ["==", ["get", "urgency"], urgency], 1, 0]];
const coloured = (urgency) => ["match", urgency, "late", colour("late"), "watch", colour("watch"), "good", colour("good"), colour("quiet")];
// Letters are pictures drawn by the browser when the map first asks for them: fonts of its own MapLibre would fetch from somewhere.
const LETTERS = { name: { size: 14, ink: "quiet", halo: "raised" }, count: { size: 13, ink: "raised" } };
const lettered = (kind, words) => ({ "icon-image": ["concat", `${kind}:`, words], "icon-allow-overlap": true, "icon-ignore-placement": true });

function drawn(words, { size, ink, halo }) {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const font = `${2 * size}px ${colour("font")}`;
  pen.font = font;
  canvas.width = Math.ceil(pen.measureText(words).width) + 12;
  canvas.height = 3 * size;
  Object.assign(pen, { font, textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 8, fillStyle: colour(ink) });
  if (halo) {
    pen.strokeStyle = colour(halo);
    pen.strokeText(words, canvas.width / 2, canvas.height / 2);
  }
  pen.fillText(words, canvas.width / 2, canvas.height / 2);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

// The outlines as the desk has them; drawn before anything else, and the city fills the sheet. A desk or a database that
// starts again meanwhile is waited for.
async function outlines(address) {
  for (;;) {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15000) }).catch(() => null);
    if (answer?.ok && !answer.redirected) return answer.json();
    if (answer && answer.status < 500) throw new Error(`outlines: ${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}

function bounds(features) {
  const all = new LngLatBounds();
  const walk = (part) => (typeof part[0] === "number" ? all.extend(part) : part.forEach(walk));
  for (const feature of features) walk(feature.geometry.coordinates);
  return all;
}

// A sheet in `holder`, ready to carry cases (`cases`) and other marks. `opened(feature)` says where a click leads.
export async function openMap(holder) {
  const city = await outlines(holder.dataset.outlines);
  const sheet = new Sheet({
    container: holder,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    minZoom: 6,
    maxZoom: 17,
    center: [116.2, 33.4],
    zoom: 8,
    style: {
      version: 8,
      sources: {
        city: { type: "geojson", data: city },
        cases: {
          type: "geojson", data: EMPTY, cluster: true, clusterMaxZoom: 15, clusterRadius: 44,
          clusterProperties: { late: counted("late"), watch: counted("watch"), good: counted("good") },
        },
      },
      layers: [
        { id: "ground", type: "background", paint: { "background-color": colour("surface") } },
        { id: "counties", type: "fill", source: "city", filter: ["!=", ["geometry-type"], "Point"], paint: { "fill-color": colour("raised") } },
        { id: "borders", type: "line", source: "city", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": colour("quiet"), "line-width": 1.2, "line-opacity": 0.7 } },
        { id: "names", type: "symbol", source: "city", filter: ["==", ["geometry-type"], "Point"], layout: lettered("name", ["get", "name"]) },
        { id: "clusters", type: "circle", source: "cases", filter: ["has", "point_count"], paint: { "circle-color": coloured(MOST_URGENT), "circle-radius": ["step", ["get", "point_count"], 14, 10, 18, 100, 24], "circle-stroke-color": colour("raised"), "circle-stroke-width": 2 } },
        { id: "counts", type: "symbol", source: "cases", filter: ["has", "point_count"], layout: lettered("count", ["to-string", ["get", "point_count"]]) },
        { id: "cases", type: "circle", source: "cases", filter: ["!", ["has", "point_count"]], paint: { "circle-color": coloured(["get", "urgency"]), "circle-radius": 7, "circle-stroke-color": colour("raised"), "circle-stroke-width": 2 } },
      ],
    },
  });
  sheet.on("styleimagemissing", ({ id }) => {
    const [, kind, words] = id.match(/^(name|count):(.*)$/s) ?? [];
    if (kind) sheet.addImage(id, drawn(words, LETTERS[kind]), { pixelRatio: 2 });
  });
  holder.sheet = sheet; // what stands on the page can be asked where a point lies
  sheet.addControl(new NavigationControl({ showCompass: false }), "top-right");
  sheet.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  sheet.getCanvas().setAttribute("aria-label", holder.getAttribute("aria-label"));
  await sheet.once("load");
  if (city.features.length) sheet.fitBounds(bounds(city.features), { padding: 24, animate: false });
  openClusters(sheet);
  openCases(sheet, holder.dataset.case);
  for (const layer of ["clusters", "cases"]) {
    sheet.on("mouseenter", layer, () => { sheet.getCanvas().style.cursor = "pointer"; });
    sheet.on("mouseleave", layer, () => { sheet.getCanvas().style.cursor = ""; });
  }
  return sheet;
}

// Cases as the desk tells them: [longitude, latitude, number, urgency, title, place, what is left].
// Cases as the desk tells them; how urgent each of them is follows from the clock, also while nothing else changes.
export function showCases(holder, cases, now) {
  const features = cases.map(([lon, lat, number, title, place, state, due]) =>
    point(lon, lat, { number, title, place, urgency: due === null ? "none" : urgency(due, now), left: due === null ? state : timeLeft(due, now) }),
  );
  holder.sheet.getSource("cases").setData(collection(features));
  holder.dataset.shown = features.length;
}

function openClusters(sheet) {
  sheet.on("click", "clusters", async (event) => {
    const [cluster] = event.features;
    const source = sheet.getSource("cases");
    const zoom = await source.getClusterExpansionZoom(cluster.properties.cluster_id);
    if (zoom <= 15) {
      sheet.easeTo({ center: cluster.geometry.coordinates, zoom });
      return;
    }
    const leaves = await source.getClusterLeaves(cluster.properties.cluster_id, 50, 0); // all at one spot
    listed(sheet, cluster.geometry.coordinates, leaves, sheet.getContainer().dataset.case);
  });
}

function openCases(sheet, address) {
  sheet.on("click", "cases", (event) => {
    if (event.features.length === 1) location.assign(`${address}${event.features[0].properties.number}/`);
    else listed(sheet, event.features[0].geometry.coordinates, event.features, address);
  });
}

function listed(sheet, where, features, address) {
  const list = document.createElement("div");
  for (const { properties } of features) {
    const link = document.createElement("a");
    link.href = `${address}${properties.number}/`;
    const title = document.createElement("b");
    title.textContent = properties.title;
    const words = document.createElement("span");
    words.className = `status ${properties.urgency === "none" ? "quiet" : properties.urgency}`;
    words.textContent = properties.left;
    link.append(title, words);
    list.append(link);
  }
  new Popup({ maxWidth: "320px" }).setLngLat(where).setDOMContent(list).addTo(sheet);
}
