/**
 * An attachment. When the focused element inside the container is removed, the focus moves to the
 * container; otherwise it would fall to the top of the page. The container has a tabindex of -1.
 */
export function keepFocus(container: HTMLElement): () => void {
	let last: EventTarget | null = null;
	const remember = (event: FocusEvent) => (last = event.target);
	const observer = new MutationObserver(() => {
		if (!(last instanceof Node) || last.isConnected) return;
		last = null;
		if (document.activeElement === document.body) container.focus({ preventScroll: true });
	});
	container.addEventListener('focusin', remember);
	observer.observe(container, { childList: true, subtree: true });
	return () => {
		observer.disconnect();
		container.removeEventListener('focusin', remember);
	};
}
