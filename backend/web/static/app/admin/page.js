import '../text/en-admin.js';
import { me } from '../chat.js';
import { html, useEffect } from '../preact.js';
import { t } from '../text.js';
import { lazy } from '../ui/lazy.js';
import { SectionsPage } from '../ui/sections.js';
import { Empty } from '../ui/states.js';
import { countOpenReports, openReports } from './open-reports.js';

const SECTIONS = {
  users: { icon: 'people', Page: lazy(() => import('./users.js').then((module) => module.Users)) },
  roles: { icon: 'star', Page: lazy(() => import('./roles.js').then((module) => module.Roles)) },
  reports: { icon: 'flag', Page: lazy(() => import('./reports.js').then((module) => module.Reports)) },
  audit: { icon: 'clock', Page: lazy(() => import('./audit.js').then((module) => module.Audit)) },
  health: { icon: 'heart', Page: lazy(() => import('./health.js').then((module) => module.Health)) },
};
for (const [name, section] of Object.entries(SECTIONS)) section.title = t(`admin.${name}`);

/** The administrator's part: users, roles, reports, the audit trail and the health of the server. */
export function AdminPage({ path }) {
  const isAllowed = me.value?.is_superuser;
  useEffect(() => {
    if (isAllowed) void countOpenReports();
  }, [isAllowed]);
  if (!isAllowed) return html`<${Empty} icon="shield" title=${t('admin.closed.title')} text=${t('admin.closed.text')} />`;
  const sections = { ...SECTIONS, reports: { ...SECTIONS.reports, badge: openReports.value } };
  return html`<${SectionsPage} base="admin" title=${t('admin.title')} path=${path} sections=${sections} />`;
}
