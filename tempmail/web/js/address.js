// The card of the inbox: its address, its switcher, its clock.

import { html, LitElement, nothing } from '../vendor/lit.js';
import { atClock, hms, t } from './i18n.js';
import { extend, show } from './mail.js';
import { connected, store } from './store.js';
import { copy, icon } from './ui.js';

/** @typedef {import('./store.js').Inbox} Inbox */

const LOW = 300; // seconds from which on the clock is red
const SAID_MINUTES = [5, 1];

class TmAddress extends connected(LitElement) {
  render() {
    const inbox = store.inbox;
    if (!inbox) return nothing;
    const at = inbox.address.lastIndexOf('@');
    const [local, domain] = [inbox.address.slice(0, at), inbox.address.slice(at)];
    const copyAddress = (/** @type {Event} */ e) => copy(inbox.address, e, t('addressCopied'));
    /** @param {'qr' | 'new' | 'delete'} dialog */
    const opens = (dialog) => () => store.set({ dialog });
    return html`<section class="addr card" aria-label=${t('yourAddress')}>
      <div class="addr-main">
        <div>
          <div class="addr-l">
            <button popovertarget="inboxes" aria-haspopup="menu" title=${t('inboxesHere')}>
              ${t('yourAddress')} ${icon('chevron-down')}
            </button>
            <tm-left class="only-s"></tm-left>
          </div>
          <div id="inboxes" class="menu start" popover>${this.switcher()}</div>
          <span class="addr-t" id="addr">${local}<span>${domain}</span></span>
        </div>
        <button class="btn primary only-l" id="copy-addr" title="${t('copyAddress')} (c)" @click=${copyAddress}>
          ${icon('copy')} ${t('copy')}
        </button>
      </div>
      <div class="addr-side">
        <button class="btn primary only-s" @click=${copyAddress}>${icon('copy')} ${t('copyAddress')}</button>
        <div class="acts">
          <button class="btn ghost lab" title="${t('openOnPhone')} (q)" aria-label="${t('phone')}: ${t('openOnPhone')}" @click=${opens('qr')}>
            ${icon('qr-code')}<span>${t('phone')}</span>
          </button>
          <button class="btn ghost lab" title="${t('newAddress')} (n)" aria-label=${t('newAddress')} @click=${opens('new')}>
            ${icon('plus')}<span>${t('new')}</span>
          </button>
          <button class="btn ghost icon only-s" title=${t('extend')} aria-label=${t('extend')} @click=${extend}>
            ${icon('timer')}
          </button>
          <button class="btn ghost lab" title=${t('deleteInbox')} aria-label=${t('deleteInbox')} @click=${opens('delete')}>
            ${icon('trash-2')}<span>${t('delete')}</span>
          </button>
        </div>
        <tm-clock></tm-clock>
        <button class="btn only-l" title="${t('extend')} (e)" @click=${extend}>
          ${icon('timer')} ${t('extend')}
        </button>
      </div>
      <tm-stripe class="stripe" aria-hidden="true"></tm-stripe>
    </section>`;
  }

  switcher() {
    return html`${store.inboxes.map((one) => {
      const current = one.address === store.inbox?.address;
      const left = t('left', { time: hms((one.expires - store.now) / 1000) });
      const state = one.expires <= store.now ? t('expired') : left;
      const unread = current && store.unread ? `${t('unreadCount', { n: store.unread })}, ` : '';
      return html`<button aria-current=${current ? 'true' : nothing} @click=${() => this.pick(one)}>
        ${icon(current ? 'check' : 'mail')}<span class="two">${one.address}<small>${unread}${state}</small></span>
      </button>`;
    })}<hr><button @click=${() => this.pick(null)}>${icon('plus')} ${t('newAddress')}</button>`;
  }

  /** @param {Inbox | null} inbox null: a new one */
  pick(inbox) {
    document.getElementById('inboxes')?.hidePopover();
    if (!inbox) store.set({ dialog: 'new' });
    else if (inbox.address !== store.inbox?.address) show(inbox);
  }
}
customElements.define('tm-address', TmAddress);

class TmClock extends connected(LitElement, 'tick') {
  #said = Number.POSITIVE_INFINITY;

  render() {
    const inbox = store.inbox;
    if (!inbox) return nothing;
    const seconds = store.secondsLeft;
    return html`<div class="clock ${seconds < LOW ? 'low' : ''}" role="timer" aria-label=${t('timeLeft')}>
      <b>${hms(seconds)}</b><span>${seconds ? t('until', { time: atClock(inbox.expires) }) : t('expired')}</span>
    </div>`;
  }

  updated() {
    if (store.phase !== 'ready') return; // what was remembered is no news, and may be wrong
    const minutes = Math.ceil(store.secondsLeft / 60);
    const due = SAID_MINUTES.find((one) => minutes <= one && this.#said > one);
    this.#said = minutes;
    if (due && minutes) {
      queueMicrotask(() => store.set({ said: t('minutesLeft', { n: minutes }) }));
    }
  }
}
customElements.define('tm-clock', TmClock);

/** The clock where there is little room. */
class TmLeft extends connected(LitElement, 'tick') {
  render() {
    const seconds = store.secondsLeft;
    return html`<span class="mono ${seconds < LOW ? 'low' : ''}">
      ${seconds ? t('left', { time: hms(seconds) }) : t('expired')}
    </span>`;
  }
}
customElements.define('tm-left', TmLeft);

/** The envelope's edge, as long as the time that is left. */
class TmStripe extends connected(LitElement, 'tick') {
  render() {
    return html`<div></div>`;
  }

  updated() {
    const bar = /** @type {HTMLElement | null} */ (this.firstElementChild);
    bar?.style.setProperty('inline-size', `${(store.fractionLeft * 100).toFixed(2)}%`);
  }
}
customElements.define('tm-stripe', TmStripe);
