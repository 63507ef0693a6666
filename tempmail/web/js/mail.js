// What can be done with the inbox that is shown, and with its messages.

import { api, Refusal, UNSURE } from './api.js';
import { atFull, t } from './i18n.js';
import { Live } from './live.js';
import { store } from './store.js';

/**
 * @typedef {import('./shapes').Summary} Summary
 * @typedef {import('./shapes').Mailbox} Mailbox
 * @typedef {import('./store.js').Inbox} Inbox
 */

const PAGE = 50;
const MOST = 200; // that one answer may hold
const AT_ONCE = 20; // rows that one frame draws
const UNDO_SECONDS = 6;
const PREVIEWS = 20; // that one answer makes
const OPENED = 50; // messages that are kept as a whole
const DOCUMENT_SECONDS = 480; // for which an address of a document is surely good
const AGAIN_SECONDS = 5;

/** @type {Live | null} */
let live = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;
/** @type {Map<string, ReturnType<typeof setTimeout>>} messages that are deleted soon */
const leaving = new Map();

/** One after the other: no answer undoes what was heard while it was on its way. */
let last = Promise.resolve();
/**
 * Do something for the inbox that is shown now, unless another one is by then.
 * @param {(current: () => boolean) => Promise<void>} work is told whether that is still so
 */
function inTurn(work) {
  const { inbox } = store;
  const current = () => store.inbox?.address === inbox?.address;
  last = last
    .then(() => (current() ? work(current) : undefined))
    .catch((error) => (current() ? trouble(error) : undefined))
    .catch(reportError); // a mistake of ours, after which the others have their turn all the same
  return last;
}

/** @param {string} [rest] */
const path = (rest = '') => `/mailboxes/${encodeURIComponent(store.inbox?.address ?? '')}${rest}`;
const token = () => store.inbox?.token;

/** What became of a request, where that changes what is shown. @param {unknown} error */
function trouble(error) {
  if (!(error instanceof Refusal)) throw error;
  if (error.status === 404) ended();
  else if (error.status === 401 || error.status === 403) store.set({ phase: 'refused' });
  else {
    if (store.phase === 'loading') store.set({ phase: 'failed' });
    clearTimeout(again);
    again = setTimeout(() => inTurn(load), (error.retryAfter || AGAIN_SECONDS) * 1000);
  }
}

/** The inbox is no more. */
export function ended() {
  stop();
  store.set({ phase: store.secondsLeft * 1000 > UNSURE ? 'gone' : 'expired', openId: null });
}

function stop() {
  clearTimeout(again);
  live?.stop();
  live = null;
}

/** @param {Mailbox} box @param {string | null} key @returns {Inbox} */
export function inboxOf(box, key) {
  return {
    address: box.address,
    token: key,
    created: Date.parse(box.created_at),
    expires: Date.parse(box.expires_at),
  };
}

/**
 * Show this inbox.
 * @param {Inbox} inbox
 * @param {boolean} [made] just now, so that it is known to be empty, and whatever comes is new
 */
export function show(inbox, made = false) {
  stop();
  flush();
  store.prefer(inbox.address);
  store.opened.clear();
  store.fresh.clear();
  store.hidden.clear();
  store.set({
    inbox,
    phase: made ? 'ready' : 'loading',
    messages: [],
    older: null,
    openId: null,
    missing: '',
    query: '',
    found: null,
    link: 'connecting',
  });
  live = new Live(inbox, {
    after: () => store.lastSeq,
    link: (link) => store.set({ link }),
    arrived: catchUp,
    got: (messages) => inTurn((current) => add(messages, current)),
    deleted: (id) => inTurn(async () => dropped(id)),
    read: (id) => markRead(id),
    hidden: (id, hidden) => hide(id, hidden),
    ended,
    resume: () => inTurn(load),
  });
  live.start();
  return inTurn(load);
}

/** Nothing is shown any more. */
export function leave() {
  stop();
  store.set({ inbox: null, phase: 'loading', messages: [], openId: null, dialog: null });
}

/**
 * The mailbox and as many of its messages as were shown; what is not there any more goes.
 * @param {() => boolean} current
 */
