import { api } from '../chat.js';
import { html } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { formatDate, t } from '../text.js';
import { Button } from '../ui/button.js';
import { confirm, showDialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { Loaded, useLoad } from '../ui/load.js';
import { toast, toastError } from '../ui/toast.js';
import { EnrolDialog } from './enrol.js';
import { CodesDialog } from './recovery-codes.js';

const TOTP = '/api/auth/totp';
const FEW = 3;

/** The second factor: whether there is one, and how to switch it on and off. */
export function SecondFactor() {
  const factor = useLoad(() => api.get(TOTP));
  const during = async (action) => {
    try {
      await action();
    } catch (error) {
      toastError(error);
    }
    factor.reload();
  };
  const showCodes = (codes) => showDialog((close) => html`<${CodesDialog} codes=${codes} onClose=${close} />`);
  const enrol = () =>
    during(async () => {
      const secret = await withFreshSession(() => api.post(TOTP, {}));
      // The codes are shown also if the dialog is left while the server answers, because they are shown only once.
      const onCodes = (codes) => void showCodes(codes).then(factor.reload);
      await showDialog((close) => html`<${EnrolDialog} secret=${secret} onCodes=${onCodes} onClose=${close} />`);
    });
  const renew = () =>
    during(async () => {
      const question = { title: t('factor.new-codes'), text: t('factor.new-codes-text'), action: t('factor.new-codes') };
      if (!(await confirm(question))) return;
      const answer = await withFreshSession(() => api.post(`${TOTP}/recovery-codes`, {}));
      await showCodes(answer.recovery_codes);
    });
  const disable = () =>
    during(async () => {
      const question = { title: t('factor.disable-title'), text: t('factor.disable-text'), action: t('factor.disable') };
      if (!(await confirm({ ...question, isDanger: true }))) return;
      await withFreshSession(() => api.delete(TOTP, {}));
      toast(t('factor.disabled'), { kind: 'success' });
    });
  return html`<${Loaded} loaded=${factor}>
    ${({ is_enabled: isEnabled, confirmed_at: since, recovery_codes_left: left }) =>
      isEnabled
        ? html`<p class="setting-value"><span class="tag tag-good"><${Icon} name="check" />${t('factor.on')}</span> ${t('factor.since', { date: formatDate(since) })}</p>
            <p class=${`setting-note ${left < FEW ? 'is-warning' : ''}`}>${t('factor.codes-left', { count: left })}</p>
            <div class="form-actions">
              <${Button} onClick=${renew}>${t('factor.new-codes')}<//>
              <${Button} class="button-danger-quiet" onClick=${disable}>${t('factor.disable')}<//>
            </div>`
        : html`<${Button} icon="shield" onClick=${enrol}>${t('factor.enable')}<//>`}
  <//>`;
}
