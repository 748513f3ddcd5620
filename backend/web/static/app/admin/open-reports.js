import { api } from '../chat.js';
import { signal } from '../preact.js';

/** How many reports are open; at most 100 are counted. */
export const openReports = signal(0);

export async function countOpenReports() {
  try {
    openReports.value = (await api.get('/api/reports?status=open&limit=100')).length;
  } catch {} // the list of reports says what is wrong
}
