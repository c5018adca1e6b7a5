/**
 * Installs the service worker once the page has loaded and is idle, so that it does not compete
 * with what the page needs. Without one the app works all the same, but is not installable.
 */
export function installWorker(): void {
	if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return;
	const install = () =>
		void navigator.serviceWorker
			.register('/service-worker.js', { updateViaCache: 'none' })
			.catch(() => undefined);
	const idle = () =>
		'requestIdleCallback' in window
			? requestIdleCallback(install, { timeout: 10_000 })
			: setTimeout(install, 2_000);
	if (document.readyState === 'complete') idle();
	else addEventListener('load', idle, { once: true });
}
