// Time limits in words, as `cases/time_left.py` says them: what is left, or by how much a limit has passed.
const MINUTE = 60, HOUR = 3600, DAY = 86400;

// Two units, the smaller one only when it is not 0.
function duration(seconds) {
  const days = Math.floor(seconds / DAY), hours = Math.floor((seconds % DAY) / HOUR), minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (days) return hours ? `${days} 天 ${hours} 小时` : `${days} 天`;
  if (hours) return minutes ? `${hours} 小时 ${minutes} 分` : `${hours} 小时`;
  return minutes ? `${minutes} 分` : "不到 1 分";
}

// Both are seconds since 1970.
export function timeLeft(due, now) {
  const seconds = Math.trunc(due - now);
  if (seconds > 0) return seconds >= MINUTE ? `还剩 ${duration(seconds)}` : "还剩不到 1 分";
  return seconds <= -MINUTE ? `超时 ${duration(-seconds)}` : "刚刚超时";
}

export function urgency(due, now) {
  if (due <= now) return "late";
  return due - now <= 15 * MINUTE ? "watch" : "good";
}

// The server's clock as it answered: that of a screen on a wall may stand wrong.
export const toldAt = (answer) => Date.parse(answer.headers.get("Date")) / 1000 || Date.now() / 1000;
