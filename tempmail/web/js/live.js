// One channel to the service for all tabs that show the same inbox.
//
// Whoever holds the lock leads: it alone listens, fetches, and hands on to the others what came.
// When it goes, the browser gives the lock to the next, which goes on from the last message it has.

import { Refusal, service } from './api.js';
import { longPolls, Silent, serverSentEvents, webSocket } from './channels.js';

/**
 * @typedef {import('./shapes').Summary} Summary
 * @typedef {import('./store.js').Inbox} Inbox
 * @typedef {'connecting' | 'live' | 'retry' | 'off'} Link
 * @typedef {{kind: 'got', messages: Summary[]} | {kind: 'deleted', id: string | null}
 *   | {kind: 'read', id: string} | {kind: 'hidden', id: string, hidden: boolean}
 *   | {kind: 'link', link: Link} | {kind: 'hello'} | {kind: 'resume'} | {kind: 'ended'}} Told
 * @typedef {{after: () => number, link: (link: Link) => void, arrived: () => void,
 *   got: (messages: Summary[]) => void, deleted: (id: string | null) => void,
 *   read: (id: string) => void, hidden: (id: string, hidden: boolean) => void,
 *   ended: () => void, resume: () => void}} Hooks
 */

const CHANNELS = [serverSentEvents, webSocket, longPolls];
const LONGEST = 30; // seconds between two attempts
const PING = 25_000; // ms in which something is heard of a channel that lives

export class Live {
  /** @param {Inbox} inbox @param {Hooks} hooks */
  constructor(inbox, hooks) {
    this.leads = false;
    this.#inbox = inbox;
    this.#hooks = hooks;
    if ('BroadcastChannel' in window) {
      this.#tabs = new BroadcastChannel(`inbox:${inbox.address}`);
      this.#tabs.onmessage = (message) => this.#heard(message.data);
    }
  }

  #inbox;
  #hooks;
  /** @type {BroadcastChannel | null} */
  #tabs = null;
  #over = new AbortController();
  /** @type {AbortController | null} */
  #channel = null;
  /** @type {(() => void) | null} */
  #hurry = null;
  /** @type {Link} */
  #link = 'connecting';
  #kind = 0;
  #failures = 0;
  #wasOpen = false;
  #breathed = 0;
  #heardAt = 0;

  start() {
    const { signal } = this.#over;
    if (!('locks' in navigator)) {
      this.#lead();
      return;
    }
    this.tell({ kind: 'hello' });
    navigator.locks
      .request(`inbox:${this.#inbox.address}`, { signal }, () => this.#lead())
      .catch(() => undefined); // stopped while it waited
  }

  stop() {
    this.#over.abort();
    this.#channel?.abort();
    this.#hurry?.();
    this.#tabs?.close();
    this.#tabs = null;
  }

  /**
   * Try at once: the machine has slept, or the network is back.
   * @param {boolean} sure whether what was open is surely dead; else the silence tells
   */
  wake(sure) {
    if (!sure && Date.now() - this.#heardAt < PING) return;
    this.#kind = 0;
    this.#failures = 0;
    this.#channel?.abort(new DOMException('woken', 'AbortError'));
    this.#hurry?.();
  }

  /** Tell the other tabs. @param {Told} what */
  tell(what) {
    this.#tabs?.postMessage(what);
  }

  /** Messages that were fetched are for all tabs. @param {Summary[]} messages */
  share(messages) {
    this.tell({ kind: 'got', messages });
  }

  /** Wait a little where many come, so that one request fetches many. */
  async breath() {
    const rest = service.remaining > 60 ? 50 : service.remaining > 20 ? 1000 : 4000;
    const wait = this.#breathed + rest - Date.now();
    if (wait > 0) await this.#pause(wait, false);
    this.#breathed = Date.now();
  }

  /** @param {Told} what */
  #heard(what) {
    const hooks = this.#hooks;
    if (what.kind === 'hello' && this.leads) this.tell({ kind: 'link', link: this.#link });
    else if (what.kind === 'link') hooks.link(what.link);
    else if (what.kind === 'got') hooks.got(what.messages);
    else if (what.kind === 'deleted') hooks.deleted(what.id);
    else if (what.kind === 'read') hooks.read(what.id);
    else if (what.kind === 'hidden') hooks.hidden(what.id, what.hidden);
    else if (what.kind === 'resume') hooks.resume();
    else if (what.kind === 'ended') hooks.ended();
  }

  /** @param {Link} link */
  #show(link) {
    this.#link = link;
    this.#hooks.link(link);
    this.tell({ kind: 'link', link });
  }

  async #lead() {
    this.leads = true;
    while (!this.#over.signal.aborted) {
      this.#channel = new AbortController();
      try {
        await CHANNELS[this.#kind]({
          address: this.#inbox.address,
          token: this.#inbox.token,
          after: this.#hooks.after,
          signal: this.#channel.signal,
          opened: () => this.#opened(),
          heard: () => {
            this.#heardAt = Date.now();
          },
          tell: (event) => this.#event(event),
        });
      } catch (error) {
        if (this.#over.signal.aborted) break;
        if (error instanceof Refusal && [401, 403, 404].includes(error.status)) {
          this.#hooks.resume(); // which finds out what has become of it
          this.#failures += 3;
        } else if (!this.#wasOpen && (error instanceof Silent || this.#failures > 0)) {
          this.#kind = (this.#kind + 1) % CHANNELS.length;
        }
        const wait = error instanceof Refusal ? error.retryAfter : 0;
        this.#show(navigator.onLine ? 'retry' : 'off');
        await this.#again(wait);
        continue;
      }
      if (this.#over.signal.aborted) break;
      this.#show('retry');
      await this.#again(0);
    }
  }

  /** @param {number} seconds at the least */
  #again(seconds) {
    this.#wasOpen = false;
    const grown = Math.min(LONGEST, 0.5 * 2 ** this.#failures) * (0.7 + 0.6 * Math.random());
    this.#failures += 1;
    return this.#pause(Math.max(seconds, grown) * 1000, true);
  }

  /** @param {number} ms @param {boolean} hurried whether waking ends it */
  #pause(ms, hurried) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      if (!hurried) return;
      this.#hurry = () => {
        clearTimeout(timer);
        done(undefined);
      };
    });
  }

  #opened() {
    if (this.#wasOpen) return;
    this.#wasOpen = true;
    this.#failures = 0;
    this.#show('live');
    this.#hooks.resume(); // deletions are told only to those who listen
    this.tell({ kind: 'resume' });
  }

  /** @param {import('./channels.js').Event} event */
  #event(event) {
    if (event.event === 'new_message' && (event.seq ?? 0) > this.#hooks.after()) {
      this.#hooks.arrived();
    } else if (event.event === 'deleted') {
      this.#hooks.deleted(event.message_id ?? null);
      this.tell({ kind: 'deleted', id: event.message_id ?? null });
    } else if (event.event === 'expired') {
      this.tell({ kind: 'ended' });
      this.#hooks.ended();
    }
  }
}