async function load(current) {
  const inbox = store.inbox;
  if (!inbox || store.ended) return;
  const [box, first] = await Promise.all([
    /** @type {Promise<Mailbox>} */ (api('GET', path(), { token: token() })),
    api('GET', path(`/messages?limit=${PAGE}`), { token: token() }),
  ]);
  /** @type {Summary[]} */
  const messages = first.messages;
  let next = first.next;
  const lowest = store.messages.at(-1)?.seq ?? 0;
  while (current() && next && lowest && (messages.at(-1)?.seq ?? 0) > lowest) {
    const page = await api('GET', path(`/messages?limit=${MOST}&cursor=${next}`), {
      token: token(),
    });
    messages.push(...page.messages);
    next = page.next;
  }
  if (!current()) return;
  const known = new Set(store.messages.map((m) => m.id));
  const unknown = messages.filter((m) => !known.has(m.id));
  const arrived = store.phase === 'ready' ? unknown : [];
  // Nobody fetches these again: the event that tells of them finds them here already.
  if (live?.leads && unknown.length) live.share(unknown);
  store.remember(inboxOf(box, inbox.token));
  store.set({ phase: 'ready', messages, older: next });
  announce(arrived);
}

/** Older messages, behind those that are shown. */
export function more() {
  return inTurn(async (current) => {
    if (!store.older) return;
    const page = await api('GET', path(`/messages?limit=${PAGE}&cursor=${store.older}`), {
      token: token(),
    });
    if (!current()) return;
    merge(page.messages);
    store.set({ older: page.next });
  });
}

let behind = false;
/** Something has come: fetch what is newer than what is shown. */
function catchUp() {
  if (behind) return;
  behind = true;
  inTurn(async (current) => {
    await live?.breath();
    behind = false;
    for (let next = ''; next !== null && current(); ) {
      const where = next && `&cursor=${next}`;
      const rest = `/messages?limit=${MOST}&after=${store.lastSeq}${where}`;
      const page = await api('GET', path(rest), { token: token() });
      if (!current()) return;
      next = page.next;
      if (page.messages.length) live?.share(page.messages);
      await add(page.messages, current);
    }
    await previews(current);
  }).finally(() => {
    behind = false;
  });
}

/**
 * Put messages that have come into the list, a frame's worth at a time.
 * @param {Summary[]} messages @param {() => boolean} current
 */
async function add(messages, current) {
  const known = new Set(store.messages.map((m) => m.id));
  const all = messages.filter((m) => !known.has(m.id));
  if (all.length < messages.length) merge(messages.filter((m) => known.has(m.id)));
  for (let i = 0; i < all.length && current(); i += AT_ONCE) {
    const some = all.slice(i, i + AT_ONCE);
    merge(some);
    announce(some);
    if (i + AT_ONCE < all.length) await frame();
  }
}

const frame = () =>
  new Promise((done) => (document.hidden ? setTimeout(done, 20) : requestAnimationFrame(done)));

/** @param {Summary[]} messages newer versions of some, or further ones */
function merge(messages) {
  if (!messages.length) return;
  const all = new Map(store.messages.map((m) => [m.id, m]));
  for (const one of messages) all.set(one.id, one);
  store.set({ messages: [...all.values()].sort((a, b) => b.seq - a.seq) });
}

/**
 * Of many that came at once only some were parsed: ask again for the newest of them.
 * @param {() => boolean} current
 */
async function previews(current) {
  const bare = store.messages.slice(0, PAGE).filter((m) => m.preview === null);
  for (let i = 0; i < bare.length; i += PREVIEWS) {
    const from = bare[Math.min(i + PREVIEWS, bare.length) - 1].seq - 1;
    const page = await api('GET', path(`/messages?limit=${PREVIEWS}&after=${from}`), {
      token: token(),
    });
    if (!current()) return;
    merge(page.messages);
    live?.share(page.messages);
  }
}

/** @param {Summary[]} messages */
function announce(messages) {
  if (!messages.length) return;
  for (const one of messages) store.fresh.add(one.id);
  const newest = messages.reduce((a, b) => (a.seq > b.seq ? a : b));
  const from = newest.from_name || newest.from_address || t('nobody');
  const subject = newest.subject || t('noSubject');
  const code = newest.codes[0]?.value.split('').join(' ');
  let said = t('arrivedMany', { n: messages.length });
  if (messages.length === 1) {
    said = code ? t('arrivedCode', { from, subject, code }) : t('arrived', { from, subject });
  }
  store.set({ said });
  if (live?.leads) notify(newest, from, subject);
}

