// The list of messages.

import { guard, html, LitElement, live, nothing, repeat } from '../vendor/lit.js';
import { ago, atFull, t } from './i18n.js';
import { more, search, select } from './mail.js';
import { connected, store } from './store.js';
import { copy, hue, icon, initial, spaced } from './ui.js';

/** @typedef {import('./shapes').Summary} Summary */

const MINUTE = 60_000;

/** Whether it is known not to be from whom it says. @param {string} id */
const forged = (id) => store.opened.get(id)?.message.authentication.dmarc?.result === 'fail';

/** @param {Summary} m */
function row(m) {
  const from = m.from_name || m.from_address || t('nobody');
  const at = Date.parse(m.received_at);
  const current = m.id === store.openId;
  const code = m.codes[0]?.value;
  return html`<li class="row" ?data-cur=${current} ?data-unread=${!m.is_read} ?data-new=${store.fresh.has(m.id)}>
    <a href=${`#/m/${m.id}`} data-id=${m.id} aria-current=${current ? 'true' : nothing}>
      <span class="av" data-h=${hue(m.from_address)} aria-hidden="true">${initial(from)}</span>
      <span>
        <span class="l1"
          ><span class="from cut">${m.is_read ? nothing : html`<span class="vh">${t('unread')} </span>`}${from}</span
          ><time datetime=${m.received_at} title=${atFull(at)}>${ago(at, store.now)}</time></span
        >
        <span class="sub cut">${m.subject || t('noSubject')}</span>
        <span class="snip"
          ><span class="cut">${m.preview ?? ''}</span>${
            forged(m.id)
              ? html`<span class="vh">${t('unverified')}</span><span class="warn-i">${icon('triangle-alert')}</span>`
              : nothing
          }${
            m.attachment_count
              ? html`<span class="vh">${t('attachments', { n: m.attachment_count })}</span>${icon('paperclip')}`
              : nothing
          }</span
        >
      </span>
    </a>
    ${
      code
        ? html`<button class="code-chip" @click=${(/** @type {Event} */ e) => copy(code, e, t('codeCopied'))}>
            <b>${spaced(code)}</b><em>${icon('copy')} ${t('copy')}</em>
          </button>`
        : nothing
    }
  </li>`;
}

class TmList extends connected(LitElement) {
  /** @type {string | null} */
  #shown = null;
  #minute = 0;

  connectedCallback() {
    super.connectedCallback();
    store.addEventListener('tick', this.#tick);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    store.removeEventListener('tick', this.#tick);
  }

  /** The times are told in minutes. */
  #tick = () => {
    const minute = Math.floor(store.now / MINUTE);
    if (minute !== this.#minute) this.requestUpdate();
    this.#minute = minute;
  };

  updated() {
    if (store.openId === this.#shown) return;
    this.#shown = store.openId;
    this.querySelector('.row[data-cur]')?.scrollIntoView({ block: 'nearest' });
  }

  render() {
    const visible = store.visible;
    const minute = Math.floor(store.now / MINUTE);
    const one = (/** @type {Summary} */ m) =>
      guard([m, m.id === store.openId, minute, forged(m.id)], () => row(m));
    return html`<div class="list-h">
        <div class="search">
          ${icon('search')}<input
            type="search"
            id="q"
            .value=${live(store.query)}
            placeholder=${t('searchMail')}
            aria-label=${t('searchMail')}
            autocomplete="off"
            spellcheck="false"
            enterkeyhint="search"
            maxlength="200"
            @input=${(/** @type {InputEvent} */ e) => search(/** @type {HTMLInputElement} */ (e.target).value)}
          /><kbd class="only-l" aria-hidden="true">/</kbd>
        </div>
        <button class="btn ghost icon" id="notify" aria-label=${t('notify')} title=${t('notify')} aria-pressed=${store.notifies} @click=${toggleNotifications}>
          ${icon(store.notifies ? 'bell-ring' : 'bell')}
        </button>
      </div>
      ${
        visible.length
          ? html`<ul class="rows" aria-label=${t('inbox')} @click=${pick} @scroll=${atEnd}>
            ${repeat(visible, (m) => m.id, one)}${
              store.older && !store.query
                ? html`<li class="more"><button class="btn ghost" @click=${more}>${t('older')}</button></li>`
                : nothing
            }
          </ul>`
          : this.empty()
      }
      <div class="list-f">
        <span>${this.count()}</span>
        <button class="btn ghost only-l" @click=${() => store.set({ dialog: 'keys' })}>
          ${icon('keyboard')} ${t('shortcuts')}
        </button>
      </div>`;
  }

  count() {
    const n = store.kept.length;
    const all = t(store.older ? 'messagesMore' : 'messages', { n });
    return store.unread ? `${all}, ${t('unreadCount', { n: store.unread })}` : all;
  }

  empty() {
    if (store.phase === 'loading') return html`<div class="blank"><p>${t('loading')}</p></div>`;
    if (!store.query.trim()) return html`<div class="blank"><p>${t('noMail')}</p></div>`;
    return html`<div class="blank">
      <p role="status">${t('noMatch', { query: store.query })}</p>
      <button class="btn" @click=${() => search('')}>${t('clearSearch')}</button>
    </div>`;
  }
}
customElements.define('tm-list', TmList);

/** @param {MouseEvent} event */
function pick(event) {
  const link = /** @type {HTMLElement} */ (event.target).closest('a[data-id]');
  if (!(link instanceof HTMLElement)) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  select(link.dataset.id ?? null);
}

/** @param {Event} event */
function atEnd(event) {
  const list = /** @type {HTMLElement} */ (event.currentTarget);
  const left = list.scrollHeight - list.scrollTop - list.clientHeight;
  if (store.older && left < list.clientHeight) more();
}

async function toggleNotifications() {
  if (store.notifies) {
    store.useNotifications(false);
    store.note(t('notifyOff'));
    return;
  }
  if (!('Notification' in window)) {
    store.note(t('notifyNone'));
    return;
  }
  const granted = (await Notification.requestPermission()) === 'granted';
  store.useNotifications(granted);
  store.note(t(granted ? 'notifyOn' : 'notifyBlocked'));
}
