// The page of inboxes: what is shown, the address bar, the keys.

import { html, LitElement, nothing } from '../vendor/lit.js';
import { t } from './i18n.js';
import {
  ended,
  extend,
  flush,
  forget,
  leave,
  openLink,
  remove,
  select,
  show,
  step,
  wake,
} from './mail.js';
import { connected, store } from './store.js';
import { copy, icon, postbox } from './ui.js';
import './address.js';
import './dialogs.js';
import './list.js';
import './reader.js';

const SLEPT = 10_000; // ms without a second's tick
const ENDINGS = /** @type {const} */ ({
  expired: ['endedTitle', 'endedWhy'],
  gone: ['goneTitle', 'goneWhy'],
  refused: ['refusedTitle', 'refusedWhy'],
});

class TmInbox extends connected(LitElement) {
  render() {
    const inbox = store.inbox;
    if (!inbox) return nothing;
    if (store.phase in ENDINGS) {
      const [title, why] = ENDINGS[/** @type {keyof typeof ENDINGS} */ (store.phase)];
      const others = store.inboxes.length > 1;
      return html`<div class="blank only">
        ${postbox}
        <h1>${t(title)}</h1>
        <p><span class="mono">${inbox.address}</span></p>
        <p>${t(why)}</p>
        <div class="btns">
          <button class="btn primary big" id="again" @click=${() => forget(inbox.address)}>
            ${icon(others ? 'inbox' : 'mail')} ${t(others ? 'forget' : 'getNewAddress')}
          </button>
        </div>
      </div>`;
    }
    const empty = store.phase !== 'loading' && !store.kept.length;
    return html`<div class="inbox" ?data-empty=${empty}>
      <tm-address></tm-address>
      <div class="panes">
        <h1 class="vh">${t('inbox')}</h1>
        <tm-list class="list card"></tm-list>
        <tm-reader class="reader card"></tm-reader>
      </div>
    </div>`;
  }

  updated() {
    const root = document.documentElement;
    root.toggleAttribute('data-open', store.openId !== null && !store.ended);
    if (store.inbox) root.dataset.view = 'inbox';
    else delete root.dataset.view;
    const dot = store.inbox && !store.ended && store.unread;
    const link = /** @type {HTMLLinkElement} */ (document.querySelector('link[rel=icon]'));
    const name = link.href.replace(/favicon(-dot)?\.svg$/, `favicon${dot ? '-dot' : ''}.svg`);
    if (link.href !== name) link.href = name;
    const count = dot ? `(${store.unread}) ` : '';
    document.title = `${count}${store.inbox?.address ?? 'tempmail'}`;
  }
}
customElements.define('tm-inbox', TmInbox);

class TmLive extends connected(LitElement) {
  render() {
    if (!store.inbox || store.ended) return nothing;
    this.dataset.s = store.link;
    if (store.link !== 'connecting') return html`<i></i><span>${t(store.link)}</span>`;
    // The room of what it will say, so that nothing moves when it does.
    return html`<i></i><span class="vh">${t('connecting')}</span><span class="room" aria-hidden="true">${t('live')}</span>`;
  }
}
customElements.define('tm-live', TmLive);

/** The address bar says which message is open, or brings the link to an inbox. */
function route() {
  if (location.hash.startsWith('#k=')) {
    const link = location.hash;
    history.replaceState(null, '', location.pathname);
    openLink(link);
    return;
  }
  const id = /^#\/m\/([0-9a-f-]{36})$/.exec(location.hash)?.[1] ?? null;
  if (id !== store.openId) select(id);
}

/** @param {KeyboardEvent} event */
function keys(event) {
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  if (event.key === 'Escape' && target.id === 'q') {
    target.blur();
    return;
  }
  if (document.querySelector(':popover-open')) return; // the browser closes it
  if (document.querySelector('dialog[open]')) return;
  if (!store.shortcuts || !store.inbox || store.ended) return;
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
  const act = acts(event)[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** @param {KeyboardEvent} event @returns {Record<string, () => void>} */
function acts(event) {
  const tab = (/** @type {number} */ at) => () =>
    /** @type {HTMLElement | undefined} */ (document.querySelectorAll('[role=tab]')[at])?.click();
  return {
    j: () => step(1),
    k: () => step(-1),
    Escape: () => select(null),
    u: () => select(null),
    '/': () => document.getElementById('q')?.focus(),
    c: () => copy(store.inbox?.address ?? '', event, t('addressCopied')),
    y: () => copyCode(event),
    '#': () => store.openId && remove(store.openId),
    n: () => store.set({ dialog: 'new' }),
    q: () => store.set({ dialog: 'qr' }),
    e: () => extend(),
    '?': () => store.set({ dialog: 'keys' }),
    1: tab(0),
    2: tab(1),
    3: tab(2),
    4: tab(3),
  };
}

/** @param {Event} event */
function copyCode(event) {
  const open = store.open;
  const from = open?.codes.length ? open : store.kept.find((m) => m.codes.length);
  if (from) copy(from.codes[0].value, event, t('codeCopied'));
}

function tick() {
  const before = store.now;
  store.tick();
  if (store.now - before > SLEPT) wake();
  if (store.inbox && store.phase === 'ready' && store.secondsLeft === 0) ended();
}

async function start() {
  const link = window.openedLink;
  delete window.openedLink;
  if (link && (await openLink(link))) return;
  const inbox = store.remembered;
  if (inbox) {
    show(inbox);
    route();
  } else {
    leave();
  }
}

setInterval(tick, 1000);
addEventListener('popstate', route);
addEventListener('hashchange', route);
addEventListener('keydown', keys);
addEventListener('online', () => wake(true));
addEventListener('offline', () => store.set({ link: 'off' }));
addEventListener('pagehide', flush);
addEventListener('storage', (event) => {
  if (event.key === 'inboxes') store.reload();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) tick();
});
// The frame of a mail keeps keys to itself: the focus comes back when the pointer does.
addEventListener('pointerover', () => {
  if (document.activeElement instanceof HTMLIFrameElement) {
    document.activeElement.blur();
    window.focus();
  }
});
start();
