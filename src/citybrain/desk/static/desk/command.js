// The command page keeps itself true: it asks every few seconds, draws what changed, and says so when nobody answers.
// It goes on asking while the desk or its database restarts; nothing of it needs a reload.
import { colour, openMap, point, showCases } from "./map.js";
import { toldAt } from "./time_left.js";

const EVERY = 5000; // milliseconds
const LATE = 15000; // after which the page calls itself stale
const board = document.querySelector("#board");
const holder = document.querySelector("#map");
const stale = document.querySelector("#stale");
const dialog = document.querySelector("#send");
const maySend = board.dataset.maySend === "yes";
let tag = "";
let heard = Date.now();
let signedOut = false;
let asking = false; // one question at a time: while the desk is slow they would pile up, and answers overtake each other
let drawn = null; // the state that the map has to show once it is open
let now = 0; // seconds since 1970, by the server's clock

const two = (number) => String(number).padStart(2, "0");
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

function made(name, text = "", kind = "") {
  const one = document.createElement(name);
  if (text) one.textContent = text;
  if (kind) one.className = kind;
  return one;
}

function linked(text, address) {
  const one = made("a", text);
  one.href = address;
  return one;
}

function status(text, urgency) {
  return made("span", text, `status ${urgency === "none" ? "quiet" : urgency}`);
}

