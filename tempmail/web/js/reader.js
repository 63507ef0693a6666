// The message that is open.

import { html, LitElement, nothing } from '../vendor/lit.js';
import { ask, Refusal } from './api.js';
import { ago, atFull, size, t } from './i18n.js';
import { read, remove, select, sendTest, step } from './mail.js';
import { connected, store } from './store.js';
import { copy, hostOf, hue, icon, initial, linkify, narrow, postbox, spaced } from './ui.js';

/**
 * @typedef {import('./shapes').Summary} Summary
 * @typedef {import('./shapes').Message} Message
 * @typedef {import('./shapes').Attachment} Attachment
 * @typedef {'html' | 'text' | 'headers' | 'source'} Tab
 */

const SOURCE_BYTES = 200_000; // of a source that are shown
const PICTURES = {
  pdf: 'file-text',
  ics: 'calendar',
  png: 'image',
  jpg: 'image',
  jpeg: 'image',
  gif: 'image',
  webp: 'image',
  zip: 'file-archive',
  gz: 'file-archive',
};
const WIDTHS = [
  ['monitor', 'full', 'widthFull'],
  ['tablet', 'tablet', 'widthTablet'],
  ['smartphone', 'phone', 'widthPhone'],
];
const TO_FOLLOW = ['confirm', 'sign_in', 'reset', 'invite'];
// Each step is bounded: it looks through what a stranger wrote.
const REMOTE =
  /(?:\b(?:src|srcset|background|poster)\s{0,9}=\s{0,9}["']?|url\(\s{0,9}["']?)\s{0,9}https?:\/\//i;

/** @param {string} path below the message */
const messagePath = (path) =>
  `/mailboxes/${encodeURIComponent(store.inbox?.address ?? '')}/messages/${store.openId}${path}`;

/** Hand a file to the browser as a download. @param {string} path @param {string} name */
async function download(path, name) {
  try {
    const answer = await ask('GET', messagePath(path), { token: store.inbox?.token });
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    store.note(`${t('downloadFailed')}: ${error.detail}`);
  }
}

/** A name that a file can have everywhere. @param {string} subject */
const fileName = (subject) =>
  `${
    subject
      .replace(/[^\p{L}\p{N} _-]+/gu, ' ')
      .trim()
      .slice(0, 60) || 'message'
  }.eml`;

/** Why a message looks like phishing; empty where it does not. @param {Message} m */
function warnings(m) {
  const found = [];
  const dmarc = m.authentication.dmarc;
  if (dmarc?.result === 'fail') found.push(t('phishingDmarc', { domain: domainOf(m) }));
  for (const link of m.links) {
    const shown = hostOf(/^https?:\/\//i.test(link.text) ? link.text.trim() : 'about:');
    const host = hostOf(link.href);
    if (shown && host && bare(shown) !== bare(host)) {
      found.push(t('phishingLink', { shown, host }));
      break;
    }
  }
  return found;
}

/** @param {string} host */
const bare = (host) => host.replace(/^www\./, '');
/** @param {Summary} m */
const domainOf = (m) => m.from_address.slice(m.from_address.lastIndexOf('@') + 1);

class TmReader extends connected(LitElement) {
  static properties = {
    tab: { state: true },
    width: { state: true },
    dim: { state: true },
    images: { state: true },
    source: { state: true },
  };

  /** @type {string | null} */
  #shown = null;
  #settled = false;
  /** Whether it has images that are somewhere else. */
  #remote = false;
  /** Where the frame leads; kept as long as it shows the same. */
  #frame = '';

  constructor() {
    super();
    this.tab = /** @type {Tab} */ ('html');
    this.width = 'full';
    this.dim = false;
    this.images = false;
    this.source = '';
  }

  /** @returns {Message | null} all of the open message, once it is here */
  get whole() {
    return store.opened.get(store.openId ?? '')?.message ?? null;
  }

  willUpdate() {
    const id = store.open?.id ?? null;
    if (id !== this.#shown) {
      if (id && !this.#shown && narrow()) this.#focusSubject();
      this.#shown = id;
      this.#settled = false;
      this.#frame = '';
      this.images = false; // consent is for one message
      this.source = '';
    }
    const whole = this.whole;
    if (whole && !this.#settled) {
      this.#settled = true;
      this.tab = this.tabs(whole)[0];
      this.#remote = REMOTE.test(whole.body_html);
    }
    if (whole && !this.#frame) this.#frame = whole.html_url + (this.images ? '?images=1' : '');
  }

  #focusSubject() {
    this.updateComplete.then(() => document.getElementById('subject')?.focus());
  }

  /** @param {Message} m @returns {Tab[]} */
  tabs(m) {
    /** @type {Tab[]} */
    const tabs = ['headers', 'source'];
    if (m.body_text || !m.body_html) tabs.unshift('text');
    if (m.body_html) tabs.unshift('html');
    return tabs;
  }

  /** @param {Tab} tab */
  async turn(tab) {
    this.tab = tab;
    if (tab === 'html') await this.#renew();
    if (tab === 'source' && !this.source) await this.#fetchSource();
  }

  async #show() {
    this.images = true;
    await this.#renew();
  }

  /** The frame's address is good for some minutes only. */
  async #renew() {
    const id = store.openId;
    if (!id) return;
    await read(id);
    if (store.openId === id) {
      this.#frame = '';
      this.requestUpdate();
    }
  }

  async #fetchSource() {
    const id = store.openId;
    try {
      const answer = await ask('GET', messagePath('/raw'), { token: store.inbox?.token });
      const bytes = await answer.arrayBuffer();
      const text = new TextDecoder().decode(bytes.slice(0, SOURCE_BYTES));
      const cut = bytes.byteLength > SOURCE_BYTES ? `\n\n… ${t('sourceCut')}` : '';
      if (store.openId === id) this.source = text + cut;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.source = t('messageFailed');
    }
  }

  /** @param {KeyboardEvent} event */
  tabKey(event) {
    const whole = this.whole;
    if (!whole) return;
    const tabs = this.tabs(whole);
    const at = tabs.indexOf(this.tab);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    const to = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (to === undefined) return;
    event.preventDefault();
    this.turn(tabs[(to + tabs.length) % tabs.length]);
    this.updateComplete.then(() => {
      const tab = this.querySelector('[role=tab][aria-selected=true]');
      if (tab instanceof HTMLElement) tab.focus();
    });
  }

  render() {
    const m = store.open;
    if (store.openId && (store.missing || (!m && store.phase === 'ready' && !store.hidden.size))) {
      return this.missing();
    }
    if (!m) return this.blank();
    const whole = this.whole;
    return html`${this.bar(m)}
      <header class="rd-h">
        <div class="rd-top">
          <h1 id="subject" tabindex="-1">${m.subject || t('noSubject')}</h1>
          <div class="rd-acts">${this.actions(m)}</div>
        </div>
        ${this.who(m, whole)} ${whole ? this.found(whole) : nothing}
      </header>
      ${whole ? this.views(whole) : html`<div class="blank" aria-busy="true"><p>${t('loading')}</p></div>`}`;
  }

  /** @param {Summary | null} m */
  bar(m) {
    return html`<div class="bar only-s">
      <button class="btn ghost icon" aria-label=${t('back')} @click=${() => select(null)}>${icon('arrow-left')}</button>
      <span class="sp"></span>${m ? this.actions(m) : nothing}
    </div>`;
  }

  /** @param {Summary} m */
  actions(m) {
    const list = store.visible;
    const at = list.findIndex((one) => one.id === m.id);
    return html`<button class="btn ghost icon" aria-label=${t('newer')} title="${t('newer')} (k)" ?disabled=${at <= 0} @click=${() => step(-1)}>${icon('chevron-up')}</button
      ><button class="btn ghost icon" aria-label=${t('olderMessage')} title="${t('olderMessage')} (j)" ?disabled=${at >= list.length - 1} @click=${() => step(1)}>${icon('chevron-down')}</button
      ><button class="btn ghost icon" data-do="eml" aria-label=${t('download')} title=${t('download')} @click=${() => download('/raw', fileName(m.subject))}>${icon('download')}</button
      ><button class="btn ghost icon" data-do="delete" aria-label=${t('deleteMessage')} title="${t('deleteMessage')} (#)" @click=${() => remove(m.id)}>${icon('trash-2')}</button>`;
  }

  /** @param {Summary} m @param {Message | null} whole */
  who(m, whole) {
    const name = m.from_name || m.from_address || t('nobody');
    const at = Date.parse(m.received_at);
    return html`<div class="who">
      <span class="av" data-h=${hue(m.from_address)} aria-hidden="true">${initial(name)}</span>
      <div>
        <div><strong>${name}</strong> ${m.from_address ? html`<span class="a">&lt;${m.from_address}&gt;</span>` : nothing}</div>
        <div class="l2">
          <time datetime=${m.received_at}>${atFull(at)}</time><span class="only-l">${ago(at, store.now)}</span>
          ${whole ? this.check(whole) : nothing}
        </div>
      </div>
    </div>`;
  }

  /** Whether the mail is from the domain that it shows. @param {Message} m */
  check(m) {
    const dmarc = m.authentication.dmarc;
    if (dmarc?.result === 'pass') {
      return html`<span class="tag good" title=${t('verifiedWhy')}>${icon('shield-check')} ${t('verified', { domain: domainOf(m) })}</span>`;
    }
    if (dmarc?.result === 'fail') {
      return html`<span class="tag bad" title=${dmarc.reason}>${icon('shield-alert')} ${t('forged')}</span>`;
    }
    return html`<span class="tag" title=${dmarc?.reason ?? t('uncheckedWhy')}>${t('unchecked')}</span>`;
  }

  /** What its reader is after, and what to beware of. @param {Message} m */
  found(m) {
    const warned = warnings(m);
    const code = m.codes[0]?.value;
    const link = m.links.find((one) => TO_FOLLOW.includes(one.kind) && hostOf(one.href));
    const files = m.attachments.filter((one) => !one.inline || one.blocked);
    return html`${
      warned.length
        ? html`<div class="note bad" role="note">${icon('shield-alert')}<span class="grow"><strong>${t('phishing')}</strong> ${warned.join(' ')}</span></div>`
        : nothing
    }${
      code
        ? html`<div class="otp">
            <div class="grow"><div class="lbl">${t('code')}</div><div class="num" id="otp">${spaced(code)}</div></div>
            <button class="btn primary" id="copy-code" @click=${(/** @type {Event} */ e) => copy(code, e, t('codeCopied'))}>${icon('copy')} ${t('copyTheCode')}</button>
          </div>`
        : nothing
    }${
      link
        ? html`<div class="otp">
            <div class="grow"><div class="lbl">${t(`link_${link.kind}`)}</div><div class="cut">${t('opens')} <span class="host">${hostOf(link.href)}</span></div></div>
            <button class="btn icon" aria-label=${t('copyLink')} title=${t('copyLink')} @click=${(/** @type {Event} */ e) => copy(link.href, e, t('linkCopied'))}>${icon('copy')}</button>
            <a class="btn primary" id="open-link" href=${link.href} target="_blank" rel="noopener noreferrer">${t('openLink')} ${icon('external-link')}</a>
          </div>`
        : nothing
    }${files.length ? html`<ul class="atts" aria-label=${t('attachmentList')}>${files.map((one) => this.file(one))}</ul>` : nothing}${
      this.tab === 'html' && !this.images && this.#remote
        ? html`<div class="note" id="images">${icon('image-off')}<span class="grow">${t('imagesBlocked')}</span><button class="btn" @click=${() => this.#show()}>${t('showImages')}</button></div>`
        : nothing
    }`;
  }

  /** @param {Attachment} file */
  file(file) {
    const ending = file.filename.split('.').at(-1)?.toLowerCase() ?? '';
    const picture = PICTURES[/** @type {keyof typeof PICTURES} */ (ending)] ?? 'file';
    const label = html`<span class="t"><bdi class="cut">${file.filename}</bdi><small>${size(file.size)}${file.blocked ? ` · ${t('blockedKind')}` : ''}</small></span>`;
    if (file.blocked) {
      return html`<li><button class="att" title=${t('blockedWhy')} @click=${() => store.note(t('blockedWhy'))}>${icon('triangle-alert')}${label}</button></li>`;
    }
    return html`<li><button class="att" @click=${() => download(`/attachments/${file.index}`, file.filename)}>${icon(picture)}${label}${icon('download')}</button></li>`;
  }

  /** @param {Message} m */
  views(m) {
    const tabs = this.tabs(m);
    const tab = tabs.includes(this.tab) ? this.tab : tabs[0];
    return html`<div class="tabs">
        <div role="tablist" aria-label=${t('views')} @keydown=${this.tabKey}>
          ${tabs.map((one) => html`<button role="tab" id=${`tab-${one}`} aria-controls="view" aria-selected=${tab === one} tabindex=${tab === one ? 0 : -1} @click=${() => this.turn(one)}>${t(one)}</button>`)}
        </div>
        ${tab === 'html' ? this.tools() : nothing}
      </div>
      <div class="body" role="tabpanel" id="view" aria-labelledby=${`tab-${tab}`} tabindex=${tab === 'html' ? nothing : 0}>${this.view(m, tab)}</div>`;
  }

  tools() {
    return html`<div class="view" role="group" aria-label=${t('preview')}>
      ${WIDTHS.map(
        ([picture, width, label]) =>
          html`<button class="btn ghost icon" aria-label=${t(label)} title=${t(label)} aria-pressed=${this.width === width} @click=${() => {
            this.width = width;
          }}>${icon(picture)}</button>`,
      )}<button class="btn ghost icon" aria-label=${t('darken')} title=${t('darken')} aria-pressed=${this.dim} @click=${() => {
        this.dim = !this.dim;
      }}>${icon('contrast')}</button>
    </div>`;
  }

  /** @param {Message} m @param {Tab} tab */
  view(m, tab) {
    if (tab === 'html') {
      return html`<div class="frame" data-w=${this.width} ?data-dim=${this.dim}>
        <iframe title=${t('messageFrom', { from: m.from_name || m.from_address })} src=${this.#frame} sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>
      </div>`;
    }
    if (tab === 'text') {
      return html`<div class="txt" dir="auto">${m.body_text ? linkify(m.body_text) : t('empty')}</div>`;
    }
    if (tab === 'headers') {
      return html`<dl class="hdrs">${m.headers.map((one) => html`<div><dt>${one.name}</dt><dd>${one.value}</dd></div>`)}</dl>`;
    }
    return html`<pre class="txt src">${this.source || t('loading')}</pre>`;
  }

  missing() {
    const gone = store.missing !== 'failed';
    const again = () => read(store.openId ?? '', true);
    return html`${this.bar(null)}
      <div class="blank">
        ${postbox}
        <h2 id="subject" tabindex="-1">${t(gone ? 'messageGone' : 'messageFailed')}</h2>
        ${gone ? html`<p>${t('messageGoneWhy')}</p>` : html`<button class="btn" @click=${again}>${t('retryNow')}</button>`}
      </div>`;
  }

  blank() {
    if (store.phase === 'loading') return html`<div class="blank" aria-busy="true"></div>`;
    if (store.phase === 'failed') {
      return html`<div class="blank">${postbox}<h2>${t('failedTitle')}</h2><p>${t('failedWhy')}</p></div>`;
    }
    if (store.kept.length) {
      return html`<div class="blank">${postbox}<h2>${t('pick')}</h2><p class="only-l">${t('pickHow')}</p></div>`;
    }
    const address = store.inbox?.address ?? '';
    return html`<div class="blank">
      ${postbox}
      <h2>${t('waiting')}</h2>
      <p>${t('waitingWhy')}</p>
      <div class="btns">
        <button class="btn" @click=${sendTest}>${icon('send')} ${t('sendTest')}</button>
        <button class="btn" @click=${() => store.set({ dialog: 'qr' })}>${icon('qr-code')} ${t('openOnPhone')}</button>
      </div>
      <details class="cli">
        <summary>${t('fromScript')}</summary>
        <pre tabindex="0">swaks --to ${address} --server ${location.hostname}
curl -N -H "Authorization: Bearer $TOKEN" \\
  ${location.origin}/api/v1/mailboxes/${address}/events</pre>
      </details>
    </div>`;
  }
}
customElements.define('tm-reader', TmReader);
