// The map of cases: drawn once, the points fetched again every half minute.
import { openMap, showCases } from "./map.js";
import { toldAt } from "./time_left.js";

const holder = document.querySelector("#map");
const said = document.querySelector("#map-said");
let tag = "";
let told = null; // as the desk last told them

async function refresh() {
  try {
    const answer = await fetch(holder.dataset.points, { headers: { Accept: "application/json", "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.redirected || !(answer.ok || answer.status === 304)) throw new Error(`points: ${answer.status}`);
    if (answer.status !== 304) {
      told = await answer.json();
      tag = answer.headers.get("ETag") || "";
    }
    showCases(holder, told.cases, toldAt(answer));
    const more = told.left_out ? `，另有 ${told.left_out} 件较不紧急的没有上图，请缩小筛选范围` : "";
    const nowhere = told.nowhere ? `，${told.nowhere} 件没有坐标，请到列表查看` : "";
    said.textContent = told.cases.length ? `图上 ${told.cases.length} 件${more}${nowhere}。` : `这里会按时限颜色标出案件的位置。现在没有符合条件的案件${nowhere}。`;
  } catch {
    said.textContent = "没有取到最新案件，正在重试。图上是上一次的结果。";
  }
}

try {
  await openMap(holder);
  await refresh();
  setInterval(refresh, 30000);
} catch (error) {
  said.textContent = "这台设备的浏览器画不了地图，请用列表查看。";
  console.error(error);
}
