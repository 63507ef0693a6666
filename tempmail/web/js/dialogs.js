// Dialogs, the form that makes an inbox, and what is told for a moment.

import { html, LitElement, nothing } from '../vendor/lit.js';
import { Refusal } from './api.js';
import { hms, t } from './i18n.js';
import { end, make, openLink } from './mail.js';
import { connected, store } from './store.js';
import { copy, icon } from './ui.js';

const KEYS = [
  ['c', 'keyCopy'],
  ['y', 'keyCode'],
  ['j', 'keyNext'],
  ['k', 'keyPrevious'],
  ['/', 'keySearch'],
  ['#', 'keyDelete'],
  ['n', 'keyNew'],
  ['q', 'keyQr'],
  ['1–4', 'keyViews'],
  ['Esc', 'keyBack'],
  ['e', 'keyExtend'],
  ['?', 'keyList'],
];

/** A link that opens the inbox elsewhere: the part behind # is sent to nobody. */
function privateLink() {
  const { address = '', token } = store.inbox ?? {};
  const key = new URLSearchParams({ k: token ?? '', a: address }).toString();
  return `${location.origin}/#${key.replace('%40', '@')}`;
}

class TmDialogs extends connected(LitElement) {
  static properties = { code: { state: true } };
  /** @type {string} */
  #codeOf = '';

  constructor() {
    super();
    this.code = ''; // where the QR code is; 'failed' where there is none
  }

  updated() {
    const dialog = this.querySelector('dialog');
    if (store.dialog && dialog && !dialog.open) dialog.showModal();
    if (store.dialog === 'qr' && store.inbox?.token && this.#codeOf !== store.inbox.address) {
      this.#draw(store.inbox.address);
    }
  }

  /** Have the code drawn: the link goes in a body, which nobody logs. @param {string} address */
  async #draw(address) {
    this.#codeOf = address;
    URL.revokeObjectURL(this.code);
    this.code = '';
    try {
      const answer = await fetch('/qr', { method: 'POST', body: privateLink() });
      if (!answer.ok) throw new Error(answer.statusText);
      this.code = URL.createObjectURL(await answer.blob());
    } catch {
      this.#codeOf = '';
      this.code = 'failed';
    }
  }

  /** @param {string} title @param {unknown} body @param {unknown} [foot] */
  frame(title, body, foot) {
    const close = () => store.set({ dialog: null });
    const closed = (/** @type {Event} */ e) => {
      // It is told later, when the next one may be open already.
      if (store.dialog && !(/** @type {HTMLDialogElement} */ (e.currentTarget).open)) close();
    };
    const clicked = (/** @type {MouseEvent} */ e) => {
      if (e.target === e.currentTarget) close(); // the backdrop
    };
    return html`<dialog class="sheet" aria-labelledby="dlg-t" @close=${closed} @click=${clicked}>
      <div class="dlg-h">
        <h2 id="dlg-t" tabindex="-1" autofocus>${title}</h2>
        <button class="btn ghost icon" aria-label=${t('close')} @click=${close}>${icon('x')}</button>
      </div>
      <div class="dlg-b">${body}</div>
      ${foot ? html`<div class="dlg-f">${foot}</div>` : nothing}
    </dialog>`;
  }

  render() {
    const inbox = store.inbox;
    if (!store.dialog || !inbox) return nothing;
    if (store.dialog === 'qr') return this.frame(t('openOnPhone'), this.qr());
    if (store.dialog === 'keys') return this.frame(t('keyboard'), this.keys());
    if (store.dialog === 'new') {
      return this.frame(
        t('newAddress'),
        html`<p class="muted">${t('newWhy')}</p><tm-maker></tm-maker>`,
      );
    }
    if (store.dialog === 'link') {
      const { link, address } = store.offered;
      const open = () => openLink(link, true);
      return this.ask('linkAsk', t('linkWhy', { address }), t('notNow'), open, t('openInbox'));
    }
    const remove = html`${icon('trash-2')} ${t('deleteInbox')}`;
    return this.ask('deleteAsk', t('deleteWhy', inbox), t('keep'), end, remove);
  }

  /**
   * @param {string} title of the question @param {string} why @param {string} no
   * @param {() => void} act @param {unknown} yes
   */
  ask(title, why, no, act, yes) {
    const danger = title === 'deleteAsk' ? 'danger solid' : 'primary';
    return this.frame(
      t(title),
      html`<p>${why}</p>`,
      html`<button class="btn" @click=${() => store.set({ dialog: null })}>${no}</button
        ><button class="btn ${danger}" id="really" @click=${act}>${yes}</button>`,
    );
  }

  qr() {
    if (!store.inbox?.token) return html`<p>${t('qrAccount')}</p>`;
    const link = privateLink();
    return html`${
      this.code === 'failed'
        ? html`<p role="alert">${t('qrFailed')}</p>`
        : html`<div class="qr">${this.code ? html`<img src=${this.code} width="240" height="240" alt=${t('qrAlt')}>` : nothing}</div>`
    }
      <p class="muted">${t('qrWhy', { time: hms(store.secondsLeft) })}</p>
      <div class="link-row">
        <input class="field" readonly aria-label=${t('privateLink')} .value=${link} @focus=${(/** @type {Event} */ e) => /** @type {HTMLInputElement} */ (e.target).select()}>
        <button class="btn icon" aria-label=${t('copyPrivateLink')} @click=${(/** @type {Event} */ e) => copy(link, e, t('privateLinkCopied'))}>${icon('copy')}</button>
      </div>`;
  }

  keys() {
    const changed = (/** @type {Event} */ e) =>
      store.useShortcuts(/** @type {HTMLInputElement} */ (e.target).checked);
    return html`<div class="keys">${KEYS.map(([key, label]) => html`<kbd>${key}</kbd><span>${t(label)}</span>`)}</div>
      <label class="check"><input type="checkbox" .checked=${store.shortcuts} @change=${changed}> ${t('singleKeys')}</label>`;
  }
}
customElements.define('tm-dialogs', TmDialogs);

