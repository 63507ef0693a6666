// Keeps the status page true: asks again every ten seconds, and says so when nobody answers.
import { t, words } from './i18n.js';

const EVERY = 10_000;

words({
  'status.noAnswer': 'This page cannot reach the service. What it shows may be old.',
  'status.noMail': 'no mail yet',
  'status.ms': '{n} ms',
  'status.s': '{n} s',
});

/**
 * @typedef {{name: string, status: string, word: string, detail: string}} Part
 * @typedef {{status: string, summary: string, components: Part[], median_seconds: number|null,
 *   mails: number, domains: string[], checked_at: string}} Report
 */

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const numbers = new Intl.NumberFormat(document.documentElement.lang);

/** @param {Element} place @param {string} name @param {string} text */
function write(place, name, text) {
  const field = place.querySelector(`[data-f="${name}"]`);
  if (field && field.textContent !== text) field.textContent = text;
}

/** @param {number|null} seconds */
function short(seconds) {
  if (seconds === null) return t('status.noMail');
  if (seconds < 1) return t('status.ms', { n: String(Number((seconds * 1000).toPrecision(3))) });
  return t('status.s', { n: seconds.toFixed(2) });
}

/** @param {Report} report */
function show(report) {
  main.dataset.s = report.status;
  write(main, 'summary', report.summary);
  for (const part of report.components) {
    const row = /** @type {HTMLElement} */ (main.querySelector(`[data-part="${part.name}"]`));
    row.dataset.s = part.status;
    write(row, 'word', part.word);
    write(row, 'detail', part.detail);
  }
  write(main, 'median', short(report.median_seconds));
  write(main, 'mails', numbers.format(report.mails));
  write(main, 'checked', `${report.checked_at.slice(11, 19)} UTC`);
}

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch('/status.json');
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  } catch {
    main.dataset.s = 'unknown';
    write(main, 'summary', t('status.noAnswer'));
  }
}

setInterval(ask, EVERY);
document.addEventListener('visibilitychange', ask);
