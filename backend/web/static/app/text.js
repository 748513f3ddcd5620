// The words of the page come from catalogues. Dates, numbers and plurals follow the language of the browser.

import { en } from './text/en.js';

const catalogue = { ...en };

const language = 'en';
const locale = [navigator.language, language].find(isLocale);
const plurals = new Intl.PluralRules(language);

document.documentElement.lang = language;

/** Whether a text is the tag of a language. WebKit on Linux says `C` where the system has no language. */
function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** Add the texts of a part of the page that is loaded when it is needed. @param {Record<string, any>} texts */
export function addTexts(texts) {
  Object.assign(catalogue, texts);
}

/**
 * A text of the catalogue. `{name}` in it is replaced by the value; a text with plural forms is chosen by `count`.
 * @param {string} key
 * @param {Record<string, any>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return template(key, values).replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/** A text with elements in place of its names, as a list of children. @param {string} key @param {Record<string, any>} values */
export function rich(key, values) {
  const parts = template(key, values).split(/\{(\w+)\}/);
  return parts.map((part, index) => (index % 2 ? values[part] : part));
}

function template(key, values) {
  const entry = catalogue[key];
  if (entry === undefined) throw new Error(`The catalogue has no text "${key}".`);
  return typeof entry === 'string' ? entry : (entry[plurals.select(values.count)] ?? entry.other);
}

const number = new Intl.NumberFormat(locale);

function shown(value) {
  return typeof value === 'number' ? number.format(value) : String(value);
}

const time = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
const day = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
const lists = new Intl.ListFormat(language, { type: 'conjunction' });

/** 14:05 */
export const formatTime = (value) => time.format(new Date(value));
/** 14:05, or 2:05 where the day has twice twelve hours: for narrow places. */
export const formatClock = (value) => {
  const parts = time.formatToParts(new Date(value)).filter(({ type }) => type !== 'dayPeriod');
  return parts
    .map((part) => part.value)
    .join('')
    .trim();
};
/** Thursday, 26 November 2026 at 14:05 */
export const formatMoment = (value) => moment.format(new Date(value));
/** 26 Nov 2026 */
export const formatDate = (value) => date.format(new Date(value));
/** "Ann, Bob and Cyd" @param {string[]} names */
export const formatList = (names) => lists.format(names);
export const formatNumber = (value) => number.format(value);

/** How many midnights lie between a time and now. */
function daysAgo(value) {
  const midnight = (each) => new Date(each.getFullYear(), each.getMonth(), each.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(value))) / 86_400_000);
}

/** Today, Yesterday, Thursday, 26 November: for the line between days. */
export function formatDay(value) {
  const days = daysAgo(value);
  if (days < 2) return capital(relative.format(-days, 'day'));
  return days < 300 ? day.format(new Date(value)) : date.format(new Date(value));
}

/** A short time for lists: 14:05, Yesterday, Monday, 3 Nov, 3 Nov 2025. */
export function formatShort(value) {
  const days = daysAgo(value);
  if (days < 1) return formatTime(value);
  if (days < 2) return capital(relative.format(-1, 'day'));
  if (days < 7) return weekday.format(new Date(value));
  return (days < 300 ? dayOfYear : date).format(new Date(value));
}

/** "5 minutes ago", "in 3 days" */
export function formatRelative(value) {
  const seconds = (new Date(value).getTime() - Date.now()) / 1000;
  for (const [unit, size] of [
    ['year', 31_536_000],
    ['month', 2_592_000],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(0, 'second');
}

/** How long to wait, in one unit: "40 seconds", "3 minutes". @param {number} seconds */
export function formatDuration(seconds) {
  const [unit, size] = seconds < 90 ? ['second', 1] : seconds < 5400 ? ['minute', 60] : ['hour', 3600];
  const style = { style: 'unit', unit, unitDisplay: 'long' };
  return new Intl.NumberFormat(language, style).format(Math.ceil(seconds / size));
}

/** 1.2 MB @param {number} bytes */
export function formatSize(bytes) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3);
  const style = {
    style: 'unit',
    unit: units[power],
    unitDisplay: power ? 'short' : 'long',
    maximumFractionDigits: power > 1 ? 1 : 0,
  };
  return new Intl.NumberFormat(locale, style).format(bytes / 1024 ** power);
}

function capital(text) {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}
