// The account: what it has used up, and its inboxes, keys and passkeys.
import { html, LitElement, nothing } from '../vendor/lit.js';
import './account-words.js';
import { inboxes, keys, passkeys, summary } from './account-tables.js';
import { api, Refusal } from './api.js';
import { copyText, flash } from './copy.js';
import { atFull, t } from './i18n.js';
import { make, why } from './passkeys.js';
import { store } from './store.js';

const EVERY = 15_000;
const SAID = 5000;
const DAY = 86_400_000;
const HOUR = 60;

/**
 * @typedef {{id: number, name: string, plan: string, usage: {mailboxes: number, messages: number},
 *   limits: {max_mailboxes: number, max_messages_per_mailbox: number, default_ttl_minutes: number,
 *   max_ttl_minutes: number, max_message_bytes: number, requests_per_minute: number}}} Holder
 * @typedef {{address: string, created_at: string, expires_at: string, message_count: number}} Box
 * @typedef {{id: number, prefix: string, name: string, scopes: string[], expires_at: string|null,
 *   last_used_at: string|null, key?: string}} Key
 * @typedef {{id: number, name: string, created_at: string, last_used_at: string|null}} Passkey
 * @typedef {{title: string, why: string, word: string, act: () => Promise<void>}} Question
 * @typedef {'inboxes' | 'keys' | 'passkeys'} Section
 */

/** @param {unknown} error */
const signedOut = (error) => error instanceof Refusal && error.status === 401;

export class Account extends LitElement {
  constructor() {
    super();
    /** @type {Holder | null} */
    this.holder = null;
    /** @type {Box[]} */
    this.boxes = [];
    /** @type {string | null} */
    this.next = null;
    /** @type {Key[]} */
    this.keys = [];
    /** @type {Passkey[]} */
    this.passkeys = [];
    /** @type {string | null} a key that was made this moment */
    this.secret = null;
    /** @type {Partial<Record<Section, string>>} what did not work, where */
    this.wrong = {};
    /** @type {Question | null} */
    this.question = null;
    this.failed = '';
    this.said = '';
    this.busy = false;
    this.leaving = false;
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    this.replaceChildren();
    super.connectedCallback();
    this.load();
    setInterval(() => this.refresh(), EVERY);
    document.addEventListener('visibilitychange', () => this.refresh());
  }

  async load() {
    this.failed = '';
    try {
      const [holder, boxes, found, known] = await Promise.all([
        api('GET', '/account'),
        api('GET', '/mailboxes?limit=50'),
        api('GET', '/keys'),
        api('GET', '/passkeys'),
      ]);
      Object.assign(this, { holder, boxes: boxes.mailboxes, next: boxes.next });
      Object.assign(this, { keys: found.keys, passkeys: known.passkeys });
    } catch (error) {
      if (signedOut(error)) this.leave();
      else this.failed = why(error);
    }
    this.requestUpdate();
  }

  /** What changes without us: mail comes, time passes. */
  async refresh() {
    if (document.hidden || !this.holder || this.busy || this.leaving) return;
    const limit = Math.min(200, Math.max(50, this.boxes.length));
    try {
      const [holder, boxes] = await Promise.all([
        api('GET', '/account'),
        api('GET', `/mailboxes?limit=${limit}`),
      ]);
      Object.assign(this, { holder, boxes: boxes.mailboxes, next: boxes.next });
    } catch (error) {
      if (signedOut(error)) this.leave();
    }
    this.requestUpdate();
  }

  /** To the page where one signs in, once: a second attempt would cut the first one short. */
  leave() {
    if (!this.leaving) location.replace('/sign-in');
    this.leaving = true;
  }

  /** Do something, and say what became of it. @param {Section} section @param {() => Promise<string>} act */
  async run(section, act) {
    if (this.busy) return;
    this.busy = true;
    this.wrong = {};
    this.said = '';
    this.requestUpdate();
    try {
      this.tell(await act());
    } catch (error) {
      if (signedOut(error)) this.leave();
      this.wrong = { [section]: why(error) };
    }
    this.busy = false;
    this.requestUpdate();
    await this.refresh();
    await this.updateComplete;
    // What had the focus may be gone.
    if (document.activeElement === document.body) document.getElementById(section)?.focus();
  }

  /** Say something for a moment. @param {string} text */
  tell(text) {
    this.said = text;
    this.requestUpdate();
    setTimeout(() => {
      if (this.said === text) this.said = '';
      this.requestUpdate();
    }, SAID);
  }

  /** @param {Question} question */
  ask(question) {
    this.question = question;
    this.requestUpdate();
    this.updateComplete.then(() => this.querySelector('dialog')?.showModal());
  }

  signOut() {
    this.run('passkeys', async () => {
      await api('DELETE', '/sessions/current');
      this.leave();
      return '';
    });
  }

  // Inboxes

  newInbox() {
    this.run('inboxes', async () => {
      await api('GET', '/account'); // else whoever is signed out by now gets one of nobody's
      const made = await api('POST', '/mailboxes', { body: {} });
      this.boxes = [made, ...this.boxes];
      return t('acc.made', { address: made.address });
    });
  }