/** @param {Summary} m @param {string} from @param {string} subject */
function notify(m, from, subject) {
  if (!store.notifies || !document.hidden || !('Notification' in window)) return;
  if (Notification.permission !== 'granted') return;
  try {
    const note = new Notification(from, { body: subject, tag: m.id });
    note.onclick = () => {
      window.focus();
      select(m.id);
      note.close();
    };
  } catch {
    // Some browsers let only service workers do this.
  }
}

/** Open a message, or none; the address bar says which. @param {string | null} id */
export function select(id) {
  const hash = id ? `#/m/${id}` : '';
  if (location.hash !== hash) history.pushState(null, '', hash || location.pathname);
  store.set({ openId: id, missing: '' });
  if (id) read(id);
}

/** @param {1 | -1} by */
export function step(by) {
  const list = store.visible;
  if (!list.length) return;
  const at = list.findIndex((m) => m.id === store.openId);
  select(list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + by))].id);
}

/** Have a message as a whole, which marks it as read. @param {string} id @param {boolean} [anew] */
export async function read(id, anew = false) {
  const known = store.opened.get(id);
  if (known && !anew && Date.now() - known.at < DOCUMENT_SECONDS * 1000) return;
  const address = store.inbox?.address;
  try {
    const message = await api('GET', path(`/messages/${encodeURIComponent(id)}`), {
      token: token(),
    });
    if (store.inbox?.address !== address) return;
    store.opened.delete(id);
    store.opened.set(id, { message, at: Date.now() });
    const [oldest] = store.opened.keys();
    if (store.opened.size > OPENED) store.opened.delete(oldest);
    if (store.openId === id) store.set({ missing: '' });
    if (!message.is_read) message.is_read = true;
    if (store.messages.some((m) => m.id === id)) merge([{ ...message }]);
    live?.tell({ kind: 'read', id });
    store.set({});
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (store.openId !== id) return;
    store.set({ missing: error.status === 404 ? 'gone' : 'failed' });
  }
}

/** Another tab has read it. @param {string} id */
function markRead(id) {
  const messages = store.messages.map((m) => (m.id === id ? { ...m, is_read: true } : m));
  store.set({ messages });
}

/** Delete a message, unless that is undone soon. @param {string} id */
export function remove(id) {
  const list = store.visible;
  const at = list.findIndex((m) => m.id === id);
  const next = list[at + 1] ?? list[at - 1] ?? null;
  const wasOpen = store.openId === id;
  hide(id, true);
  live?.tell({ kind: 'hidden', id, hidden: true });
  if (wasOpen) select(matchMedia('(max-width: 860px)').matches ? null : (next?.id ?? null));
  leaving.set(
    id,
    setTimeout(() => erase(id), UNDO_SECONDS * 1000),
  );
  store.note(t('messageDeleted'), () => {
    clearTimeout(leaving.get(id));
    leaving.delete(id);
    hide(id, false);
    live?.tell({ kind: 'hidden', id, hidden: false });
    if (wasOpen) select(id);
  });
}

/** @param {string} id @param {boolean} hidden */
function hide(id, hidden) {
  if (hidden) store.hidden.add(id);
  else store.hidden.delete(id);
  store.set({});
}

/** @param {string} id @param {boolean} [keepalive] where the page is about to go */
async function erase(id, keepalive = false) {
  leaving.delete(id);
  try {
    await api('DELETE', path(`/messages/${id}`), { token: token(), keepalive });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status !== 404) {
      hide(id, false);
      store.note(t('actionFailed', { why: error.detail }));
      return;
    }
  }
  inTurn(async () => dropped(id));
}

/** Delete now what waits for it. */
export function flush() {
  for (const [id, timer] of [...leaving]) {
    clearTimeout(timer);
    erase(id, true);
  }
}

/** @param {string | null} id of a message that is gone; null: all of them */
function dropped(id) {
  if (id === null) {
    store.set({ messages: [], older: null });
  } else {
    store.hidden.delete(id);
    store.opened.delete(id);
    store.set({ messages: store.messages.filter((m) => m.id !== id) });
  }
  if (store.openId !== null && (id === null || id === store.openId)) store.set({ missing: 'gone' });
}

