// Small things that several components draw.

import { html, svg } from '../vendor/lit.js';
import { copyText, flash } from './copy.js';
import { t } from './i18n.js';
import { store } from './store.js';

const MOST_LINKS = 1000; // in a text that are made links: each takes its time

/** Whether one pane is shown at a time. */
export const narrow = () => matchMedia('(max-width: 860px)').matches;

/** @param {string} name of a symbol in icons.svg */
export const icon = (name) =>
  html`<svg class="i" aria-hidden="true" focusable="false"><use href=${`#i-${name}`}></use></svg>`;

/**
 * Copy a text; the pressed button says so for a moment.
 * @param {string} text
 * @param {Event} event
 * @param {string} said
 */
export async function copy(text, event, said) {
  const button = event.currentTarget instanceof HTMLElement ? event.currentTarget : null;
  const done = await copyText(text);
  if (done && button) flash(button);
  store.note(done ? said : t('notCopied'));
}

/** One of six hues, always the same for the same text. @param {string} text */
export const hue = (text) =>
  [...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7) % 6;

/** The letter of a sender's picture. @param {string} name */
export const initial = (name) => /[\p{L}\p{N}]/u.exec(name)?.[0].toUpperCase() ?? '?';

/**
 * "482913" as two groups.  The gap is a margin, so that selecting the text copies digits alone.
 * @param {string} code
 */
export function spaced(code) {
  const half = /^\d{6}$|^\d{8}$/.test(code) ? code.length / 2 : 0;
  return half ? html`${code.slice(0, half)}<span class="gap">${code.slice(half)}</span>` : code;
}

/**
 * A text whose http(s) addresses are links; everything else stays text.
 * @param {string} text
 */
export function linkify(text) {
  const parts = [];
  let end = 0;
  let left = MOST_LINKS;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g)) {
    parts.push(
      text.slice(end, found.index),
      html`<a href=${found[0]} target="_blank" rel="noopener noreferrer nofollow">${found[0]}</a>`,
    );
    end = found.index + found[0].length;
    left -= 1;
    if (!left) break;
  }
  parts.push(text.slice(end));
  return parts;
}

/** The host that a link leads to; null where it is none to follow. @param {string} href */
export function hostOf(href) {
  try {
    const url = new URL(href);
    return /^https?:$/.test(url.protocol) ? url.host : null;
  } catch {
    return null;
  }
}

const STRIPES = [0, 1, 2, 3, 4, 5].map((i) => {
  const stroke = i % 2 ? 'var(--stripe-b)' : 'var(--stripe-a)';
  return svg`<path d=${`M${31 + i * 16} 89l5-8`} stroke=${stroke}/>`;
});

export const postbox = html`<svg class="postbox" viewBox="0 0 148 106" aria-hidden="true">
  <ellipse cx="74" cy="99" rx="52" ry="5" fill="var(--line)" />
  <g class="bob">
    <rect x="22" y="20" width="104" height="70" rx="9" fill="var(--surface)" stroke="var(--edge)" stroke-width="2" />
    <path d="M25 25l49 36 49-36" fill="none" stroke="var(--edge)" stroke-width="2" stroke-linejoin="round" />
    <g stroke-width="6">${STRIPES}</g>
    <circle cx="118" cy="24" r="11" fill="var(--accent)" />
    <path d="M113 24h10M118 19v10" stroke="var(--accent-ink)" stroke-width="2.4" stroke-linecap="round" />
  </g>
</svg>`;