  async moreInboxes() {
    const more = await api(
      'GET',
      `/mailboxes?limit=50&cursor=${encodeURIComponent(this.next ?? '')}`,
    );
    this.boxes = [...this.boxes, ...more.mailboxes];
    this.next = more.next;
    this.requestUpdate();
  }

  /** In the page of inboxes. @param {Box} box */
  open(box) {
    const [created, expires] = [Date.parse(box.created_at), Date.parse(box.expires_at)];
    store.remember({ address: box.address, token: null, created, expires });
    store.prefer(box.address);
    location.assign('/');
  }

  /** An hour more than it has, as far as the plan goes. @param {Box} box */
  extend(box) {
    this.run('inboxes', async () => {
      const left = Math.max(0, (Date.parse(box.expires_at) - Date.now()) / 60_000);
      const wanted = Math.round(left + HOUR);
      const path = `/mailboxes/${encodeURIComponent(box.address)}`;
      const now = await api('PATCH', path, { body: { ttl_minutes: wanted } });
      this.boxes = this.boxes.map((one) => (one.address === box.address ? now : one));
      const cut = wanted > (this.holder?.limits.max_ttl_minutes ?? wanted);
      const time = atFull(Date.parse(now.expires_at));
      return t(cut ? 'acc.extendedLess' : 'acc.extended', { address: box.address, time });
    });
  }

  /** @param {Box} box */
  deleteInbox(box) {
    const { address } = box;
    const act = () =>
      this.run('inboxes', async () => {
        await api('DELETE', `/mailboxes/${encodeURIComponent(address)}`);
        this.boxes = this.boxes.filter((one) => one.address !== address);
        store.forget(address);
        return t('acc.deleted');
      });
    this.ask({
      title: t('acc.deleteAsk'),
      why: t('acc.deleteWhy', { address }),
      word: t('acc.delete'),
      act,
    });
  }

  // Keys

  /** @param {SubmitEvent} event */
  makeKey(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const given = new FormData(form);
    const days = Number(given.get('days'));
    const expires_at = days ? new Date(Date.now() + days * DAY).toISOString() : null;
    this.run('keys', async () => {
      const body = {
        name: String(given.get('name')).trim(),
        scopes: [given.get('scope')],
        expires_at,
      };
      const { key, ...made } = await api('POST', '/keys', { body });
      this.keys = [made, ...this.keys];
      this.secret = key;
      form.reset();
      return t('acc.secret');
    });
  }

  /** @param {Event} event */
  async copySecret(event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    const done = await copyText(this.secret ?? '');
    if (done) flash(button);
    this.tell(t(done ? 'acc.keyCopied' : 'notCopied'));
  }

  forgetSecret() {
    this.secret = null;
    this.requestUpdate();
    this.updateComplete.then(() => this.querySelector('input')?.focus());
  }

  /** @param {Key} key */
  revoke(key) {
    const act = () =>
      this.run('keys', async () => {
        await api('DELETE', `/keys/${key.id}`);
        this.keys = this.keys.filter((one) => one.id !== key.id);
        return t('acc.revoked');
      });
    const reason = t('acc.revokeWhy', { name: key.name });
    this.ask({ title: t('acc.revokeAsk'), why: reason, word: t('acc.revoke'), act });
  }

  // Passkeys

  /** @param {SubmitEvent} event */
  addPasskey(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const name = String(new FormData(form).get('name')).trim();
    this.run('passkeys', async () => {
      const made = await make('/passkeys', {}, { name });
      this.passkeys = [made, ...this.passkeys];
      form.reset();
      return t('acc.passkeyAdded');
    });
  }

  /** @param {Passkey} passkey */
  removePasskey(passkey) {
    const act = () =>
      this.run('passkeys', async () => {
        await api('DELETE', `/passkeys/${passkey.id}`);
        this.passkeys = this.passkeys.filter((one) => one.id !== passkey.id);
        return t('acc.removed');
      });
    const reason = t('acc.removeWhy', { name: passkey.name });
    this.ask({ title: t('acc.removeAsk'), why: reason, word: t('acc.remove'), act });
  }

  render() {
    if (this.failed) {
      return html`<div class="card"><p>${t('acc.failed')}</p><p class="muted">${this.failed}</p>
        <button class="btn" @click=${() => this.load()}>${t('acc.again')}</button></div>`;
    }
    if (!this.holder) return html`<p class="muted" role="status">${t('acc.loading')}</p>`;
    return html`${summary(this, this.holder)}${inboxes(this)}${keys(this)}${passkeys(this)}
      ${this.dialog()}<p class="said" role="status">${this.said}</p>`;
  }

  dialog() {
    const asked = this.question; // stays when it is answered: the dialog is closed, not taken away
    if (!asked) return nothing;
    const close = () => this.querySelector('dialog')?.close();
    const act = () => {
      close();
      asked.act();
    };
    return html`<dialog aria-labelledby="asked">
      <div class="dlg-h"><h2 id="asked">${asked.title}</h2></div>
      <div class="dlg-b"><p>${asked.why}</p></div>
      <div class="dlg-f"><button class="btn" autofocus @click=${close}>${t('acc.cancel')}</button>
        <button class="btn danger solid" @click=${act}>${asked.word}</button></div></dialog>`;
  }
}

customElements.define('tm-account', Account);
