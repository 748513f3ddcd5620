const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
];
const SYSTEMS = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b|\bMacintosh\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];

/**
 * The browser and the system that a User-Agent names. A client's own name for its device is left as it is.
 * @param {string} info
 */
export function deviceOf(info) {
  const find = (list) => list.find(([, pattern]) => pattern.test(info))?.[0];
  const system = find(SYSTEMS);
  const isMobile = /\b(?:Mobile|Android|iPhone|iPad)\b/.test(info);
  if (!/^Mozilla\//.test(info)) return { browser: info, system: '', isMobile };
  return { browser: find(BROWSERS) ?? '', system: system ?? '', isMobile };
}