// Whatever is drawn anew keeps the focus of whoever works on it.
function fill(place, parts) {
  const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
  place.replaceChildren(...parts);
  if (focused) place.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

function domain(one) {
  const row = made("div", "", "domain");
  row.dataset.domain = one.zh;
  const words = made("span", one.zh);
  if (one.late) words.append(made("br"), status(`${one.late} 件有环节超时`, "late"));
  row.append(words, made("b", String(one.cases)));
  if (one.of.length) {
    const list = made("span", "", "sub");
    for (const [zh, cases, id] of one.of) list.append(linked(`${zh} ${cases}`, `${board.dataset.case}?show=open&scenario=${encodeURIComponent(id)}`));
    row.append(list);
  }
  return row;
}

function health(one) {
  const row = made("div", "", "health");
  const wrong = one.wrong.reduce((sum, [, count]) => sum + count, 0);
  row.append(made("span", one.zh), made("br"));
  if (one.known !== null) row.append(status(`正常 ${Math.max(one.known - wrong, 0)}`, "good"), made("span", " "));
  row.append(status(`待检修 ${wrong}`, wrong ? "late" : "quiet"));
  if (one.wrong.length) row.append(made("div", one.wrong.map(([said, count]) => `${said} ${count}`).join("，"), "sub"));
  return row;
}

function spot(one) {
  const row = made("article", "", "spot");
  row.dataset.point = one.id;
  const head = made("h3", one.name);
  head.append(status(one.level ? `水位 ${one.level} 级` : "未到警戒", one.level ? one.urgency : "good"));
  row.append(head);
  const depth = made("p");
  depth.append(made("span", one.depth, "depth"), made("span", one.trend_said ? `　${one.trend_said}` : ""), made("br"));
  depth.append(one.old ? status(`${one.at || "从未"} 以后没有读数`, "late") : made("span", `${one.county} · ${one.at} 读数`, "quiet"));
  row.append(depth);
  if (!one.case) return row;
  const about = made("p");
  about.append(linked(one.case.number, `${board.dataset.case}${one.case.number}/`), made("span", ` ${one.case.state} `), status(one.case.left || "没有时限", one.case.urgency));
  row.append(about, made("p", one.case.waits, "quiet"));
  if (one.case.wardens.length) {
    const woken = one.case.wardens.some((said) => said.endsWith("已应答"));
    row.append(made("p", `叫应：${one.case.wardens.join("，")}`, one.case.wardens.some((said) => said.endsWith("呼叫中")) && !woken ? "status alarm ringing" : "quiet"));
  }
  for (const said of one.case.asked) row.append(made("p", `现场请求：${said}`, "asked"));
  for (const said of one.case.sent) row.append(made("p", said, "status good"));
  const list = made("ul");
  for (const force of one.near) {
    const item = made("li");
    const words = made("span", force.name);
    words.append(made("br"), made("span", `${force.km} 公里 · ${force.kind === "team" ? force.what : `现有 ${force.left} ${force.unit}`}${force.on_call ? "" : " · 非 24 小时值守"}`, "quiet"));
    item.append(words);
    if (maySend) {
      const button = made("button", "调派", "second");
      button.type = "button";
      button.dataset.focus = `${one.case.number}/${force.code}`;
      button.setAttribute("aria-label", `调派${force.name}到${one.name}`);
      button.addEventListener("click", () => ask(one, force));
      item.append(button);
    }
    list.append(item);
  }
  if (one.near.length) row.append(list);
  return row;
}

function draw(state) {
  fill(document.querySelector("#domains"), state.domains.map(domain));
  fill(document.querySelector("#health"), state.health.map(health));
  const { points, calm, silent, newest } = state.flood;
  document.querySelector("#flood-sum").textContent = points.length + calm ? `${points.length} 处需关注，${calm} 处平稳，${silent} 处一小时以上没有读数。${newest ? `最新读数 ${newest}。` : ""}` : "这里会列出水位到警戒或有未结案件的易涝点。易涝点登记还没有入库。";
  fill(document.querySelector("#flood"), points.map(spot));
  drawn = state;
  drawMap();
}

function drawMap() {
  if (!drawn || !holder.sheet?.getSource("points")) return;
  showCases(holder, drawn.cases, now);
  holder.sheet.getSource("points").setData({ type: "FeatureCollection", features: drawn.flood.marks.map(([lon, lat, name, urgency, depth]) => point(lon, lat, { urgency, text: `${name} ${depth}` })) });
  holder.sheet.getSource("forces").setData({ type: "FeatureCollection", features: drawn.flood.forces.map(([lon, lat, name, kind, sent]) => point(lon, lat, { kind, text: sent ? `${name}（已调派）` : name })) });
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(board.dataset.state, { headers: { Accept: "application/json", "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(10000) });
    signedOut = answer.redirected || answer.status === 401 || answer.status === 403;
    if (signedOut || !(answer.ok || answer.status === 304)) throw new Error(`state: ${answer.status}`);
    now = toldAt(answer);
    if (answer.status !== 304) {
      const state = await answer.json();
      tag = answer.headers.get("ETag") || "";
      draw(state);
    } else drawMap(); // limits run out also while nothing else changes
    heard = Date.now();
    document.querySelector("#fresh").textContent = `${clock(new Date(heard))} 更新`;
    board.dataset.heard = String(heard);
  } catch (error) {
    console.info(String(error)); // told to people by the banner
  } finally {
    asking = false;
  }
  tell();
}

function tell() {
  document.querySelector("#clock").textContent = clock(new Date());
  const old = Date.now() - heard;
  if (signedOut) stale.replaceChildren(made("span", "登录已过期，画面不再更新。"), linked("重新登录", `/sign-in/?next=${encodeURIComponent(location.pathname)}`));
  else if (old > LATE) stale.textContent = `与服务器失去联系，画面停在 ${clock(new Date(heard))}（${Math.round(old / 1000)} 秒前），正在重新连接。`;
  stale.hidden = !(signedOut || old > LATE);
}

// A dialog asks how many; what was sent is a step of the case. Its key makes a second tap harmless.
function ask(one, force) {
  dialog.dataset.case = one.case.number;
  dialog.dataset.force = force.code;
  dialog.dataset.key = crypto.randomUUID?.() || `${Date.now()}-${Math.random().toString(16).slice(2)}`;
  document.querySelector("#send-what").textContent = `把${force.name}（${force.km} 公里）调派到${one.name}，案件 ${one.case.number}。`;
  document.querySelector("#send-refused").hidden = true;
  const count = document.querySelector("#send-count");
  count.value = "1";
  count.max = String(force.left);
  count.readOnly = force.kind === "team";
  dialog.showModal();
}

document.querySelector("#send-not").addEventListener("click", () => dialog.close());
document.querySelector("#send-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const refused = document.querySelector("#send-refused");
  const button = document.querySelector("#send-now");
  const form = new FormData(event.target);
  form.set("case", dialog.dataset.case);
  form.set("force", dialog.dataset.force);
  form.set("key", dialog.dataset.key);
  button.disabled = true;
  try {
    const answer = await fetch(board.dataset.send, { method: "POST", body: form, signal: AbortSignal.timeout(20000) });
    if (answer.ok && !answer.redirected) {
      dialog.close();
      await refresh();
      return;
    }
    refused.textContent = answer.status === 422 ? (await answer.json()).said : "没有执行：登录已过期或您无权调派。";
  } catch {
    refused.textContent = "没有网络或服务器没有回答。再按一次不会重复调派。";
  } finally {
    button.disabled = false;
  }
  refused.hidden = false;
});

document.querySelector("#full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});

// A mark of the legend, drawn: what it is can be told without its colour.
const MARKS = [["team", "ring", "series-3"], ["stock", "square", "series-2"], ...["good", "watch", "late", "alarm"].map((name) => [name, "diamond", name])];

function mark(shape, ink) {
  const canvas = made("canvas");
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext("2d");
  pen.lineWidth = 5;
  pen.strokeStyle = pen.fillStyle = ink;
  if (shape === "ring") pen.arc(16, 16, 9, 0, 2 * Math.PI);
  else if (shape === "square") pen.rect(7, 7, 18, 18);
  else for (const [x, y] of [[16, 2], [30, 16], [16, 30], [2, 16], [16, 2]]) pen.lineTo(x, y);
  if (shape === "diamond") pen.fill();
  else pen.stroke();
  return pen.getImageData(0, 0, 32, 32);
}

async function map() {
  try {
    const sheet = await openMap(holder);
    const empty = { type: "FeatureCollection", features: [] };
    sheet.addSource("forces", { type: "geojson", data: empty });
    sheet.addSource("points", { type: "geojson", data: empty });
    for (const [name, shape, ink] of MARKS) sheet.addImage(name, mark(shape, colour(ink)), { pixelRatio: 2 });
    const anywhere = { "icon-allow-overlap": true, "icon-ignore-placement": true };
    sheet.addLayer({ id: "forces", type: "symbol", source: "forces", layout: { ...anywhere, "icon-image": ["get", "kind"] } }, "clusters");
    sheet.addLayer({ id: "points", type: "symbol", source: "points", layout: { ...anywhere, "icon-image": ["get", "urgency"], "icon-size": ["match", ["get", "urgency"], "good", 0.6, 1.2] } }, "clusters");
    const hint = made("p", "", "map-hint quiet");
    holder.append(hint);
    for (const layer of ["points", "forces"]) {
      sheet.on("mousemove", layer, (event) => { hint.textContent = event.features[0].properties.text; });
      sheet.on("mouseleave", layer, () => { hint.textContent = ""; });
    }
    drawMap();
  } catch (error) {
    holder.textContent = "这台设备的浏览器画不了地图；左右两栏照常更新。";
    console.error(error);
  }
}

map();
refresh();
setInterval(refresh, EVERY);
setInterval(tell, 1000);
