// Passkeys: asks the service for a challenge, the browser for an answer, and sends that back.
import { api, Refusal } from './api.js';
import { t } from './i18n.js';

/** Whether this browser, on this page, has passkeys. */
export const possible = () =>
  typeof PublicKeyCredential === 'function' &&
  'parseCreationOptionsFromJSON' in PublicKeyCredential;

/**
 * Make a passkey.
 * @param {string} path below which to ask, such as /users
 * @param {Record<string, string>} begin what the service wants to know first
 * @param {Record<string, string>} [finish] and with the answer
 */
export async function make(path, begin, finish = {}) {
  const { publicKey } = await api('POST', `${path}/options`, { body: begin });
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  const made = await navigator.credentials.create({ publicKey: options });
  const credential = /** @type {PublicKeyCredential} */ (made).toJSON();
  return api('POST', path, { body: { credential, ...finish } });
}

/** Sign in with a passkey. */
export async function use() {
  const { publicKey } = await api('POST', '/sessions/options', { body: {} });
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  const used = await navigator.credentials.get({ publicKey: options });
  const credential = /** @type {PublicKeyCredential} */ (used).toJSON();
  return api('POST', '/sessions', { body: { credential } });
}

/** Why something did not work, for people. @param {unknown} error */
export function why(error) {
  if (error instanceof Refusal) {
    if (error.status === 0) return t('acc.offline');
    if (error.retryAfter && error.code !== 'limit_reached')
      return t('acc.wait', { seconds: error.retryAfter });
    const known = t(`acc.${error.code}`);
    return known === `acc.${error.code}` ? t('acc.refused', { why: error.detail }) : known;
  }
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'AbortError') return t('acc.cancelled');
  if (name === 'InvalidStateError') return t('acc.alreadyHere');
  if (name === 'SecurityError') return t('acc.byAddress');
  return t('acc.refused', { why: String(error) });
}