/** An hour more, or as much of it as the plan allows. */
export async function extend() {
  const inbox = store.inbox;
  if (!inbox) return;
  const minutes = Math.ceil(store.secondsLeft / 60) + 60;
  try {
    const box = await api('PATCH', path(), { token: token(), body: { ttl_minutes: minutes } });
    const longer = inboxOf(box, inbox.token);
    store.remember(longer);
    const gained = (longer.expires - inbox.expires) / 60_000;
    const time = atFull(longer.expires);
    const key = gained >= 58 ? 'extended' : gained >= 2 ? 'extendedLess' : 'extendedNot';
    store.note(t(key, { time }));
  } catch (error) {
    if (error instanceof Refusal) store.note(t('actionFailed', { why: error.detail }));
    trouble(error);
  }
}

/** End the inbox that is shown. */
export async function end() {
  const inbox = store.inbox;
  if (!inbox) return;
  store.set({ dialog: null });
  try {
    if (!store.ended) await api('DELETE', path(), { token: token() });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status !== 404 && error.status !== 401) {
      store.note(t('actionFailed', { why: error.detail }));
      return;
    }
  }
  forget(inbox.address);
  store.note(t('inboxDeleted'));
}

/** Show another inbox than this one, or none. @param {string} address */
export function forget(address) {
  stop();
  store.forget(address);
  const other = store.remembered;
  if (other) show(other);
  else leave();
}

/** Have a mail come, to see how that is. */
export async function sendTest() {
  try {
    await api('POST', path('/messages/test'), { token: token() });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    store.note(t('actionFailed', { why: error.detail }));
  }
}

let searching = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
/** Filter what is here at once, and ask for what is not. @param {string} query */
export function search(query) {
  clearTimeout(searching);
  store.set({ query, found: query.trim() ? store.found : null });
  if (!query.trim()) return;
  searching = setTimeout(async () => {
    const q = encodeURIComponent(query.trim().slice(0, 200));
    try {
      const page = await api('GET', path(`/messages?limit=${MOST}&q=${q}`), { token: token() });
      if (store.query === query) store.set({ found: page.messages });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // what is here is found all the same
    }
  }, 300);
}

/** Make an inbox and show it. @param {{username?: string, domain: string, ttl_minutes: number}} wish */
export async function make(wish) {
  const body = { ...wish };
  /** @type {Mailbox} */
  const box = await api('POST', '/mailboxes', { body }).catch((error) => {
    // A sign-in that has ended is forgotten by the answer that says so.
    if (error instanceof Refusal && error.status === 401)
      return api('POST', '/mailboxes', { body });
    throw error;
  });
  const inbox = inboxOf(box, box.session_token ?? null);
  store.remember(inbox);
  store.set({ dialog: null });
  show(inbox, true);
}

/**
 * Open the inbox of a link.
 * @param {string} link `#k=TOKEN&a=ADDRESS`
 * @param {boolean} [sure] else it is asked first where there are inboxes already: whoever made the
 *   link reads what comes to this one
 * @returns {Promise<boolean>} whether it is shown
 */
export async function openLink(link, sure = false) {
  const given = new URLSearchParams(link.slice(1));
  const [key, address] = [given.get('k'), given.get('a')?.toLowerCase()];
  if (!key || !address) {
    store.note(t('linkBroken'));
    return false;
  }
  const known = store.inboxes.find((one) => one.address === address && one.token === key);
  try {
    const box = await api('GET', `/mailboxes/${encodeURIComponent(address)}`, { token: key });
    if (!sure && !known && store.inboxes.length) {
      if (!store.inbox) show(/** @type {Inbox} */ (store.remembered));
      store.set({ dialog: 'link', offered: { link, address } });
      return true;
    }
    const inbox = inboxOf(box, key);
    store.remember(inbox);
    store.set({ dialog: null });
    show(inbox);
    store.note(t(known ? 'linkKnown' : 'linkOpened'));
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const gone = error.status === 404 || error.status === 401;
    store.note(t(gone ? 'linkEnded' : 'actionFailed', { why: error.detail }));
    return false;
  }
}

/** The machine has slept, or the network is back. */
export const wake = (sure = false) => live?.wake(sure);
