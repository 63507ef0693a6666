// What the account shows, section by section.
import { html, nothing } from '../vendor/lit.js';
import { ago, atFull, size, t } from './i18n.js';

/**
 * @typedef {import('./account.js').Account} Account
 * @typedef {import('./account.js').Holder} Holder
 * @typedef {import('./account.js').Section} Section
 */

const SCOPES = ['full', 'read', 'codes'];
const DAYS = [7, 30, 90, 365];

const numbers = new Intl.NumberFormat(document.documentElement.lang || 'en');

/** @param {number} count */
const bound = (count) => (count < 0 ? t('acc.unlimited') : numbers.format(count));

/** @param {number} minutes */
function lifetime(minutes) {
  if (minutes % 1440 === 0 && minutes > 1440) return t('acc.days', { days: minutes / 1440 });
  return minutes % 60 ? t('acc.minutes', { minutes }) : t('acc.hours', { hours: minutes / 60 });
}

/** @param {string} moment RFC 3339 */
const when = (moment) => html`<time datetime=${moment}>${atFull(Date.parse(moment))}</time>`;

/** @param {string | null} moment */
const used = (moment) =>
  moment ? t('acc.used', { time: ago(Date.parse(moment), Date.now()) }) : t('acc.unused');

/** @param {string} label @param {number} count @param {number} most */
function meter(label, count, most) {
  const values = { used: numbers.format(count), most: bound(most) };
  const text = most < 0 ? t('acc.noLimit', values) : t('acc.of', values);
  return html`<div class="meter"><span>${label}</span><b data-full=${most >= 0 && count >= most}>${text}</b>
    ${
      most < 0
        ? nothing
        : html`<progress max=${Math.max(1, most)} .value=${Math.min(count, most)} aria-label=${label}></progress>`
    }</div>`;
}

/** @param {Account} page @param {Section} section */
const wrong = (page, section) =>
  html`<p class="wrong" role="alert">${page.wrong[section] ?? ''}</p>`;

/** @param {Account} page @param {Holder} holder */
export function summary(page, holder) {
  const { limits, usage } = holder;
  return html`<section class="card" aria-labelledby="usage">
    <div class="sec-h"><h2 id="usage">${holder.name} <span class="tag">${t('acc.plan')}: ${holder.plan}</span></h2>
      <button class="btn" ?disabled=${page.busy} @click=${() => page.signOut()}>${t('acc.signOut')}</button></div>
    ${meter(t('acc.inboxes'), usage.mailboxes, limits.max_mailboxes)}
    <div class="meter"><span>${t('acc.messages')}</span><b>${numbers.format(usage.messages)}</b></div>
    <dl class="limits">
      <div><dt>${t('acc.longest')}</dt><dd>${lifetime(limits.max_ttl_minutes)}</dd></div>
      <div><dt>${t('acc.each')}</dt><dd>${bound(limits.max_messages_per_mailbox)}</dd></div>
      <div><dt>${t('acc.largest')}</dt><dd>${size(limits.max_message_bytes)}</dd></div>
      <div><dt>${t('acc.rate')}</dt><dd>${bound(limits.requests_per_minute)}</dd></div>
    </dl></section>`;
}

/** @param {Account} page */
export function inboxes(page) {
  const rows = page.boxes.map(
    (box) => html`<li><div><span class="mono">${box.address}</span>
      <small>${t('acc.ends', { time: atFull(Date.parse(box.expires_at)) })} · ${t('acc.holds', { n: box.message_count })}</small></div>
      <div class="acts">
        <button class="btn" aria-label=${t('acc.openIt', { address: box.address })} @click=${() => page.open(box)}>${t('acc.open')}</button>
        <button class="btn" aria-label=${t('acc.extendIt', { address: box.address })} @click=${() => page.extend(box)}>${t('acc.extend')}</button>
        <button class="btn danger" aria-label=${t('acc.deleteIt', { address: box.address })} @click=${() => page.deleteInbox(box)}>${t('acc.delete')}</button>
      </div></li>`,
  );
  return html`<section class="card" aria-labelledby="inboxes">
    <div class="sec-h"><h2 id="inboxes" tabindex="-1">${t('acc.inboxes')}</h2>
      <button class="btn primary" @click=${() => page.newInbox()}>${t('acc.newInbox')}</button></div>
    ${wrong(page, 'inboxes')}
    ${rows.length ? html`<ul class="rows">${rows}</ul>` : html`<p class="muted">${t('acc.noInboxes')}</p>`}
    ${page.next ? html`<button class="btn" @click=${() => page.moreInboxes()}>${t('acc.more')}</button>` : nothing}
    </section>`;
}

