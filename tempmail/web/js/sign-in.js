// Signing in and up, by passkeys.
import './account-words.js';
import { t } from './i18n.js';
import { make, possible, use, why } from './passkeys.js';

/** Something with one button that a browser with passkeys can press. */
class Entry extends HTMLElement {
  connectedCallback() {
    this.button.disabled = !possible();
    if (!possible()) this.say(t('acc.impossible'));
  }

  get button() {
    return /** @type {HTMLButtonElement} */ (this.querySelector('button'));
  }

  /** @param {string} wrong */
  say(wrong) {
    const place = /** @type {HTMLElement} */ (this.querySelector('.wrong'));
    place.textContent = wrong;
  }

  /** @param {() => Promise<unknown>} ceremony */
  async go(ceremony) {
    this.button.disabled = true;
    this.say('');
    try {
      await ceremony();
      location.assign('/account');
    } catch (error) {
      this.say(why(error));
      this.button.disabled = false;
      this.button.focus();
    }
  }
}

class SignIn extends Entry {
  connectedCallback() {
    super.connectedCallback();
    this.button.addEventListener('click', () => this.go(use));
  }
}

class SignUp extends Entry {
  connectedCallback() {
    super.connectedCallback();
    this.querySelector('form')?.addEventListener('submit', (event) => {
      event.preventDefault();
      const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
      const begin = Object.fromEntries(
        [...form].map(([name, text]) => [name, String(text).trim()]),
      );
      this.go(() => make('/users', begin));
    });
  }
}

customElements.define('tm-sign-in', SignIn);
customElements.define('tm-sign-up', SignUp);
