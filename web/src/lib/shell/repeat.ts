/**
 * Calls again and again while the page is visible. Returns what ends it, as onMount expects.
 */
export function whileVisible(everyMs: number, call: () => unknown): () => void {
	const timer = setInterval(() => {
		if (!document.hidden) call();
	}, everyMs);
	return () => clearInterval(timer);
}
