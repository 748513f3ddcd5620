/**
 * Remember what has the focus. Returns what gives it back; where the element is gone meanwhile, such as the toolbar of a message, the
 * message or the pane around it takes it.
 */
export function rememberFocus() {
  const before = document.activeElement;
  const places = [before, before?.closest('article'), before?.closest('.panel, main')];
  return () => {
    const place = places.find((each) => each instanceof HTMLElement && each.isConnected && each !== document.body);
    place?.focus({ preventScroll: true });
  };
}