/** @param {Account} page */
export function keys(page) {
  const rows = page.keys.map(
    (key) => html`<li><div><b>${key.name}</b> <span class="mono">${key.prefix}…</span>
      <small>${key.scopes.map((scope) => t(`acc.scope.${scope}`)).join(', ')} · ${used(key.last_used_at)}
        ${key.expires_at ? html`· ${t('acc.keyEnds')} ${when(key.expires_at)}` : nothing}</small></div>
      <div class="acts"><button class="btn danger" aria-label=${t('acc.revokeIt', { name: key.name })}
        @click=${() => page.revoke(key)}>${t('acc.revoke')}</button></div></li>`,
  );
  return html`<section class="card" aria-labelledby="keys">
    <div class="sec-h"><h2 id="keys" tabindex="-1">${t('acc.keys')}</h2></div>
    ${wrong(page, 'keys')}
    ${
      page.secret
        ? html`<div class="note warn secret"><div class="grow"><p>${t('acc.secret')}</p><code>${page.secret}</code></div>
          <div class="acts"><button class="btn" @click=${(/** @type {Event} */ e) => page.copySecret(e)}>${t('acc.copyKey')}</button>
          <button class="btn" @click=${() => page.forgetSecret()}>${t('acc.done')}</button></div></div>`
        : nothing
    }
    <form class="line" @submit=${(/** @type {SubmitEvent} */ e) => page.makeKey(e)}>
      <label class="lab">${t('acc.keyName')} <input class="field" name="name" required maxlength="64" autocomplete="off"></label>
      <label class="lab">${t('acc.keyScope')} <select class="field" name="scope">${SCOPES.map(
        (scope) => html`<option value=${scope}>${t(`acc.scope.${scope}`)}</option>`,
      )}</select></label>
      <label class="lab">${t('acc.keyEnds')} <select class="field" name="days"><option value="0">${t('acc.never')}</option>${DAYS.map(
        (days) => html`<option value=${days}>${t('acc.inDays', { days })}</option>`,
      )}</select></label>
      <button class="btn">${t('acc.makeKey')}</button></form>
    ${rows.length ? html`<ul class="rows">${rows}</ul>` : html`<p class="muted">${t('acc.noKeys')}</p>`}
    </section>`;
}

/** @param {Account} page */
export function passkeys(page) {
  const rows = page.passkeys.map(
    (one) => html`<li><div><b>${one.name}</b> <small>${used(one.last_used_at)}</small></div>
      <div class="acts"><button class="btn danger" aria-label=${t('acc.removeIt', { name: one.name })}
        @click=${() => page.removePasskey(one)}>${t('acc.remove')}</button></div></li>`,
  );
  return html`<section class="card" aria-labelledby="passkeys">
    <div class="sec-h"><h2 id="passkeys" tabindex="-1">${t('acc.passkeys')}</h2></div>
    ${wrong(page, 'passkeys')}
    <form class="line" @submit=${(/** @type {SubmitEvent} */ e) => page.addPasskey(e)}>
      <label class="lab">${t('acc.passkeyName')} <input class="field" name="name" required maxlength="64" autocomplete="off"></label>
      <button class="btn">${t('acc.addPasskey')}</button></form>
    <ul class="rows">${rows}</ul></section>`;
}
