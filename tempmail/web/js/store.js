// What the page knows.  Whoever changes it says so with set(); components draw themselves again.

import { service } from './api.js';

/**
 * @typedef {import('./shapes').Summary} Summary
 * @typedef {import('./shapes').Message} Message
 * @typedef {import('../vendor/lit.js').LitElement} LitElement
 * @typedef {{address: string, token: string | null, created: number, expires: number}} Inbox
 * @typedef {{id: number, text: string, undo?: () => void}} Note
 * @typedef {'loading' | 'ready' | 'failed' | 'expired' | 'gone' | 'refused'} Phase
 */

const INBOXES = 'inboxes';
const CURRENT = 'inbox';
const SHORTCUTS = 'shortcuts';

/** @typedef {'localStorage' | 'sessionStorage'} Where for all tabs, or for this one */

/** @param {string} key @param {Where} [where] */
function stored(key, where = 'localStorage') {
  try {
    return window[where].getItem(key);
  } catch {
    return null; // the browser keeps nothing for us
  }
}

/** @param {string} key @param {string | null} value @param {Where} [where] */
function keep(key, value, where = 'localStorage') {
  try {
    if (value === null) window[where].removeItem(key);
    else window[where].setItem(key, value);
  } catch {
    // It lasts as long as the page.
  }
}

/** @returns {Inbox[]} */
function known() {
  try {
    const found = JSON.parse(stored(INBOXES) ?? '[]');
    return found.filter((/** @type {Inbox} */ one) => typeof one.address === 'string');
  } catch {
    return [];
  }
}