/** The form of the landing part, which works without scripts; in a dialog, a copy of it. */
class TmMaker extends HTMLElement {
  connectedCallback() {
    if (!this.firstElementChild) {
      const form = document.querySelector('.land tm-maker form')?.cloneNode(true);
      if (form instanceof HTMLFormElement) {
        this.append(form);
        form.reset();
        for (const one of form.querySelectorAll('[id="mk-wrong"]')) one.id = 'mk-wrong-here';
        form.querySelector('[name=username]')?.setAttribute('aria-describedby', 'mk-wrong-here');
      }
    }
    this.querySelector('form')?.addEventListener('submit', this);
    this.#field?.addEventListener('input', () => this.#say(''));
  }

  get #field() {
    return /** @type {HTMLInputElement | null} */ (this.querySelector('[name=username]'));
  }

  get #button() {
    return /** @type {HTMLButtonElement} */ (this.querySelector('button'));
  }

  /** @param {SubmitEvent} event */
  async handleEvent(event) {
    event.preventDefault();
    if (this.#button.disabled) return;
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const name = String(given.get('username') ?? '').trim();
    this.#say('');
    this.#wait(t('making'));
    try {
      await make({
        username: name || undefined,
        domain: String(given.get('domain')),
        ttl_minutes: Number(given.get('ttl_minutes')),
      });
      if (this.#field) this.#field.value = '';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error);
    } finally {
      if (!this.#waiting) this.#wait('');
    }
  }

  /** @param {Refusal} error */
  #refused(error) {
    const known = /** @type {Record<number, string>} */ ({
      0: 'wrongOffline',
      409: 'wrongTaken',
      422: 'wrongName',
      503: 'wrongBusy',
    });
    let key = known[error.status] ?? 'wrongOther';
    if (error.status === 429) key = error.code === 'limit_reached' ? 'wrongLimit' : 'wrongRate';
    this.#say(t(key, { why: error.detail }));
    if (error.status === 409 || error.status === 422) {
      this.#field?.setAttribute('aria-invalid', 'true');
      this.#field?.focus();
    } else if (error.status === 429 && error.retryAfter) {
      this.#countDown(error.retryAfter);
    }
  }

  #waiting = false;
  /** @param {number} seconds until it may be tried again */
  #countDown(seconds) {
    const end = Date.now() + seconds * 1000;
    this.#waiting = true;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0 && this.isConnected) {
        this.#wait(t('tryAgainIn', { time: hms(left) }));
        setTimeout(tick, 250);
      } else {
        this.#waiting = false;
        this.#wait('');
        this.#say('');
      }
    };
    tick();
  }

  #label = '';
  /** @param {string} why the button is busy; empty where it is not */
  #wait(why) {
    const label = /** @type {HTMLElement} */ (this.#button.querySelector('span'));
    this.#label ||= label.textContent ?? '';
    label.textContent = why || this.#label;
    this.#button.disabled = why !== '';
  }

  /** @param {string} text */
  #say(text) {
    const place = this.querySelector('.wrong');
    if (place) place.textContent = text;
    if (!text) this.#field?.removeAttribute('aria-invalid');
  }
}
customElements.define('tm-maker', TmMaker);

/** What is told for a moment, and to those who listen instead of looking. */
class TmNotes extends connected(LitElement) {
  render() {
    return html`<div class="vh" aria-live="polite" id="said">${store.said}</div>
      <div class="toasts" role="status">${store.notes.map((note) => {
        const undo = () => {
          note.undo?.();
          store.dropNote(note.id);
        };
        return html`<div class="toast"><span>${note.text}</span>${note.undo ? html`<button @click=${undo}>${t('undo')}</button>` : nothing}</div>`;
      })}</div>`;
  }
}
customElements.define('tm-notes', TmNotes);