export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Inbox[]} all that this browser opens */
    this.inboxes = known();
    /** @type {Inbox | null} the one that is shown */
    this.inbox = null;
    /** @type {Phase} */
    this.phase = 'loading';
    /** @type {Summary[]} those that are loaded, newest first */
    this.messages = [];
    /** @type {string | null} where older ones begin */
    this.older = null;
    /** @type {Map<string, {message: Message, at: number}>} those that were opened */
    this.opened = new Map();
    /** @type {Set<string>} deleted, but it can still be undone */
    this.hidden = new Set();
    /** @type {Set<string>} came while the page was open */
    this.fresh = new Set();
    /** @type {string | null} */
    this.openId = null;
    /** @type {'' | 'gone' | 'failed'} why the open message is not to be seen */
    this.missing = '';
    this.query = '';
    /** @type {Summary[] | null} what the service found for the query */
    this.found = null;
    /** @type {'connecting' | 'live' | 'retry' | 'off'} */
    this.link = 'connecting';
    /** @type {Note[]} */
    this.notes = [];
    /** @type {'qr' | 'new' | 'keys' | 'delete' | 'link' | null} */
    this.dialog = null;
    /** What the dialog asks about an inbox's link. */
    this.offered = { link: '', address: '' };
    this.said = '';
    this.now = this.#time();
    this.shortcuts = stored(SHORTCUTS) !== 'off';
    this.notifies = stored('notify') === 'on';
  }

  /** @param {Partial<Store>} change */
  set(change) {
    Object.assign(this, change);
    this.dispatchEvent(new Event('change'));
  }

  /** A second has passed. */
  tick() {
    this.now = this.#time();
    this.dispatchEvent(new Event('tick'));
  }

  #time() {
    return Date.now() + service.ahead;
  }

  /** Every message that is not about to be deleted. */
  get kept() {
    return this.hidden.size ? this.messages.filter((m) => !this.hidden.has(m.id)) : this.messages;
  }

  /** What the list shows. */
  get visible() {
    if (!this.query.trim()) return this.kept;
    const wanted = this.query.trim().toLowerCase();
    const known = new Map(this.kept.map((m) => [m.id, m]));
    const here = this.kept.filter((m) => textOf(m).includes(wanted));
    const there = (this.found ?? []).filter((m) => !this.hidden.has(m.id));
    const all = new Map([...here, ...there].map((m) => [m.id, known.get(m.id) ?? m]));
    return [...all.values()].sort((a, b) => b.seq - a.seq);
  }

  get open() {
    if (this.openId === null || this.hidden.has(this.openId)) return null;
    return (
      this.messages.find((m) => m.id === this.openId) ??
      this.opened.get(this.openId)?.message ??
      null
    );
  }

  get unread() {
    return this.kept.reduce((n, m) => n + (m.is_read ? 0 : 1), 0);
  }

  get lastSeq() {
    return this.messages[0]?.seq ?? 0;
  }

  get secondsLeft() {
    return this.inbox ? Math.max(0, (this.inbox.expires - this.now) / 1000) : 0;
  }

  get fractionLeft() {
    if (!this.inbox) return 0;
    const whole = (this.inbox.expires - this.inbox.created) / 1000;
    return Math.min(1, this.secondsLeft / whole);
  }

  /** Whether it is gone for good, so that there is nothing to show. */
  get ended() {
    return this.phase === 'expired' || this.phase === 'gone' || this.phase === 'refused';
  }

  /** The inbox that this tab showed, or another did at last. */
  get remembered() {
    const address = stored(CURRENT, 'sessionStorage') ?? stored(CURRENT);
    return this.inboxes.find((one) => one.address === address) ?? this.inboxes.at(-1) ?? null;
  }

  /** Remember an inbox, as it is now. @param {Inbox} inbox */
  remember(inbox) {
    const others = known().filter((one) => one.address !== inbox.address);
    const before = this.inboxes.findIndex((one) => one.address === inbox.address);
    others.splice(before < 0 ? others.length : before, 0, inbox);
    this.#keep(others);
    if (this.inbox?.address === inbox.address) this.inbox = inbox;
    this.set({ inboxes: others });
  }

  /** @param {string} address */
  forget(address) {
    const others = known().filter((one) => one.address !== address);
    this.#keep(others);
    this.set({ inboxes: others });
  }

  /** This one is shown in this tab from now on. @param {string} address */
  prefer(address) {
    keep(CURRENT, address);
    keep(CURRENT, address, 'sessionStorage');
  }

  /** Another tab has changed what is stored. */
  reload() {
    const inboxes = known();
    const current = inboxes.find((one) => one.address === this.inbox?.address);
    this.set({ inboxes, inbox: current ?? this.inbox });
  }

  /** @param {boolean} on */
  useShortcuts(on) {
    keep(SHORTCUTS, on ? null : 'off');
    this.set({ shortcuts: on });
  }

  /** @param {boolean} on */
  useNotifications(on) {
    keep('notify', on ? 'on' : null);
    this.set({ notifies: on });
  }

  /** Tell something for a moment. @param {string} text @param {() => void} [undo] */
  note(text, undo) {
    const note = { id: Math.random(), text, undo };
    this.set({ notes: [...this.notes.slice(-1), note] });
    setTimeout(() => this.dropNote(note.id), undo ? 6000 : 4000);
  }

  /** @param {number} id */
  dropNote(id) {
    this.set({ notes: this.notes.filter((one) => one.id !== id) });
  }

  /** @param {Inbox[]} inboxes */
  #keep(inboxes) {
    keep(INBOXES, inboxes.length ? JSON.stringify(inboxes) : null);
  }
}

/** @param {Summary} m */
function textOf(m) {
  const codes = m.codes.map((one) => one.value).join(' ');
  return `${m.from_name} ${m.from_address} ${m.subject} ${m.preview ?? ''} ${codes}`.toLowerCase();
}

export const store = new Store();

/**
 * Mixin: draw again whenever something has changed; into the document itself, so that there is one
 * style sheet, and labels and forms work across components.
 * @template {new (...a: any[]) => LitElement} T
 * @param {T} Base
 * @param {'change' | 'tick'} [also]
 */
export const connected = (Base, also) =>
  class extends Base {
    #draw = () => this.requestUpdate();
    createRenderRoot() {
      return this;
    }
    connectedCallback() {
      this.replaceChildren(); // what was painted before there were scripts
      super.connectedCallback();
      store.addEventListener('change', this.#draw);
      if (also) store.addEventListener(also, this.#draw);
    }
    disconnectedCallback() {
      super.disconnectedCallback();
      store.removeEventListener('change', this.#draw);
      if (also) store.removeEventListener(also, this.#draw);
    }
  };
